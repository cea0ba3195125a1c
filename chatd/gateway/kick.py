"""Kick: an operator ends the streams of a profile or of one device."""

from collections.abc import Callable

from chatd.core.ids import topic_of
from chatd.errors import Kicked
from chatd.gateway.connection import ClientConnection, ConnectionManager
from chatd.gateway.device_sender import DeviceSender
from chatd.pb.admin.v1.admin_pb2 import EndedStream, KickConnectionsRequest, KickConnectionsResponse


class Kick:
    """``write_acks`` writes the acks that have gathered."""

    def __init__(
        self,
        connections: ConnectionManager,
        sender: DeviceSender,
        *,
        gateway_id: str,
        write_acks: Callable[[], None],
    ) -> None:
        self._connections = connections
        self._write_acks = write_acks
        self._sender = sender
        self._gateway_id = gateway_id

    async def run(self, request: KickConnectionsRequest) -> KickConnectionsResponse:
        """End them, those on their way to a stream too; what they have acknowledged counts."""
        device = topic_of(request.profile_id, request.device_id)
        profile = f"{request.profile_id}:".encode()
        answer = KickConnectionsResponse()
        self._write_acks()
        for peer in list(self._connections.peers):
            if peer.topic == device if request.device_id else peer.topic.startswith(profile):
                answer.ended.append(self._shown(peer, request.profile_id))
                self._sender.end(peer, Kicked("an operator ended the stream"))
        self._connections.flush()
        return answer

    def _shown(self, peer: ClientConnection, profile_id: str) -> EndedStream:
        return EndedStream(
            profile_id=profile_id,
            device_id=peer.device_id,
            epoch=peer.stream.key.epoch if peer.stream is not None else 0,
            gateway_id=self._gateway_id,
            address=peer.link.origin,
        )

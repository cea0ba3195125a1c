"""StreamList: the open streams of a gateway, for operators."""

from collections.abc import Mapping
from heapq import nlargest

from chatd.core.stream import DeviceStream, StreamState
from chatd.gateway.connection import ClientConnection
from chatd.pb.admin.v1.admin_pb2 import ListStreamsRequest, ListStreamsResponse, OpenStream

MAX_STREAMS = 1_000
DEFAULT_STREAMS = 100


class StreamList:
    """``streams`` are the open ones."""

    def __init__(self, streams: Mapping[bytes, ClientConnection], *, gateway_id: str) -> None:
        self._streams = streams
        self._gateway_id = gateway_id

    async def list(self, request: ListStreamsRequest) -> ListStreamsResponse:
        """Those that are behind, then those with the most in flight."""
        limit = min(request.limit or DEFAULT_STREAMS, MAX_STREAMS)
        found = [(peer, peer.stream) for peer in self._streams.values() if peer.stream is not None]
        first = nlargest(limit, found, key=lambda one: _place(one[1]))
        return ListStreamsResponse(
            streams=[self._shown(peer, stream) for peer, stream in first], more=len(found) > limit
        )

    def _shown(self, peer: ClientConnection, stream: DeviceStream) -> OpenStream:
        window = stream.window
        return OpenStream(
            profile_id=stream.key.profile_id,
            device_id=stream.key.device_id,
            epoch=stream.key.epoch,
            gateway_id=self._gateway_id,
            address=peer.link.origin,
            catching_up=stream.state is not StreamState.LIVE,
            in_flight=window.sent - window.acked,
            window=window.max_messages,
        )


def _place(stream: DeviceStream) -> tuple[bool, int]:
    return stream.state is not StreamState.LIVE, stream.window.sent - stream.window.acked

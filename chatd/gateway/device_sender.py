"""Everything a gateway sends to devices goes through here, and every stream that ends, ends here."""

from collections.abc import Sequence

from chatd.core.wire import encode_reply, error_to_pb
from chatd.errors import AckAhead, ChatdError, Draining, HeartbeatLost, Superseded
from chatd.gateway.connection import ClientConnection, ConnectionManager
from chatd.pb.gateway.v1.gateway_pb2 import CaughtUp, Closed, Error, ServerFrame
from chatd.transport.pump import PeerFull, PeerGone, Pump

FAILURES = (HeartbeatLost, Superseded, AckAhead)
"""Ends that may be the fault of what was in flight; a Bye or a gateway that stops is not."""

_CAUGHT_UP = ServerFrame(caught_up=CaughtUp()).SerializeToString()


class DeviceSender:
    """The ROUTER's sending side. ``bind`` gives it its socket and the connections it may have to forget."""

    elsewhere: tuple[str, ...] = ()
    """The other gateways, as devices reach them."""

    def bind(self, router: Pump, connections: ConnectionManager) -> None:
        self._router = router
        self._connections = connections

    def deliver(self, peer: ClientConnection, records: Sequence[bytes], caught_up: bool) -> None:
        """Delivery records, concatenated into one frame; then, if so, that the device has caught up."""
        if records:
            frame = records[0] if len(records) == 1 else b"".join(records)
            try:
                self._router.send((peer.routing_id, b"", frame) if peer.delimiter else (peer.routing_id, frame))
            except (PeerGone, PeerFull):
                self._connections.forget(peer, failed=True)
        if caught_up:
            self.send(peer, _CAUGHT_UP)

    def send(self, peer: ClientConnection, frame: bytes) -> None:
        if not self._send_to(peer.routing_id, peer.delimiter, frame):
            # Gone, or so slow that even the socket's queue is full: the outbox keeps what it is owed.
            self._connections.forget(peer, failed=True)

    def signal(self, peer: ClientConnection, frame: bytes) -> bool:
        """What is said in passing: False if the device does not keep up, or is gone."""
        return self._send_to(peer.routing_id, peer.delimiter, frame)

    def reply(self, routing_id: bytes, delimiter: bool, call_id: int, payload: bytes, error: ChatdError | None) -> None:
        """The answer to a call. The caller may have gone meanwhile; then nobody is told."""
        self._send_to(routing_id, delimiter, ServerFrame(reply=encode_reply(call_id, payload, error)).SerializeToString())

    def refuse(self, peer: ClientConnection, error: ChatdError) -> None:
        """Tell a peer that its frame was refused; end the stream if the error says so."""
        if error.closes:
            self.end(peer, error)
        else:
            self.send(peer, ServerFrame(error=error_to_pb(error)).SerializeToString())

    def end(self, peer: ClientConnection, error: ChatdError | None) -> None:
        """End the peer's stream, if it has one, and say why; None: because the device asked for it."""
        self._connections.forget(peer, failed=isinstance(error, FAILURES))
        reason = Error(code=0, name="OK") if error is None else error_to_pb(error)
        closed = Closed(error=reason, gateways=self.elsewhere if isinstance(error, Draining) else ())
        self._send_to(peer.routing_id, peer.delimiter, ServerFrame(closed=closed).SerializeToString())

    def _send_to(self, routing_id: bytes, delimiter: bool, frame: bytes) -> bool:
        try:
            self._router.send((routing_id, b"", frame) if delimiter else (routing_id, frame))
        except (PeerGone, PeerFull):
            return False
        return True

"""GatewayServer: the frames of clients, each handled by its kind. The stages around it do the rest:

Opening (Hello → Welcome) · ClientCalls (calls → default nodes) · LiveDelivery (queue → device) ·
CatchUp (outbox → device) · AckFlush (device → outbox) · StreamTimeouts (time) · DeviceSender
(everything sent) · Drain (the end).
"""

import random
from collections.abc import Callable
from functools import partial

import structlog
from google.protobuf.message import DecodeError

from chatd.core.graphemes import cut
from chatd.core.stream import DeviceStream
from chatd.core.string_fields import refuse_nul
from chatd.core.wire import is_heartbeat, read_ack
from chatd.errors import ChatdError, Internal, MalformedFrame, NoStream, UnknownFrame
from chatd.gateway.ack_flush import AckFlush
from chatd.gateway.ack_times import AckTimes
from chatd.gateway.admission import Admission
from chatd.gateway.authentication.pending import AuthenticationPending
from chatd.gateway.calls import ClientCalls
from chatd.gateway.catch_up import CatchUp
from chatd.gateway.connection import ClientConnection, ConnectionManager
from chatd.gateway.device_sender import DeviceSender
from chatd.gateway.opening import Opening
from chatd.gateway.presence import GatewayPresence
from chatd.gateway.refusals import Refusals
from chatd.gateway.token_expiry import TokenExpiry
from chatd.gateway.waiting_frames import WaitingFrames
from chatd.pb.gateway.v1.gateway_pb2 import ClientFrame, ServerFrame
from chatd.text import one_line

log = structlog.get_logger()

MAX_REASON = 200
"""Characters (grapheme clusters) kept of the reason a device gives for a rejection."""

_NO_FRAME = ClientFrame()
_ACK, _HEARTBEAT = 0x12, 0x1A  # the first bytes of ClientFrame.ack and ClientFrame.heartbeat

Handler = Callable[[ClientConnection, ClientFrame], None]
"""Raises a ChatdError to refuse the frame."""


class GatewayServer:
    """Fronts call ``on_frame`` for each frame and ``after_batch`` when they have handed on all that
    had come. An operator is shown every ``touch`` seconds that a device lives."""

    def __init__(
        self,
        admission: Admission,
        connections: ConnectionManager,
        sender: DeviceSender,
        refusals: Refusals,
        opening: Opening,
        calls: ClientCalls,
        catch_up: CatchUp,
        acks: AckFlush,
        presence: GatewayPresence,
        ack_times: AckTimes,
        expiry: TokenExpiry,
        *,
        touch: float,
    ) -> None:
        self._admission = admission
        self._connections = connections
        self._sender = sender
        self._refusals = refusals
        self._opening = opening
        self._catch_up = catch_up
        self._acks = acks
        self._presence = presence
        self._ack_times = ack_times
        self._expiry = expiry
        self._touch = touch
        self._waiting = WaitingFrames(self.on_frame, self.after_batch)
        self._handlers: dict[str | None, Handler] = {
            "hello": opening.on_hello,
            "ack": self._on_ack,
            "heartbeat": self._on_heartbeat,
            "bye": self._on_bye,
            "call": calls.on_call,
            "reject": self._on_reject,
            "presence": self._on_presence,
            "renew": self._on_renew,
        }

    def on_frame(self, peer: ClientConnection, encoded: bytes) -> None:
        """Handle one encoded ClientFrame, or refuse it."""
        frame = _NO_FRAME
        if peer.link.tap is not None:
            peer.link.tap.received(encoded)
        try:
            first = encoded[0] if encoded else 0
            if first == _ACK:
                ack = read_ack(encoded)
                if ack is not None:
                    self._ack(peer, *ack)
                    return
            elif first == _HEARTBEAT and is_heartbeat(encoded):
                self._heartbeat(peer, encoded)
                return
            try:
                frame = ClientFrame.FromString(encoded)
            except DecodeError as exc:
                raise MalformedFrame("the frame is not a ClientFrame") from exc
            handler = self._handlers.get(frame.WhichOneof("kind"))
            if handler is None:
                raise UnknownFrame("no known kind of frame is set")
            if b"\0" in encoded:
                refuse_nul(frame)
            handler(peer, frame)
        except ChatdError as exc:
            self._refuse(peer, exc, frame, encoded)
        except AuthenticationPending as pending:
            self._wait(peer, frame, encoded, pending)
        except Exception as exc:  # one frame must not take the rest of its batch with it
            log.exception("A client's frame could not be handled")
            error = Internal(f"the frame could not be handled: {type(exc).__name__}")
            self._refuse(peer, error, frame, encoded)

    def _wait(
        self, peer: ClientConnection, frame: ClientFrame, encoded: bytes, pending: AuthenticationPending
    ) -> None:
        try:
            self._waiting.wait(peer, encoded, pending)
        except ChatdError as exc:
            if frame.HasField("call"):
                self._refusals.call(peer, frame.call.call_id, exc, len(encoded))
            else:
                self._refuse(peer, exc, frame, encoded)

    def _refuse(self, peer: ClientConnection, error: ChatdError, frame: ClientFrame, encoded: bytes) -> None:
        kind = frame.WhichOneof("kind") or _kind_unparsed(encoded)
        self._refusals.frame(peer, error, len(encoded), kind=kind, hello_id=frame.hello.hello_id)

    def after_batch(self) -> None:
        """Ask default nodes for all that the frames since the last call made necessary."""
        self._connections.flush()
        self._opening.flush()
        self._catch_up.flush()

    def _is_of_earlier_stream(self, peer: ClientConnection, epoch: int) -> bool:
        """True if the frame is to be ignored; it counts as a frame all the same. Raises
        RateLimited."""
        if not peer.has_replaced(epoch):
            return False
        self._admission.limit_acks(peer)
        return True

    def _on_ack(self, peer: ClientConnection, frame: ClientFrame) -> None:
        self._ack(peer, frame.ack.up_to, frame.ack.epoch)

    def _ack(self, peer: ClientConnection, up_to: int, epoch: int) -> None:
        stream = peer.stream
        is_current = stream is not None and epoch in (0, stream.key.epoch)
        if not is_current and self._is_of_earlier_stream(peer, epoch):
            return
        if stream is None:
            raise NoStream("ack without a stream")
        self._admission.limit_acks(peer)
        stream.ack(up_to)
        if 0 < peer.timed_delivery <= up_to:
            self._ack_times.acked(peer)
        self._acks.acked(peer)
        if stream.wants_pull:
            self._catch_up.want(peer)

    def _on_reject(self, peer: ClientConnection, frame: ClientFrame) -> None:
        if self._is_of_earlier_stream(peer, frame.reject.epoch):
            return
        if peer.stream is None:
            raise NoStream("reject without a stream")
        self._admission.limit_frame(peer, peer.identity, frame.ByteSize())
        peer.stream.reject(frame.reject.delivery, cut(one_line(frame.reject.reason), MAX_REASON))
        self._acks.failed(peer)

    def _on_presence(self, peer: ClientConnection, frame: ClientFrame) -> None:
        if self._is_of_earlier_stream(peer, frame.presence.epoch):
            return
        if peer.stream is None:
            raise NoStream("presence without a stream")
        self._presence.change(peer, frame.presence.state, peer.heard_at)

    def _on_renew(self, peer: ClientConnection, frame: ClientFrame) -> None:
        if not self._is_of_earlier_stream(peer, frame.renew.epoch):
            self._expiry.on_renew(peer, frame)

    def _on_heartbeat(self, peer: ClientConnection, frame: ClientFrame) -> None:
        self._heartbeat(peer, ServerFrame(heartbeat=frame.heartbeat).SerializeToString())

    def _heartbeat(self, peer: ClientConnection, answer: bytes) -> None:
        if not peer.is_open:
            raise NoStream("heartbeat without a stream")
        self._admission.limit_acks(peer)
        if not peer.touch_at:
            peer.touch_at = peer.heard_at + self._touch * random.random()  # its Hello has been noted
        elif peer.heard_at >= peer.touch_at:
            peer.touch_at = peer.heard_at + self._touch
            self._acks.alive(peer)
        self._sender.send(peer, answer)

    def _on_bye(self, peer: ClientConnection, frame: ClientFrame) -> None:
        if self._is_of_earlier_stream(peer, frame.bye.epoch):
            return
        if not peer.is_open:
            raise NoStream("bye without a stream")
        if peer.stream is None:
            self._sender.end(peer, None)  # nothing was sent that could be acknowledged
            return
        peer.said_bye = True
        self._acks.flush_one(peer, partial(self._said_bye, peer, peer.stream))

    def _said_bye(self, peer: ClientConnection, stream: DeviceStream) -> None:
        if peer.stream is stream:
            self._sender.end(peer, None)
            self._connections.flush()


def _kind_unparsed(encoded: bytes) -> str:
    """The kind of a frame that was handled by its bytes alone; empty: it was not."""
    if read_ack(encoded) is not None:
        return "ack"
    return "heartbeat" if is_heartbeat(encoded) else ""

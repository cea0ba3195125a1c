"""Tracing: operators see the frames of one device's stream, and the stream goes on as it does.

A trace holds so many frames between two looks; of more it counts how many it left out. One that
nobody looks at any more ends. While there is none, a frame costs nothing more.
"""

from collections import deque
from collections.abc import Callable

import structlog

from chatd.core.ids import topic_of
from chatd.errors import LimitReached
from chatd.gateway import traced_frames
from chatd.gateway.connection import ClientConnection, ConnectionManager
from chatd.gateway.traced_frames import with_stream
from chatd.pb.admin.v1.admin_pb2 import TracedFrame, TraceStreamRequest, TraceStreamResponse

log = structlog.get_logger()

MAX_FRAMES = 1_000
"""Frames that a trace holds."""
MAX_BYTES = 1_048_576
"""The same in bytes: an answer has to fit into a frame."""
MAX_TRACES = 16
"""Traces at a time."""
FORGET_SECONDS = 10.0
"""A trace that nobody has looked at for so long ends."""
TICK_SECONDS = 1.0
_HELLO = b"\x0a"  # ClientFrame.hello: field 1


class _Trace:
    def __init__(self, trace_id: str, topic: bytes) -> None:
        self.trace_id = trace_id
        self.topic = topic
        self.payloads = False
        self.looked_at = 0.0
        self._frames: deque[TracedFrame] = deque()
        self._bytes = 0
        self._lost = 0

    @property
    def is_full(self) -> bool:
        return len(self._frames) >= MAX_FRAMES or self._bytes >= MAX_BYTES

    def add(self, frame: TracedFrame) -> None:
        self._frames.append(frame)
        self._bytes += frame.ByteSize()

    def leave_out(self) -> None:
        self._lost += 1

    def take(self) -> TraceStreamResponse:
        """The frames since the last call."""
        taken = TraceStreamResponse(frames=self._frames, lost=self._lost)
        self._frames.clear()
        self._bytes = self._lost = 0
        return taken


class _Tap:
    """On one stream's link, for all traces of the device."""

    def __init__(self, tracing: "Tracing", peer: ClientConnection) -> None:
        self._tracing = tracing
        self._peer = peer

    def sent(self, frame: bytes) -> None:
        self._tracing.sent(self._peer, frame)

    def received(self, frame: bytes) -> None:
        self._tracing.received(self._peer, frame)


class Tracing:
    """``now`` is a steady clock in seconds, ``clock`` gives microseconds since the Unix epoch;
    ``tick`` is to be called every TICK_SECONDS."""

    def __init__(
        self,
        connections: ConnectionManager,
        *,
        gateway_id: str,
        now: Callable[[], float],
        clock: Callable[[], int],
    ) -> None:
        self._connections = connections
        self._gateway_id = gateway_id
        self._now = now
        self._clock = clock
        self._traces: dict[str, _Trace] = {}
        self.is_on = False

    async def look(self, request: TraceStreamRequest) -> TraceStreamResponse:
        """The frames since the last look; the first begins the trace. Raises LimitReached."""
        topic = topic_of(request.profile_id, request.device_id)
        trace = self._traces.get(request.trace_id)
        if trace is None or trace.topic != topic:
            if request.end:
                return TraceStreamResponse()
            if len(self._traces) >= MAX_TRACES:
                raise LimitReached(f"{MAX_TRACES} traces are on at gateway {self._gateway_id}")
            trace = self._traces[request.trace_id] = _Trace(request.trace_id, topic)
            self.is_on = True
            log.info("A stream is traced", profile=request.profile_id, device=request.device_id)
        trace.looked_at, trace.payloads = self._now(), request.payloads
        answer = trace.take()
        peer = self._connections.streams.get(topic)
        if peer is not None:
            answer.gateways.append(self._gateway_id)
            if peer.link.tap is None:
                peer.link.tap = _Tap(self, peer)
        if request.end:
            self._end(trace)
        return answer

    def opening(self, peer: ClientConnection, hello: bytes) -> None:
        """A device has said Hello, and its stream is on its way."""
        peer.link.tap = _Tap(self, peer)
        self._frame(peer, hello, from_device=True)

    def sent(self, peer: ClientConnection, frame: bytes) -> None:
        """A frame leaves for a device that is traced, or was."""
        self._frame(peer, frame, from_device=False)

    def received(self, peer: ClientConnection, frame: bytes) -> None:
        """A frame of such a device has come. ``opening`` shows the Hellos."""
        if not frame.startswith(_HELLO):
            self._frame(peer, frame, from_device=True)

    def _frame(self, peer: ClientConnection, frame: bytes, *, from_device: bool) -> None:
        traces = [trace for trace in self._traces.values() if trace.topic == peer.topic]
        if not traces:
            peer.link.tap = None
            return
        for trace in traces:
            if trace.is_full:
                trace.leave_out()
                continue
            try:
                shown = (
                    traced_frames.received(frame)
                    if from_device
                    else traced_frames.sent(frame, payloads=trace.payloads)
                )
            except Exception:  # nothing here may end a stream
                log.exception("A frame could not be traced")
                continue
            shown.at_us, shown.gateway_id = self._clock(), self._gateway_id
            trace.add(with_stream(shown, peer.stream))

    def tick(self) -> None:
        """End the traces that nobody looks at."""
        since = self._now() - FORGET_SECONDS
        for trace in [trace for trace in self._traces.values() if trace.looked_at < since]:
            self._end(trace)

    def _end(self, trace: _Trace) -> None:
        del self._traces[trace.trace_id]
        self.is_on = bool(self._traces)

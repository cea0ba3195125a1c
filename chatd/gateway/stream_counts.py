"""StreamCounts: the streams of a gateway by their state."""

import time
from collections.abc import Callable, Mapping

from chatd.core.metric import Gauge
from chatd.core.stream import StreamState
from chatd.gateway.connection import ClientConnection
from chatd.pb.node.v1.node_pb2 import DescribeRequest

COUNT_SECONDS = 1.0
"""A count is used for so long: 10,000 streams take a millisecond."""


class StreamCounts:
    """``streams`` are the open ones."""

    def __init__(
        self, streams: Mapping[bytes, ClientConnection], *, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._streams = streams
        self._steady = steady
        self._counted_at = 0.0
        self._live = self._catching_up = self._full = 0
        self.gauges = (
            Gauge("streams", "open streams by their state", self._by_state, labels=("state",)),
            Gauge(
                "windows_full", "streams that are owed more than their windows have room for", self._windows
            ),
        )

    def _count(self) -> None:
        now = self._steady()
        if now < self._counted_at + COUNT_SECONDS:
            return
        self._counted_at = now
        live = full = 0
        for peer in self._streams.values():
            stream = peer.stream
            if stream is None or stream.state is StreamState.LIVE:
                live += 1
            elif not (stream.window.free_normal_messages and stream.window.free_normal_bytes):
                full += 1
        self._live, self._catching_up, self._full = live, len(self._streams) - live, full

    def tell(self, request: DescribeRequest) -> None:
        """Say it in what the gateway tells of itself."""
        self._count()
        request.streams = self._live + self._catching_up
        request.streams_catching_up, request.windows_full = self._catching_up, self._full

    def _by_state(self) -> dict[tuple[str, ...], float]:
        self._count()
        return {("live",): self._live, ("catching_up",): self._catching_up}

    def _windows(self) -> float:
        self._count()
        return self._full

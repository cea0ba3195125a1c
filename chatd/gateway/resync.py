"""Resync: streams of which something published may have been missed fall behind, and pull."""

import asyncio
from collections.abc import Iterable, Mapping

from chatd.gateway.catch_up import Pulls
from chatd.gateway.connection import ClientConnection

SPREAD_SECONDS = 1.0
AT_ONCE = 100
"""Streams that fall behind together; many more are spread over SPREAD_SECONDS, a part each
STEP_SECONDS."""
STEP_SECONDS = 0.02


class Resync:
    """``streams`` are the open ones, by topic."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, streams: Mapping[bytes, ClientConnection], pulls: Pulls
    ) -> None:
        self._loop = loop
        self._streams = streams
        self._pulls = pulls

    def topics(self, topics: Iterable[bytes] | None) -> None:
        """The streams of these topics, or all (None)."""
        wanted = list(self._streams if topics is None else topics)
        size = max(AT_ONCE, round(len(wanted) * STEP_SECONDS / SPREAD_SECONDS))
        self._fall_behind(wanted[:size])
        for number, start in enumerate(range(size, len(wanted), size), 1):
            self._loop.call_later(number * STEP_SECONDS, self._fall_behind, wanted[start : start + size])

    def _fall_behind(self, topics: list[bytes]) -> None:
        for topic in topics:
            peer = self._streams.get(topic)
            if peer is not None and peer.stream is not None:
                peer.stream.fall_behind()
                if peer.stream.wants_pull:
                    self._pulls.want(peer)
        self._pulls.flush()

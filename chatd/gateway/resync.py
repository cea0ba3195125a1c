"""Resync: streams of which something published may have been missed fall behind, and pull."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from chatd.gateway.catch_up import Pulls
from chatd.gateway.connection import ClientConnection
from chatd.gateway.spread import in_steps


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
        in_steps(self._loop.call_later, list(self._streams if topics is None else topics), self._fall_behind)

    def _fall_behind(self, topics: Sequence[bytes]) -> None:
        for topic in topics:
            peer = self._streams.get(topic)
            if peer is not None and peer.stream is not None:
                peer.stream.fall_behind()
                if peer.stream.wants_pull:
                    self._pulls.want(peer)
        self._pulls.flush()

"""DefaultNode: the life of one default node. Its parts do the work; this file says in which order
they begin and end.

calls ─▶ parts ─▶ store (writer and readers, threads) ─▶ replies
                    └▶ FanOut ─▶ publisher
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from chatd.core.metric import Metric
from chatd.core.model import CommittedRun
from chatd.default.calls import Calls
from chatd.default.part import Part
from chatd.store.access import OnNewLog, StoreAccess
from chatd.transport.queue import OnGateway, Publisher
from chatd.transport.sockets import Context
from chatd.transport.timers import Timers

LAST_SECONDS = 1.0
"""Seconds that the last messages get to leave."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses at which a node takes calls and publishes; the latter is empty where a broker
    carries the queue."""

    call_uri: str
    queue_uri: str = ""


class DefaultNode:
    """``start`` it, then ``drain`` and ``close``. ``parts`` are listed in the order of the flow."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        store: StoreAccess,
        calls: Calls,
        publisher: Publisher,
        on_gateway: OnGateway,
        parts: Sequence[Part],
        *,
        is_drained: Callable[[], bool],
    ) -> None:
        self._loop = loop
        self._store = store
        self._calls = calls
        self._publisher = publisher
        self._on_gateway = on_gateway
        self._parts = parts
        self._is_drained = is_drained
        self._timers = Timers(loop)

    async def start(
        self,
        context: Context,
        wanted: Addresses,
        *,
        max_frame: int,
        on_committed: Callable[[Sequence[CommittedRun]], None],
        on_new_log: OnNewLog,
        on_bound: Callable[[Addresses], Awaitable[None]],
    ) -> None:
        """Wait for the database, prepare the parts, bind both sockets, begin. ``on_bound`` is
        awaited between. Raises what these and the database answer, ConfigError and StartFailed;
        ``close`` is to be called then too."""
        self._store.start(on_committed, on_new_log)
        await self._store.ping()
        for part in self._parts:
            if part.prepare is not None:
                await part.prepare()
        call_uri = self._calls.bind(context, wanted.call_uri, max_frame=max_frame)
        queue_uri = self._publisher.open(context, wanted.queue_uri, self._on_gateway)
        await on_bound(Addresses(call_uri, queue_uri))
        for part in self._parts:
            for action in part.begin:
                action()
            for seconds, action in part.every:
                self._timers.every(seconds, action)

    @property
    def queue_problem(self) -> str:
        """The reason why nothing that it publishes gets anywhere; empty if there is none."""
        return self._publisher.problem

    @property
    def metrics(self) -> list[Metric]:
        """Those of all parts."""
        return [metric for part in self._parts for metric in part.metrics]

    async def ping(self) -> None:
        """Return when the database has answered. Raises the error that it answered with."""
        await self._store.ping()

    @property
    def away_since_us(self) -> int:
        """Since when the database is away, in microseconds since the Unix epoch; 0: it is not."""
        return self._store.away_since_us

    @property
    def is_drained(self) -> bool:
        """True while an operator has taken it out of service."""
        return self._is_drained()

    async def drain(self, seconds: float) -> None:
        """Take no more calls; answer and fan out those taken; end the parts. Takes ``seconds`` at
        most."""
        self._calls.pause()
        deadline = self._loop.time() + seconds
        while self._calls.under_way and self._loop.time() < deadline:
            await asyncio.sleep(0.005)
        self._timers.cancel()
        for part in self._parts:
            if part.before_the_end is not None:
                await part.before_the_end(max(0.0, deadline - self._loop.time()))
        await self._publisher.drain(min(LAST_SECONDS, max(0.0, deadline - self._loop.time())))

    def close(self) -> None:
        """Close the sockets; messages under way get a second to leave."""
        self._calls.close()
        self._publisher.close()

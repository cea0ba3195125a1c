"""RedisCommands: commands to one Redis for a use that chatd can do without. They are sent in their
order, many at once, over one connection that is made again when it breaks. Nothing waits for it:
while it is away, commands are dropped and questions refused."""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import structlog

from chatd.core.broker_address import BrokerAddress
from chatd.core.outage import Outage
from chatd.errors import ChatdError, Overloaded, Unavailable
from chatd.transport.queue.broker_connection import in_time, keep_connected
from chatd.transport.redis_link import Command, RedisLink, connect

log = structlog.get_logger()

WAITING_BYTES = 16 * 1_048_576
"""Beyond this, commands are dropped and questions refused."""
BATCH_BYTES = 262_144
ANSWER_SECONDS = 2.0
"""Redis answers a batch in this time, or is away."""
IDLE_SECONDS = 5.0
"""A link that was not used for so long is tried."""
_COST = 200
"""Bytes that a command takes beside its own."""

Then = Callable[[Any], None]
Refuse = Callable[[ChatdError], None]


class _Waiting(NamedTuple):
    command: Command
    size: int
    then: Then | None
    refuse: Refuse | None


class RedisCommands:
    """``what`` is named in errors. ``trial`` is a command that succeeds if Redis can be used at
    all: it is sent first, and when nothing else is. ``failing`` and ``over`` are the log's
    sentences."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        address: BrokerAddress,
        *,
        what: str,
        trial: Command,
        failing: str,
        over: str,
    ) -> None:
        self._loop = loop
        self._connect = partial(connect, address, what)
        self._what = what
        self._trial = trial
        self._waiting: deque[_Waiting] = deque()
        self._size = 0
        self._wake = asyncio.Event()
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self._task: asyncio.Task[None] | None = None
        self._outage = Outage(log, failing, over, now=loop.time)
        self._error: Unavailable | None = None

    def start(self) -> None:
        """Connect."""
        self._task = self._loop.create_task(
            keep_connected(self._connect, self._use, self._failed, self._what), name=self._what
        )

    async def close(self, seconds: float) -> None:
        """Wait until what was told has been taken, for so long at most, and end."""
        try:
            await asyncio.wait_for(self._is_idle.wait(), seconds)
        except TimeoutError:
            pass  # what is left is lost
        if self._task is not None:
            self._task.cancel()

    @property
    def problem(self) -> str:
        """The reason why Redis cannot be used; empty if it can."""
        return "" if self._error is None else self._error.explained

    @property
    def away_seconds(self) -> float:
        """Seconds since it can no longer be used; 0: it can."""
        since = self._outage.since
        return 0.0 if since is None else self._loop.time() - since

    def tell(self, command: Command) -> None:
        """Send a command when its turn comes."""
        if self._error is None and self._size <= WAITING_BYTES:
            self._put(command, None, None)

    def ask(self, command: Command, then: Then, refuse: Refuse) -> None:
        """Send a command, and call one of the other two, once, now or later."""
        if self._error is not None:
            refuse(self._error)
        elif self._size > WAITING_BYTES:
            refuse(Overloaded(f"too much waits for {self._what}"))
        else:
            self._put(command, then, refuse)

    def _put(self, command: Command, then: Then | None, refuse: Refuse | None) -> None:
        size = sum(len(part) for part in command if not isinstance(part, int)) + _COST
        self._waiting.append(_Waiting(command, size, then, refuse))
        self._size += size
        self._is_idle.clear()
        self._wake.set()

    def _failed(self, error: Unavailable) -> None:
        self._error = error
        self._outage.failed(error)
        lost, self._waiting, self._size = self._waiting, deque(), 0
        self._is_idle.set()
        for one in lost:
            if one.refuse is not None:
                one.refuse(Unavailable(str(error)))

    async def _use(self, link: RedisLink) -> None:
        await in_time(link.answers([self._trial]), ANSWER_SECONDS, self._what)
        self._error = None
        self._outage.worked()
        while True:
            try:
                await asyncio.wait_for(self._wake.wait(), IDLE_SECONDS)
            except TimeoutError:
                await in_time(link.answers([self._trial]), ANSWER_SECONDS, self._what)
            self._wake.clear()
            while self._waiting:
                await self._send_batch(link)
            self._is_idle.set()

    async def _send_batch(self, link: RedisLink) -> None:
        """It waits on until it has been answered: if that fails, its questions are refused."""
        commands, size = [], 0
        for one in self._waiting:
            commands.append(one.command)
            size += one.size
            if size > BATCH_BYTES:
                break
        answers = await in_time(link.answers(commands), ANSWER_SECONDS, self._what)
        for answer in answers:
            done = self._waiting.popleft()
            self._size -= done.size
            if done.then is not None:
                done.then(answer)

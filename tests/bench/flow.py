"""The two ways to send: as many as are under way always, or at random times whatever comes of
it."""

import asyncio
import random
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from tests.bench.subject import Sender, Subject, stamp

Said = tuple[str, bytes]
"""A room, and what is said there."""


class ClosedLoop:
    """Keeps ``in_flight`` sends under way; each ack starts the next of ``said``, (room, text). Says
    what the system can do, not how long things wait."""

    def __init__(self, said: Iterator[Said], *, in_flight: int) -> None:
        self._said = said
        self._in_flight = in_flight
        self._running = False
        self.sent_to: Counter[str] = Counter()
        self.sent = 0
        self.acked = 0
        self.latencies = array("d")

    async def start(self, subject: Subject, rooms: Sequence[str]) -> None:
        self._sender = await subject.sender(rooms, self._on_ack)
        self._running = True
        for _ in range(self._in_flight):
            self._send()

    def _send(self) -> None:
        now = time.perf_counter()
        room, text = next(self._said)
        self.sent += 1
        self.sent_to[room] += 1
        self._sender.send(room, stamp(now, text), now)

    def _on_ack(self, sent_at: object) -> None:
        assert isinstance(sent_at, float)
        self.acked += 1
        self.latencies.append(time.perf_counter() - sent_at)
        if self._running:
            self._send()

    def stop(self) -> None:
        """Nothing new is sent; what is under way comes to its end."""
        self._running = False

    def close(self) -> None:
        self._sender.close()


class OpenLoop:
    """Sends at random times (Poisson), ``rate`` a second, what ``said`` says. Each is timed from
    when it was due, not from when it could be sent: what waits is seen to wait."""

    def __init__(self, said: Iterator[Said], *, rate: float, dice: random.Random) -> None:
        self._said = said
        self._rate = rate
        self._dice = dice
        self.sent_to: Counter[str] = Counter()
        self.sent = 0
        self.acked = 0
        self.latencies = array("d")
        self._task: asyncio.Task[None] | None = None

    async def start(self, subject: Subject, rooms: Sequence[str]) -> None:
        self._sender: Sender = await subject.sender(rooms, self._on_ack)
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        due = time.perf_counter()
        while True:
            now = time.perf_counter()
            while due <= now:
                room, text = next(self._said)
                self.sent_to[room] += 1
                self.sent += 1
                self._sender.send(room, stamp(due, text), due)
                due += self._dice.expovariate(self._rate)
            await asyncio.sleep(max(0.0, min(0.001, due - time.perf_counter())))

    def _on_ack(self, due: object) -> None:
        assert isinstance(due, float)
        self.acked += 1
        self.latencies.append(time.perf_counter() - due)

    def stop(self) -> None:
        if self._task is not None and self._task.done():
            self._task.result()  # it ends by an error only
        elif self._task is not None:
            self._task.cancel()

    def close(self) -> None:
        self._sender.close()


async def until(what: Callable[[], bool], seconds: float) -> bool:
    """Whether it came true in time."""
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.01)
    return True

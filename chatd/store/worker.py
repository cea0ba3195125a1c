"""BatchWorker: threads that work through whatever has queued up, batch by batch."""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from chatd.errors import ChatdError
from chatd.store.command import Turn
from chatd.store.fair_queue import Queue

STOP_SECONDS = 2.0
"""Drained threads end at once. A command that is cut off has been acknowledged to nobody."""

Item = TypeVar("Item")
OnResult = Callable[[object], None]


class Completed(NamedTuple):
    """The outcome of one item: ``result`` is a ChatdError when it was refused or failed.
    ``on_result`` is to be called with it by the thread that asked."""

    on_result: OnResult | None
    result: object


def without_traceback(error: ChatdError) -> ChatdError:
    """Called before an error leaves its thread. Its traceback has the frames of what raised it, and
    these have a cursor, whose end waits for SQLite's connection: the thread that let go of the
    error last, the event loop, would stand still as long as the connection waits for a lock."""
    error.__traceback__ = error.__context__ = error.__cause__ = None
    return error


class BatchWorker(Generic[Item]):
    """``work`` gets items on a thread, as many as weigh ``max_batch`` and one at least, and raises
    nothing; ``closed`` runs there last. When nothing has come for as many seconds as ``idle`` says
    (None: never), ``work`` gets no item. URGENT items are taken before NORMAL ones and these before
    BACKGROUND ones, of which each batch takes up to ``max_background``; otherwise first in, first
    out, or in the order of ``queues``, where there is one for a turn. ``before`` is called on the
    thread before a batch is taken.

    The queue is not bounded here: whoever submits bounds it (``access.MAX_WAITING``).
    """

    def __init__(
        self,
        name: str,
        work: Callable[[list[Item]], None],
        *,
        closed: Callable[[], None],
        threads: int = 1,
        max_batch: int = 1_000,
        max_background: int = 1_000,
        weigh: Callable[[Item], int] = lambda item: 1,
        idle: Callable[[], float | None] = lambda: None,
        queues: Mapping[Turn, Queue[Item]] | None = None,
        before: Callable[[], None] = lambda: None,
    ) -> None:
        # A token for each item, False for the end: a thread that has got one finds an item in one
        # of the queues.
        self._tokens: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._queues: dict[Turn, Queue[Item]] = {turn: deque() for turn in Turn}
        self._queues.update(queues or {})
        self._weigh = weigh
        self._work = work
        self._closed = closed
        self._idle = idle
        self._before = before
        self._shares = (((Turn.URGENT, Turn.NORMAL), max_batch), ((Turn.BACKGROUND,), max_background))
        self._threads = [
            threading.Thread(target=self._run, name=f"{name}-{number}", daemon=True)
            for number in range(threads)
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def submit(self, item: Item, turn: Turn = Turn.NORMAL) -> None:
        """Queue an item."""
        self._queues[turn].append(item)
        self._tokens.put(True)

    @property
    def waiting(self) -> int:
        """Items that no thread has taken."""
        return sum(map(len, self._queues.values()))

    def stop(self) -> None:
        """Finish what is queued, then end. A thread that hangs (in a COMMIT nobody answers) is left
        behind after STOP_SECONDS."""
        for _ in self._threads:
            self._tokens.put(False)
        end = time.monotonic() + STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _run(self) -> None:
        try:
            while True:
                try:
                    token = self._tokens.get(timeout=self._idle())
                except queue.Empty:
                    self._work([])
                    continue
                if token:
                    self._before()
                    batch = self._gather()
                    if batch:
                        self._work(batch)
                elif any(self._queues.values()):
                    self._tokens.put(False)  # its place is behind the tokens that were put back
                else:
                    break
        finally:
            self._closed()

    def _gather(self) -> list[Item]:
        """A batch, for whose first item there is a token already."""
        batch: list[Item] = []
        token = True
        for turns, limit in self._shares:
            weight = 0
            while weight < limit:
                if not token:
                    try:
                        token = self._tokens.get_nowait()
                    except queue.Empty:
                        return batch
                    if not token:
                        self._tokens.put(False)
                        return batch
                item = self._take(turns)
                if item is None:
                    break  # it is in one of the other queues, or another thread was quicker
                token = False
                batch.append(item)
                weight += self._weigh(item)
        if token:
            self._tokens.put(True)
        return batch

    def _take(self, turns: Sequence[Turn]) -> Item | None:
        for turn in turns:
            try:
                return self._queues[turn].popleft()
            except IndexError:
                continue
        return None

"""A thread that works through whatever has queued up, batch by batch, and hands over the results of each batch at once."""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from chatd.errors import ChatdError

STOP_SECONDS = 2.0
"""Drained lanes end at once. What is cut off has been acknowledged to nobody."""


Pair = tuple[Any, object | None]


class Turn(Enum):
    """When an item is taken."""

    URGENT = auto()
    NORMAL = auto()
    BACKGROUND = auto()


@dataclass(frozen=True, slots=True)
class Completed:
    """What became of one item. ``result`` is a ChatdError when it was refused or failed."""

    tag: object | None
    result: Any | ChatdError


class BatchWorker:
    """``work`` gets (item, tag) pairs on the lane's thread, one or more until they weigh ``max_batch``, and raises nothing; ``closed`` runs there
    last. What goes first is taken before what waits its turn, and that before what goes behind, of which each batch takes up to ``max_background``,
    and one at least if there is any; otherwise first in, first out.

    The queue is not bounded here: whoever submits bounds what waits (``MAX_WAITING`` of the default node).
    """

    def __init__(
        self,
        name: str,
        work: Callable[[list[Pair]], None],
        *,
        closed: Callable[[], None],
        threads: int = 1,
        max_batch: int = 1_000,
        max_background: int = 1_000,
        weigh: Callable[[Any], int] = lambda item: 1,
    ) -> None:
        # A token for each pair, False for the end: whoever has got one finds a pair in one of the queues.
        self._tokens: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._queues: dict[Turn, deque[Pair]] = {turn: deque() for turn in Turn}
        self.taken = 0
        """How many that waited their turn have been taken up (exact with one thread)."""
        self._weigh = weigh
        self._work = work
        self._closed = closed
        self._shares = (((Turn.URGENT, Turn.NORMAL), max_batch), ((Turn.BACKGROUND,), max_background))
        self._threads = [threading.Thread(target=self._run, name=f"{name}-{number}", daemon=True) for number in range(threads)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def submit(self, item: Any, tag: object | None, turn: Turn = Turn.NORMAL) -> None:
        """Queue an item; its result comes back with ``tag``."""
        self._queues[turn].append((item, tag))
        self._tokens.put(True)

    def stop(self) -> None:
        """Finish what is queued, then end. A thread that hangs (in a COMMIT nobody answers) is left behind after ``STOP_SECONDS``."""
        for _ in self._threads:
            self._tokens.put(False)
        end = time.monotonic() + STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _run(self) -> None:
        try:
            while True:
                if self._tokens.get():
                    batch = self._gather()
                    if batch:
                        self._work(batch)
                elif any(self._queues.values()):
                    self._tokens.put(False)  # its place is behind the tokens that were put back
                else:
                    break
        finally:
            self._closed()

    def _gather(self) -> list[Pair]:
        """A batch, for whose first pair there is a token already."""
        batch: list[Pair] = []
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
                pair = self._take(turns)
                if pair is None:
                    break  # it is in one of the other queues, or another thread was quicker
                token = False
                batch.append(pair)
                weight += self._weigh(pair[0])
        if token:
            self._tokens.put(True)
        return batch

    def _take(self, turns: Sequence[Turn]) -> Pair | None:
        for turn in turns:
            try:
                pair = self._queues[turn].popleft()
            except IndexError:
                continue
            self.taken += turn is Turn.NORMAL
            return pair
        return None

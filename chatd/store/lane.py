"""A thread that works through whatever has queued up, batch by batch, and hands over the results of each batch at once."""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chatd.errors import ChatdError

STOP_SECONDS = 2.0
"""Drained lanes end at once. What is cut off has been acknowledged to nobody."""


@dataclass(frozen=True, slots=True)
class Completed:
    """What became of one item. ``result`` is a ChatdError when it was refused or failed."""

    tag: object | None
    result: Any | ChatdError


class Lane:
    """``work`` gets (item, tag) pairs on the lane's thread, one or more until they weigh ``max_batch``, and raises nothing; ``closed`` runs there
    last. What goes ``first`` is taken before what waits its turn; otherwise first in, first out.

    The queue is not bounded here: whoever submits bounds what waits (``MAX_WAITING`` of the default node).
    """

    def __init__(
        self,
        name: str,
        work: Callable[[list[tuple[Any, object | None]]], None],
        *,
        closed: Callable[[], None],
        threads: int = 1,
        max_batch: int = 1_000,
        weigh: Callable[[Any], int] = lambda item: 1,
    ) -> None:
        # A token for each pair, False for the end: whoever has got one finds a pair in one of the queues.
        self._tokens: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._first: deque[tuple[Any, object | None]] = deque()
        self._in_turn: deque[tuple[Any, object | None]] = deque()
        self.taken = 0
        """How many that waited their turn have been taken up (exact with one thread)."""
        self._weigh = weigh
        self._work = work
        self._closed = closed
        self._max_batch = max_batch
        self._threads = [threading.Thread(target=self._run, name=f"{name}-{number}", daemon=True) for number in range(threads)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def submit(self, item: Any, tag: object | None, *, first: bool = False) -> None:
        """Queue an item; its result comes back with ``tag``."""
        (self._first if first else self._in_turn).append((item, tag))
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
            while self._tokens.get():
                batch = [self._take()]
                weight = self._weigh(batch[0][0])
                last = False
                while weight < self._max_batch and not last:
                    try:
                        last = not self._tokens.get_nowait()
                    except queue.Empty:
                        break
                    if not last:
                        batch.append(self._take())
                        weight += self._weigh(batch[-1][0])
                self._work(batch)
                if last:
                    break
        finally:
            self._closed()

    def _take(self) -> tuple[Any, object | None]:
        while True:
            try:
                return self._first.popleft()
            except IndexError:
                pass  # none, or another thread was quicker
            try:
                pair = self._in_turn.popleft()
            except IndexError:
                continue
            self.taken += 1
            return pair

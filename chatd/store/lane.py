"""A thread that works through whatever has queued up, batch by batch, and hands over the results of each batch at once."""

import queue
import threading
import time
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
    """``work`` gets 1 to ``max_batch`` (item, tag) pairs on the lane's thread and raises nothing; ``closed`` runs there last.

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
    ) -> None:
        self._queue: queue.SimpleQueue[tuple[Any, object | None] | None] = queue.SimpleQueue()
        self._work = work
        self._closed = closed
        self._max_batch = max_batch
        self._threads = [threading.Thread(target=self._run, name=f"{name}-{number}", daemon=True) for number in range(threads)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def submit(self, item: Any, tag: object | None) -> None:
        """Queue an item; its result comes back with ``tag``."""
        self._queue.put((item, tag))

    def stop(self) -> None:
        """Finish what is queued, then end. A thread that hangs (in a COMMIT nobody answers) is left behind after ``STOP_SECONDS``."""
        for _ in self._threads:
            self._queue.put(None)
        end = time.monotonic() + STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _run(self) -> None:
        try:
            while (first := self._queue.get()) is not None:
                batch = [first]
                last = False
                while len(batch) < self._max_batch and not last:
                    try:
                        item = self._queue.get_nowait()
                    except queue.Empty:
                        break
                    if item is None:
                        last = True
                    else:
                        batch.append(item)
                self._work(batch)
                if last:
                    break
        finally:
            self._closed()

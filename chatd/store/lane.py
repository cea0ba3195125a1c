"""A thread that works through whatever has queued up, batch by batch, and hands over the results of each batch at once."""

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chatd.errors import ChatdError


@dataclass(frozen=True, slots=True)
class Completed:
    """What became of one item. ``result`` is a ChatdError when it was refused or failed."""

    tag: object | None
    result: Any | ChatdError


class Lane:
    """``work`` gets 1 to ``max_batch`` (item, tag) pairs on the lane's thread; ``opened`` and ``closed`` run there first and last.

    The queue is not bounded here: whoever submits bounds what waits (``MAX_WAITING`` of the default node).
    """

    def __init__(
        self,
        name: str,
        work: Callable[[list[tuple[Any, object | None]]], None],
        *,
        opened: Callable[[], None],
        closed: Callable[[], None],
        threads: int = 1,
        max_batch: int = 1_000,
    ) -> None:
        self._queue: queue.SimpleQueue[tuple[Any, object | None] | None] = queue.SimpleQueue()
        self._work = work
        self._opened = opened
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
        """Finish what is queued, then end."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        self._opened()
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

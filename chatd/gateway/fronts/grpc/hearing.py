"""Hearing: the things that clients say are handed on, and what strangers cost is counted."""

import asyncio
from collections.abc import Callable
from time import thread_time

from chatd.gateway.fronts.batch import Batch
from chatd.gateway.fronts.door import Door, OnFrame
from chatd.gateway.fronts.request_link import RequestLink


class Hearing:
    """``on_frame`` handles a frame, and ``after_batch`` is called when everything that had come has
    been handed on. Frames have ``max_frame`` bytes at most."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        door: Door,
        *,
        max_frame: int,
        on_frame: OnFrame,
        after_batch: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._door = door
        self.max_frame = max_frame
        self._on_frame = on_frame
        self._batch = Batch(loop)
        self._batch.after = after_batch

    def hear(self, link: RequestLink, frame: bytes) -> None:
        """The client has said a ClientFrame."""
        door = self._door
        began = thread_time() if door.is_stranger(link) else 0.0
        self._on_frame(link.heard(self._loop.time()), frame)
        if began and door.is_stranger(link):
            door.cost(link, thread_time() - began)
        self._batch.heard()

    def refused(self, link: RequestLink) -> None:
        """The client has said something that is no frame, and is told so."""
        self._door.refused(link, 0, self._loop.time())

    def commanded(self, link: RequestLink) -> None:
        """The client has sent a command of its transport."""
        self._door.commanded(link, 1, self._loop.time())

    def end(self) -> None:
        """``after_batch`` is called no more."""
        self._batch.after = None

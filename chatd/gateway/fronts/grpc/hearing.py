"""Hearing: the things that clients say are handed on, and what strangers cost is counted."""

import asyncio
from collections.abc import Callable
from time import thread_time

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
        self._after_batch = after_batch
        self._has_heard = False
        self._is_over = False

    def hear(self, link: RequestLink, frame: bytes) -> None:
        """The client has said a ClientFrame."""
        door = self._door
        began = thread_time() if door.is_stranger(link) else 0.0
        self._on_frame(link.heard(self._loop.time()), frame)
        if began and door.is_stranger(link):
            door.cost(link, thread_time() - began)
        self.heard()

    def refused(self, link: RequestLink) -> None:
        """The client has said something that is no frame, and is told so."""
        self._door.refused(link, 0, self._loop.time())

    def commanded(self, link: RequestLink) -> None:
        """The client has sent a command of its transport."""
        self._door.commanded(link, 1, self._loop.time())

    def heard(self) -> None:
        """Something was handed on: ``after_batch`` is called when this turn's rest has been,
        too."""
        if not self._has_heard:
            self._has_heard = True
            self._loop.call_soon(self._after)

    def _after(self) -> None:
        self._has_heard = False
        if not self._is_over:
            self._after_batch()

    def end(self) -> None:
        """``after_batch`` is called no more."""
        self._is_over = True

"""Batch: the frames that were handed on in one turn of the loop."""

import asyncio
from collections.abc import Callable


class Batch:
    """Made early: ``after`` is set when the front opens."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._has_heard = False
        self.after: Callable[[], None] | None = None
        """Called when all that had come has been handed on; None once nothing is any more."""

    def heard(self) -> None:
        """Something was handed on: ``after`` is called when this turn's rest has been, too."""
        if not self._has_heard:
            self._has_heard = True
            self._loop.call_soon(self._after)

    def _after(self) -> None:
        self._has_heard = False
        if self.after is not None:
            self.after()

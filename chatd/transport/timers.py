"""What is done every so often on the loop, and ended together."""

import asyncio
from collections.abc import Callable


class Timers:
    """Recurring actions; each is counted from the end of its last run. An action must not raise."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._handles: list[asyncio.TimerHandle] = []

    def every(self, seconds: float, action: Callable[[], None]) -> None:
        def run() -> None:
            action()
            self._handles[index] = self._loop.call_later(seconds, run)

        index = len(self._handles)
        self._handles.append(self._loop.call_later(seconds, run))

    def cancel(self) -> None:
        """End them all."""
        for handle in self._handles:
            handle.cancel()

"""Recurring actions on the loop, ended together."""

import asyncio
from collections.abc import Callable

import structlog

log = structlog.get_logger()


class Timers:
    """Each pause is counted from the end of the action's last run. An action that raises is logged,
    and runs again."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._handles: list[asyncio.TimerHandle] = []
        self._cancelled = False

    def every(self, seconds: float, action: Callable[[], None]) -> None:
        """Run ``action`` after each ``seconds``, until ``cancel``."""

        def run() -> None:
            try:
                action()
            except Exception:  # leases, marks and flushes hang on this timer: one failure must not end them
                log.exception(
                    "A recurring action failed; it goes on",
                    action=getattr(action, "__qualname__", str(action)),
                )
            if not self._cancelled:  # by the action itself
                self._handles[index] = self._loop.call_later(seconds, run)

        index = len(self._handles)
        self._handles.append(self._loop.call_later(seconds, run))

    def cancel(self) -> None:
        """End them all."""
        self._cancelled = True
        for handle in self._handles:
            handle.cancel()

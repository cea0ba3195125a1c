"""Something that is tried again and again, fails for a while and is over: said once at each end,
and ever more rarely between."""

from collections.abc import Callable
from typing import Protocol

from chatd.errors import ChatdError

FIRST_PAUSE = 60.0
"""Seconds after which a failure that lasts is said again; the pause doubles each time."""
LONGEST_PAUSE = 3_600.0


class Log(Protocol):
    """The part of structlog's loggers that is used here."""

    def warning(self, event: str, /, **fields: object) -> object: ...

    def info(self, event: str, /, **fields: object) -> object: ...


class OneCause:
    """Outages that one thing causes, such as a database that is away: while one of them is said,
    the others are not."""

    def __init__(self) -> None:
        self.said: Outage | None = None


class Outage:
    """``failing`` and ``over`` are the log's sentences. ``now`` gives seconds of a steady clock.
    ``cause`` is shared with other outages that it may cause."""

    def __init__(
        self, log: Log, failing: str, over: str, *, now: Callable[[], float], cause: OneCause | None = None
    ) -> None:
        self._cause = cause or OneCause()
        self._log = log
        self._failing = failing
        self._over = over
        self._now = now
        self._count = 0
        self._said = False
        self._pause = FIRST_PAUSE
        self._say_after = 0.0
        self.since: float | None = None
        """When it began to fail; None while it works."""

    def failed(self, error: ChatdError, **fields: object) -> None:
        """It has failed, for the first time or again."""
        now = self._now()
        if self.since is None:
            self.since, self._count = now, 0
        self._count += 1
        if now < self._say_after or self._cause.said not in (None, self):
            return
        lasting = {"for_seconds": round(now - self.since), "failures": self._count} if self._said else {}
        self._log.warning(self._failing, error=error.explained, code=error.code, **lasting, **fields)
        # Trouble that comes and goes has this pause too.
        self._pause = min(2 * self._pause, LONGEST_PAUSE) if self._said else FIRST_PAUSE
        self._say_after = now + self._pause
        self._said = True
        self._cause.said = self

    def worked(self, **fields: object) -> None:
        """It has worked; ``fields`` are for the line that says so."""
        if self.since is None:
            return
        if self._said:
            self._cause.said = None
            lasted = round(self._now() - self.since, 1)
            self._log.info(self._over, after_seconds=lasted, failures=self._count, **fields)
        self.since, self._said = None, False

"""Bounds of what connections may make a gateway hold that have not finished what they say."""

from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar

FRAME_SECONDS = 30.0
FRAME_BYTES_PER_SECOND = 8_192
"""A frame must have come FRAME_SECONDS after it began, and a large one at this rate."""
LONGEST_STEP = 2.0
"""Seconds between two looks that count, at most."""
STRANGER_BYTES = 16_384
"""Kept of the frame that a client sends before it has authenticated; beyond this it has a share
in STRANGERS_BYTES."""
STRANGERS_BYTES = 32 * 1_048_576
"""Kept of such frames of all of them together: a first call has its token in it and may be large.
The oldest goes when it is too much."""


class Speaker(Protocol):
    """A connection, as its unfinished frame is looked at."""

    def __hash__(self) -> int: ...

    @property
    def is_held(self) -> bool:
        """True while nothing is read of it."""

    @property
    def unfinished(self) -> int:
        """Bytes that the frame will have, as far as that is known."""


L = TypeVar("L", bound=Speaker)


class UnfinishedFrames(Generic[L]):
    """Frames of which a part has come. ``end`` ends a connection for a reason."""

    def __init__(self, *, is_stranger: Callable[[L], bool], end: Callable[[L, str], None]) -> None:
        self._is_stranger = is_stranger
        self._end = end
        self._seconds: dict[L, float] = {}
        """For how long each has been coming."""
        self._looked_at = 0.0
        self._kept: dict[L, int] = {}
        """Bytes kept of strangers with more than their own; the oldest first."""
        self._kept_together = 0

    def note(self, link: L, expected: int, kept: int, *, moved: bool) -> None:
        """``kept`` of ``expected`` bytes have come, or no frame has begun. ``moved``: an earlier
        one has come to its end since the last note."""
        if moved or not expected:
            self._seconds.pop(link, None)
        if expected:
            self._seconds.setdefault(link, 0.0)
        if kept > STRANGER_BYTES or link in self._kept:
            self._bound_strangers(link, kept)

    def _bound_strangers(self, link: L, kept: int) -> None:
        self._kept_together -= self._kept.pop(link, 0)
        if kept > STRANGER_BYTES and self._is_stranger(link):
            self._kept[link] = kept
            self._kept_together += kept
        while self._kept_together > STRANGERS_BYTES:
            oldest = next(iter(self._kept))
            self.forget(oldest)
            self._end(oldest, "large before its token")

    def forget(self, link: L) -> None:
        """The connection has ended."""
        self._seconds.pop(link, None)
        self._kept_together -= self._kept.pop(link, 0)

    def look(self, now: float) -> None:
        """To be called about once a second: end connections whose frame takes too long."""
        # While this process stood still, or did not read, nothing could come.
        step, self._looked_at = min(now - self._looked_at, LONGEST_STEP), now
        for link in self._seconds:
            if not link.is_held:
                self._seconds[link] += step
        for link in list(self._late()):
            self._end(link, "unfinished frame")

    def _late(self) -> Iterator[L]:
        return (
            link
            for link, seconds in self._seconds.items()
            if seconds > FRAME_SECONDS + link.unfinished / FRAME_BYTES_PER_SECOND
        )

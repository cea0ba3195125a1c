"""Things that happen again and again are said once a minute for each key, in bounded memory.

``now`` is in seconds of any steady clock.
"""

from collections.abc import Hashable

PERIOD_SECONDS = 60.0
MAX_KEYS = 1_000
"""Keys that are told apart within one period; all others count as one: whoever makes up keys fills
no disk."""
_OTHERS = object()


class Seldom:
    """Counts what is left unsaid."""

    def __init__(self, *, period: float = PERIOD_SECONDS, max_keys: int = MAX_KEYS) -> None:
        self._period = period
        self._max_keys = max_keys
        self._said: dict[Hashable, tuple[float, int]] = {}  # when, and how often since; the oldest first

    def due(self, key: Hashable, now: float) -> int | None:
        """None: it is not to be said now. Else how often it happened since it was said last without
        being said."""
        known = self._said.get(key)
        if known is None and not self._make_room(now):
            key, known = _OTHERS, self._said.get(_OTHERS)
        if known is not None:
            at, unsaid = known
            if now < at + self._period:
                self._said[key] = (at, unsaid + 1)
                return None
            del self._said[key]
        self._said[key] = (now, 0)
        return 0 if known is None else known[1]

    def _make_room(self, now: float) -> bool:
        """For one more key. False: all were said within the period."""
        while len(self._said) - (_OTHERS in self._said) >= self._max_keys:
            oldest = next(iter(self._said))
            if now < self._said[oldest][0] + self._period:
                return False
            del self._said[oldest]
        return True

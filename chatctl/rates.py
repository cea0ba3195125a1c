"""Counters that only rise, as rates with a short past."""

from collections import deque
from collections.abc import Mapping

PAST = 60
"""Rates kept for each counter."""
_BARS = "▁▂▃▄▅▆▇█"


class Rates:
    """Give it the counters at each look. ``since`` changes when their process was started anew:
    its counters began at nothing."""

    def __init__(self) -> None:
        self._last: tuple[float, object, Mapping[str, int]] | None = None
        self._past: dict[str, deque[float]] = {}

    def look(self, now: float, since: object, counters: Mapping[str, int]) -> None:
        """``now`` in seconds of a steady clock."""
        last, self._last = self._last, (now, since, dict(counters))
        if last is None or last[1] != since or now <= last[0]:
            return
        for name, count in counters.items():
            rate = max(0, count - last[2].get(name, 0)) / (now - last[0])
            self._past.setdefault(name, deque(maxlen=PAST)).append(rate)

    def latest(self, name: str) -> float:
        """A second, between the last two looks."""
        past = self._past.get(name)
        return past[-1] if past else 0.0

    def bars(self, name: str, width: int) -> str:
        """The last rates as bars, the newest at the right; the tallest is the largest of them."""
        past = list(self._past.get(name, ()))[-width:]
        top = max(past, default=0.0)
        if not top:
            return _BARS[0] * len(past)
        return "".join(_BARS[round(rate / top * (len(_BARS) - 1))] for rate in past)

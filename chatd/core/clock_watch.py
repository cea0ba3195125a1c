"""ClockWatch: may something be destroyed because the wall clock says that it is old? Not after a
step of that clock, ahead or back."""

TOLERANCE = 5.0
"""Seconds by which the two clocks may differ between two looks; more is a step."""
SETTLE = 86_400.0
"""Seconds without a step after which the wall clock is believed again; and the longest time for
which a deployment may have been down without anybody asking if it was the clock."""


class ClockWatch:
    """Compares the wall clock (microseconds since the Unix epoch) with a steady one (seconds) at
    each ``look``."""

    def __init__(self) -> None:
        self._last: tuple[int, float] | None = None
        self._settled_at: float | None = None  # on the steady clock; None: nothing is known yet

    def look(self, wall_us: int, steady: float) -> float:
        """Seconds that the wall clock was stepped since the last look, negative: back; 0: it was
        not."""
        last, self._last = self._last, (wall_us, steady)
        if last is None:
            return 0.0
        step = (wall_us - last[0]) / 1e6 - (steady - last[1])
        if abs(step) <= TOLERANCE:
            return 0.0
        self._settled_at = steady + SETTLE
        return step

    def compare(self, known_us: int, wall_us: int, steady: float) -> float:
        """At the start: ``known_us`` is the last time that was believed, 0 if there is none.
        Seconds between the two if they are too far apart to go on, else 0."""
        if self._settled_at is not None:
            return 0.0
        gap = (wall_us - known_us) / 1e6
        if not known_us or -TOLERANCE <= gap <= SETTLE:
            self._settled_at = steady
            return 0.0
        self._settled_at = steady + SETTLE
        return gap

    def is_settled(self, steady: float) -> bool:
        """True if ages by the wall clock may be acted upon."""
        return self._settled_at is not None and steady >= self._settled_at

"""ProgressLine: how far a long command is, how fast, and how long it will still take; on a terminal
only."""

import sys
import time

EVERY_SECONDS = 0.2
_UNITS = (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10))


class ProgressLine:
    """One line of standard error, written over and over. ``unit``: of what is counted, bytes or
    rows."""

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._is_shown = sys.stderr.isatty()
        self._step = ""
        self._began = self._said = 0.0
        self._before = 0

    def __call__(self, step: str, done: int, total: int) -> None:
        """``done`` of ``total`` are done of the step by that name."""
        now = time.monotonic()
        if step != self._step:
            self._step, self._began, self._before, self._said = step, now, done, 0.0
        if not self._is_shown or (now - self._said < EVERY_SECONDS and done < total):
            return
        self._said = now
        sys.stderr.write(f"\r\x1b[K{self._line(done, max(done, total), now - self._began)}")
        sys.stderr.flush()

    def end(self) -> None:
        """Take the line away."""
        if self._is_shown and self._step:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def _line(self, done: int, total: int, seconds: float) -> str:
        rate = (done - self._before) / seconds if seconds > 0 else 0.0
        parts = [f"{self._step} {done * 100 // total if total else 100} %"]
        parts.append(f"{self._amount(done)} of {self._amount(total)}")
        if rate:
            parts.append(f"{self._amount(round(rate))}/s")
            parts.append(f"{duration((total - done) / rate)} left")
        elif seconds >= 1:
            parts.append(f"since {duration(seconds)}")
        return "  ".join(parts)

    def _amount(self, number: int) -> str:
        return size(number) if self._unit == "bytes" else f"{number:,} rows"


def size(number: int) -> str:
    """``1.5 GiB``."""
    for name, worth in _UNITS:
        if number >= worth:
            return f"{number / worth:.1f} {name}"
    return f"{number} B"


def duration(seconds: float) -> str:
    """``3 min 05 s``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"

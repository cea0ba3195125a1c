"""Times and ages as people read and write them. In code both are microseconds, times since the Unix
epoch."""

import re
import time

import typer

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def now_us() -> int:
    """The time now, in microseconds since the Unix epoch."""
    return time.time_ns() // 1_000


def age(us: int) -> str:
    """An age in microseconds for people: 3.2s, 5m10s, 2h03m, 4d07h. A negative one is 0.0s."""
    seconds = max(0.0, us / 1e6)
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{rest:02}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours < 24 else f"{hours // 24}d{hours % 24:02}h"


def age_since(at_us: int) -> str:
    """The age of something that happened at ``at_us``."""
    return age(now_us() - at_us)


def ago(at_us: int) -> str:
    """The same as a phrase: "3.2s ago"."""
    return f"{age_since(at_us)} ago"


def clock(at_us: int) -> str:
    """A time as local date and time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at_us / 1e6))


def parse_age(text: str) -> int:
    """The microseconds of an age like 30d, 12h, 90m or 10s. Raises typer.BadParameter."""
    match = re.fullmatch(r"(\d{1,9})([smhd])", text)
    if match is None:
        raise typer.BadParameter(f"'{text}' is not an age: give a number and s, m, h or d, as in 30d")
    return int(match[1]) * _SECONDS[match[2]] * 1_000_000

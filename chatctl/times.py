"""Times and ages as people read and write them. In code both are microseconds, times since the Unix
epoch."""

import re
import time
from datetime import datetime

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


def parse_time(text: str) -> int:
    """The time that is meant by an age (12h: so long ago), a date, a date and a time, or a time of
    today, in the local zone unless it names one. Raises typer.BadParameter."""
    if re.fullmatch(r"\d{1,9}[smhd]", text):
        return now_us() - parse_age(text)
    written = f"{time.strftime('%Y-%m-%d')} {text}" if re.fullmatch(r"\d\d:\d\d(:\d\d)?", text) else text
    try:
        return round(datetime.fromisoformat(written).timestamp() * 1e6)
    except (ValueError, OverflowError) as exc:
        raise typer.BadParameter(
            f"'{text}' is not a time: give an age as 12h, a date as 2026-11-26, with a time as "
            '"2026-11-26 14:05", or 14:05 of today'
        ) from exc

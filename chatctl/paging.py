"""The advice under a list that was cut off: only options that list more."""

from collections.abc import Mapping

MAX_ROWS = 1_000
"""Rows that one answer of the service lists at most."""


def advice(more: bool, limit: int, filters: Mapping[str, str] | None = None, *, most: int = MAX_ROWS) -> str:
    """The message for a list without pages; empty unless there is ``more`` than ``limit`` rows.

    ``filters``: the values of the options that narrow the list, empty where one is not given.
    ``most``: the largest limit.
    """
    if not more:
        return ""
    ways = [f"a --limit of up to {most:,}"] if limit < most else []
    unused = [option for option, value in (filters or {}).items() if not value]
    ways += [" or ".join(unused)] if unused else []
    if not ways:
        return f"there are more; the list is no longer than {most:,} rows"
    return f"there are more; ask with {', or with '.join(ways)}"


def next_page(more: bool, last: str) -> str:
    """The message for a list with pages; empty unless there is ``more``.

    ``last``: the last row's value for --after.
    """
    return f"there are more; for the next ones: --after {last}" if more else ""

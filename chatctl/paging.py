"""The advice under a list that was cut off: only options that list more."""

import shlex


def advice(more: bool, limit: int, most: int) -> str:
    """The message for a list without pages; empty unless there is ``more`` than ``limit`` rows.

    ``most``: the largest limit.
    """
    if not more:
        return ""
    if limit < most:
        return f"there are more; ask with a --limit of up to {most:,}"
    return f"there are more; the list is no longer than {most:,} rows"


def next_page(more: bool, last: str) -> str:
    """The message for a list with pages; empty unless there is ``more``.

    ``last``: the value of --after for the next one. A shell takes it as it is shown.
    """
    return f"there are more; for the next ones: --after {shlex.quote(last)}" if more else ""

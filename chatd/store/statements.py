"""Rows in a statement: how many it takes, and the marks that stand for them."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

MAX_VARIABLES = 32_000
"""Parameters of one statement: SQLite allows 32,766."""
WHOLE_ROWS = 32
"""Rows that are never divided, at most. A statement more is a round trip and a plan of
PostgreSQL's: two in place of one, as for 7 rows or 11, cost it and the default node a tenth in many
small rooms."""
_SIZES = tuple(
    sorted(
        (size << power for size in (2, 3) for power in range(15) if size << power >= WHOLE_ROWS), reverse=True
    )
)
"""32, 48, 64, 96 and so on: rows of one statement of those that have more."""
STATEMENTS_KEPT = 512
"""Prepared statements that SQLite's module keeps for a connection, 100 KiB at most each where rows
are small: to prepare one takes as long as to run it."""

T = TypeVar("T")


def placeholders(count: int) -> str:
    """``?, ?, …`` for an IN list."""
    return ", ".join("?" * count)


def chunks(rows: Sequence[T], *, columns: int) -> Iterator[Sequence[T]]:
    """``rows`` of so many columns in parts that each fit one statement. Parts beyond WHOLE_ROWS
    have few different sizes, the largest first, so that their statements are found prepared."""
    most = MAX_VARIABLES // columns
    start = 0
    while (left := min(len(rows) - start, most)) > 0:
        size = left if left <= WHOLE_ROWS else next(size for size in _SIZES if size <= left)
        yield rows[start : start + size]
        start += size

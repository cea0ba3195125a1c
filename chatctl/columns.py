"""Column tables: the fields of a noun, written once for JSON, for lists and for the details of one
thing.

A command prints rows with a table; ``chatctl.output`` chooses the form. All forms keep the table's
order.
"""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Generic, TypeAlias, TypeVar

T = TypeVar("T")
V = TypeVar("V")


def yes_no(value: bool) -> str:
    """A flag as a cell."""
    return "yes" if value else "no"


def plain(value: object) -> str:
    """A value as text for people."""
    return yes_no(value) if isinstance(value, bool) else str(value)


def counted(number: int, noun: str) -> str:
    """A number of things: 1 device, 2 devices."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


class Column(Generic[T]):
    """One field of a noun.

    ``heading`` stands above the field in lists; empty: lists leave the field out. ``key`` names it
    in JSON and in details; empty: only lists show it. ``get`` takes the value from a row; by
    default it is the attribute called ``key``. JSON has the value itself, lists have ``cell`` of
    it, details ``detail`` of it. A terminal shows what is ``bad`` in a colour.
    """

    def __init__(
        self,
        heading: str,
        key: str,
        cell: Callable[[V], str] = str,
        *,
        get: Callable[[T], V] | None = None,
        detail: Callable[[V], str] = plain,
        bad: Callable[[T], bool] = lambda row: False,
    ) -> None:
        value: Callable[[T], V] = get or attrgetter(key)
        self.heading = heading
        self.key = key
        self.value: Callable[[T], object] = value
        self.cell: Callable[[T], str] = lambda row: cell(value(row))
        self.detail: Callable[[T], str] = lambda row: detail(value(row))
        self.bad = bad


Columns: TypeAlias = Sequence[Column[T]]


def unlisted(
    key: str,
    *,
    get: Callable[[T], V] | None = None,
    detail: Callable[[V], str] = plain,
    bad: Callable[[T], bool] = lambda row: False,
) -> Column[T]:
    """A field that is in JSON and in details, but not in lists."""
    return Column("", key, get=get, detail=detail, bad=bad)


def list_only(
    heading: str, get: Callable[[T], object], *, bad: Callable[[T], bool] = lambda row: False
) -> Column[T]:
    """A cell that only lists show, usually made of several fields."""
    return Column(heading, "", get=get, bad=bad)


def record(row: T, columns: Columns[T]) -> dict[str, object]:
    """The row for JSON: values by key."""
    return {column.key: column.value(row) for column in columns if column.key}


def details(row: T, columns: Columns[T]) -> dict[str, str]:
    """The row on its own, for people: JSON's keys, without the unit of a time, and values as
    text."""
    return {column.key.removesuffix("_us"): column.detail(row) for column in columns if column.key}


def headings(columns: Columns[T]) -> list[str]:
    """The headings of a list."""
    return [column.heading for column in columns if column.heading]


def cells(row: T, columns: Columns[T]) -> list[str]:
    """The row's line in a list, one cell for each heading."""
    return [column.cell(row) for column in columns if column.heading]


def is_number(value: object) -> bool:
    """True for values that stand at the right of their column."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def numeric(rows: Sequence[T], columns: Columns[T]) -> list[bool]:
    """For each column of a list: are all its values numbers, which are shown in one word? A date is
    shown in two."""
    listed = [column for column in columns if column.heading]
    return [
        bool(rows) and all(is_number(column.value(row)) and " " not in column.cell(row) for row in rows)
        for column in listed
    ]


def or_dash(text: str) -> str:
    """A text as a cell that is never empty."""
    return text or "-"

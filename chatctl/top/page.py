"""A page: rows as the screen shows them, and what can be done with each. The screen knows pages
alone."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from chatctl.columns import Columns, cells, headings, is_number
from chatd.client import Client
from chatd.text import escaped

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Action:
    """Something to do with a row, at a key. ``question`` is asked before, or is what the service
    makes of it; ``run`` returns what is said when it is done. Both may raise a ChatdError."""

    key: str
    label: str
    question: str | Callable[[Client], Awaitable[str]]
    run: Callable[[Client], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Row:
    """``key`` names the row from one look to the next. ``sort_by`` has a value for each cell;
    ``open`` makes the view behind the row, if there is one."""

    key: str
    cells: tuple[str, ...]
    sort_by: tuple[object, ...]
    open: "Callable[[], View] | None" = None
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """``more``: the service has further rows. ``lines`` stand above the table."""

    headings: tuple[str, ...]
    rows: tuple[Row, ...]
    more: bool = False
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class View:
    """Something to look at: ``fetch`` is called again and again."""

    title: str
    fetch: Callable[[Client], Awaitable[Page]]
    commands: tuple[str, ...] = field(default=())
    """The words that open it again, behind the colon."""


def page(
    items: Iterable[T],
    columns: Columns[T],
    *,
    key: Callable[[T], str],
    open: Callable[[T], View] | None = None,
    actions: Callable[[T], tuple[Action, ...]] = lambda item: (),
    more: bool = False,
    lines: Sequence[str] = (),
) -> Page:
    """A page of a noun's rows, by its column table. Texts of strangers are made harmless here."""
    shown = [column for column in columns if column.heading]
    return Page(
        tuple(headings(columns)),
        tuple(
            Row(
                key(item),
                tuple(escaped(cell) for cell in cells(item, columns)),
                tuple(column.value(item) for column in shown),
                (lambda item=item: open(item)) if open is not None else None,  # type: ignore[misc]
                actions(item),
            )
            for item in items
        ),
        more,
        tuple(escaped(line) for line in lines),
    )


def in_order(page: Page, column: int, *, reverse: bool) -> list[Row]:
    """The rows by one column; rows that are alike there stay as they came."""

    def value(row: Row) -> tuple[bool, float, str]:
        found = row.sort_by[column]
        return (not is_number(found), float(found) if is_number(found) else 0.0, str(found))  # type: ignore[arg-type]

    return sorted(page.rows, key=value, reverse=reverse)


def matching(rows: Iterable[Row], text: str) -> list[Row]:
    """The rows that hold the text in any cell, whatever the case."""
    wanted = text.casefold()
    return [row for row in rows if any(wanted in cell.casefold() for cell in row.cells)]

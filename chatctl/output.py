"""The output of chatctl: tables for people, plain columns for pipes, JSON, YAML and CSV for
programs (``chatctl.forms``). Results go to stdout, messages to stderr.

Texts and names come from strangers. They are made harmless here and in ``forms``, and only there
(``chatd.text``), before a terminal sees them.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from chatctl.columns import Column, Columns, cells, headings, numeric, plain, record
from chatctl.forms import Form, csv_line, json_text, yaml_text
from chatctl.reader import ReaderGone
from chatctl.sorting import order_by, sort
from chatd.text import escaped

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

T = TypeVar("T")
Pair = tuple[str, str, bool]
"""A name, its value for people, and whether that is bad."""

_BAD = "bold red"
_UNBOUNDED = 1_000_000
"""Columns of a table that is not printed on a terminal."""


class Output:
    """The results and messages of one command.

    ``form``: by default what a terminal or a pipe gets. In a structured form a list is one array, a
    single thing one object, a stream one object a line (YAML: a document, CSV: a line under a
    heading). ``headers``: lists have headings. ``sort_by``: the order of
    lists (``chatctl.sorting``).
    """

    def __init__(self, form: Form | None = None, *, headers: bool = True, sort_by: str = "") -> None:
        self.terminal = sys.stdout.isatty()
        self.form = form or (Form.TABLE if self.terminal else Form.PLAIN)
        self.headers = headers
        self._sort = sort_by
        self._begun: list[str] | None = None

    @property
    def structured(self) -> bool:
        """True if fields are printed under their keys, for programs."""
        return self.form.structured

    def order_by(self, columns: Columns[T], known: Mapping[str, str]) -> str:
        """The order to ask the service for (``chatctl.sorting``)."""
        return order_by(columns, self._sort, known)

    def rows(self, rows: Iterable[T], columns: Columns[T], *, more: str = "", ordered: bool = False) -> None:
        """Print a list. ``more``: the advice if the service has further rows
        (``chatctl.paging``). ``ordered``: they are in the order that was asked for."""
        rows = list(rows)
        if self._sort and not ordered:
            rows = sort(rows, columns, self._sort)
            more = more and f"{more}; only the rows that are listed are sorted"
        if more:
            self.say(more)
        if self.form is Form.CSV:
            self._csv(
                [column.key for column in columns if column.key], [record(row, columns) for row in rows]
            )
        elif self.structured:
            self._document([record(row, columns) for row in rows])
        elif self.form is Form.TABLE:
            self._table(rows, columns)
        else:
            lines = [cells(row, columns) for row in rows]
            for line in [headings(columns), *lines] if self.headers and columns else lines:
                self._line("\t".join(map(escaped, line)))

    def names(self, key: str, names: Sequence[str]) -> None:
        """Print a list of names: ``[{"added": "bob"}]`` in JSON. If it is empty, people see
        nothing."""
        if names or self.structured:
            self.rows(names, (Column(key, key, get=str),))

    def details(self, row: T, columns: Columns[T]) -> None:
        """Print one row of a noun: all its fields, one a line."""
        if self.structured:
            self.one(record(row, columns))
        else:
            self.pairs(
                (column.key.removesuffix("_us"), column.detail(row), column.bad(row))
                for column in columns
                if column.key
            )

    def one(self, thing: Mapping[str, object]) -> None:
        """Print a single thing that is no noun of its own, such as the outcome of a command."""
        if self.form is Form.CSV:
            self._csv(list(thing), [thing])
        elif self.structured:
            self._document(thing)
        else:
            self.pairs((name, plain(value), False) for name, value in thing.items())

    def pairs(self, pairs: Iterable[Pair]) -> None:
        """Print names and values for people, a pair a line."""
        pairs = list(pairs)
        if self.form is not Form.TABLE:
            for name, value, _ in pairs:
                self._line(f"{escaped(name)}\t{escaped(value)}")
            return
        width = max((len(escaped(name)) for name, _, _ in pairs), default=0) + 1
        for name, value, bad in pairs:
            shown = self._in_colour(value) if bad else escaped(value)
            self._line(f"{escaped(name) + ':':<{width}} {shown}")

    def item(self, row: T, columns: Columns[T]) -> None:
        """Print one of a stream of things on one line and flush it, so that a pipe sees it at
        once."""
        if self.form is Form.CSV:
            self._csv([column.key for column in columns if column.key], [record(row, columns)])
        elif self.form is Form.YAML:
            self._line(yaml_text(record(row, columns), is_one_of_many=True))
        elif self.form is Form.JSON:
            self._line(json_text(record(row, columns), indent=False))
        else:
            separator = "  " if self.form is Form.TABLE else "\t"
            self._line(separator.join(escaped(cell) for cell in cells(row, columns)))

    def text(self, line: str) -> None:
        """Print a sentence for people."""
        self._line(escaped(line))

    def say(self, message: str) -> None:
        """Print a message to stderr."""
        sys.stderr.write(escaped(message) + "\n")

    @contextmanager
    def progress(self, doing: str) -> Iterator[Callable[[int], None]]:
        """Show a counter on stderr during work of unknown length, if that is a terminal.

        Yields a function that adds to the counter.
        """
        if not sys.stderr.isatty():
            yield lambda count: None
            return
        from rich.console import Console  # here: most runs show no counter, and rich takes its time
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TextColumn("{task.completed:,.0f}"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(doing, total=None)
            yield lambda count: bar.advance(task, count)

    def _table(self, rows: Sequence[T], columns: Columns[T]) -> None:
        from rich.table import Table  # here: pipes do without
        from rich.text import Text

        table = Table(box=None, header_style="bold", pad_edge=False, show_header=self.headers)
        listed = [column for column in columns if column.heading]
        for column, is_numeric in zip(listed, numeric(rows, columns), strict=True):
            # Text that does not fit goes on in the next line: nobody can use half an id or an
            # address. But a time is shown whole, for it has a space at which rich would break it
            # first.
            table.add_column(
                column.heading,
                justify="right" if is_numeric else "left",
                overflow="fold",
                no_wrap=column.key.endswith("_us"),
            )
        for row in rows:
            table.add_row(
                *(Text(escaped(one.cell(row)), style=_BAD if one.bad(row) else "") for one in listed)
            )
        self._write(self._rendered(table))

    def _in_colour(self, value: str) -> str:
        from rich.text import Text  # here: see _table

        return self._rendered(Text(escaped(value), style=_BAD)).removesuffix("\n")

    def _rendered(self, shown: "Table | Text") -> str:
        """With colours, if that is on a terminal and NO_COLOR is not set."""
        from rich.console import Console  # here: see _table

        width = None if self.terminal else _UNBOUNDED
        console = Console(highlight=False, soft_wrap=True, force_terminal=self.terminal, width=width)
        with console.capture() as captured:
            console.print(shown)
        return captured.get()

    def _document(self, thing: object) -> None:
        if self.form is Form.YAML:
            self._line(yaml_text(thing, is_one_of_many=False))
        else:
            self._line(json_text(thing, indent=self.terminal))

    def _csv(self, keys: list[str], records: Iterable[Mapping[str, object]]) -> None:
        """Lines under one heading, which is printed once for a whole stream."""
        if self.headers and keys != self._begun:
            self._line(csv_line(keys))
        self._begun = keys
        for one in records:
            self._line(csv_line(one[key] for key in keys))

    def _line(self, line: str) -> None:
        self._write(line + "\n")

    def _write(self, text: str) -> None:
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except BrokenPipeError as exc:
            raise ReaderGone from exc

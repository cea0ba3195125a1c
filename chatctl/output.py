"""The output of chatctl: tables for people, plain columns for pipes, JSON for programs. Results go
to stdout, messages to stderr.

Texts and names come from strangers. They are made harmless here, and only here (``chatd.text``),
before a terminal sees them.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

from chatctl.columns import Column, Columns, cells, details, headings, numeric, plain, record
from chatctl.reader import ReaderGone
from chatd.text import escaped

T = TypeVar("T")


class Output:
    """The results and messages of one command.

    ``as_json``: a list is one array, a single thing one object, a stream one object a line.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.terminal = sys.stdout.isatty()

    def rows(self, rows: Iterable[T], columns: Columns[T], *, more: str = "") -> None:
        """Print a list. ``more``: the advice if the service has further rows
        (``chatctl.paging``)."""
        if more:
            self.say(more)
        rows = list(rows)
        if self.as_json:
            self._json([record(row, columns) for row in rows], indent=self.terminal)
            return
        lines = [[escaped(cell) for cell in cells(row, columns)] for row in rows]
        if self.terminal:
            self._table(headings(columns), numeric(rows, columns), lines)
        else:
            for line in lines:
                self._line("\t".join(line))

    def names(self, key: str, names: Sequence[str]) -> None:
        """Print a list of names: ``[{"added": "bob"}]`` in JSON. If it is empty, people see no
        heading."""
        self.rows(names, (Column(key, key, get=str),) if names else ())

    def details(self, row: T, columns: Columns[T]) -> None:
        """Print one row of a noun: all its fields, one a line."""
        self.one(record(row, columns) if self.as_json else details(row, columns))

    def one(self, thing: Mapping[str, object]) -> None:
        """Print a single thing that is no noun of its own, such as the outcome of a command."""
        if self.as_json:
            self._json(thing, indent=self.terminal)
            return
        width = max(map(len, thing))
        for name, value in thing.items():
            shown = escaped(plain(value))
            self._line(f"{name + ':':<{width + 1}} {shown}" if self.terminal else f"{name}\t{shown}")

    def item(self, row: T, columns: Columns[T]) -> None:
        """Print one of a stream of things on one line and flush it, so that a pipe sees it at
        once."""
        if self.as_json:
            self._json(record(row, columns), indent=False)
        else:
            separator = "  " if self.terminal else "\t"
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

    def _table(self, heads: Sequence[str], numbers: Sequence[bool], lines: Sequence[Sequence[str]]) -> None:
        from rich.console import Console  # here: pipes do without
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, header_style="bold", pad_edge=False)
        for head, is_numeric in zip(heads, numbers, strict=True):
            # What does not fit goes on in the next line: nobody can use half an id or an address.
            table.add_column(head, justify="right" if is_numeric else "left", overflow="fold")
        for line in lines:
            table.add_row(*map(Text, line))
        Console(highlight=False, soft_wrap=True).print(table)

    def _json(self, thing: object, *, indent: bool) -> None:
        self._line(json.dumps(thing, ensure_ascii=True, indent=2 if indent else None))

    def _line(self, line: str) -> None:
        try:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
        except BrokenPipeError as exc:
            raise ReaderGone from exc

"""Everything chatctl prints: tables for people, plain columns for pipes, JSON for programs; data to stdout, messages to stderr.

Texts and names come from strangers: here, and only here, they are made harmless before a terminal sees them.
"""

import json
import sys
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

Row = Mapping[str, Any]
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")  # control, format (bidi overrides among them), surrogates, unassigned, separators


def harmless(text: str) -> str:
    """``text`` with everything that could move a cursor, hide or reorder what is shown replaced by a visible escape."""
    if text.isprintable():
        return text
    return "".join(char.encode("unicode_escape").decode() if unicodedata.category(char) in _HIDDEN else char for char in text)


def age(us: int) -> str:
    """A span of microseconds for people: 3.2s, 5m10s, 2h03m, 4d07h."""
    seconds = max(0.0, us / 1e6)
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{rest:02}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours < 24 else f"{hours // 24}d{hours % 24:02}h"


def clock(us: int) -> str:
    """A time in microseconds since the Unix epoch, as local time for people."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(us / 1e6))


class ReaderGone(Exception):
    """Whoever read our output has enough. (Not an OSError: typer would make a failure of it.)"""


class Output:
    """Where a command's results go. ``as_json``: lists as one array, single things as one object, streams as an object a line."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.terminal = sys.stdout.isatty()
        self._console = Console(highlight=False, soft_wrap=True)
        self._messages = Console(stderr=True, highlight=False, soft_wrap=True)

    def rows(self, rows: Sequence[Row], shown: Mapping[str, Iterable[Any]] | None = None, *, more: bool = False) -> None:
        """A list. ``shown``: heading → the column for people; without it, the rows' own keys and values."""
        if more:
            self.say("there are more; ask with a larger --limit or a narrower filter")
        if self.as_json:
            self._line(json.dumps(list(rows), ensure_ascii=True, indent=2 if self.terminal else None))
            return
        columns = {name: [str(cell) for cell in cells] for name, cells in (shown or _columns(rows)).items()}
        if self.terminal:
            table = Table(box=None, header_style="bold", pad_edge=False)
            for name in columns:
                table.add_column(name)
            for cells in zip(*columns.values(), strict=True):
                table.add_row(*(Text(harmless(cell)) for cell in cells))
            self._console.print(table)
        else:
            for cells in zip(*columns.values(), strict=True):
                self._line("\t".join(map(harmless, cells)))

    def one(self, thing: Row) -> None:
        """A single thing."""
        if self.as_json:
            self._line(json.dumps(thing, ensure_ascii=True, indent=2 if self.terminal else None))
            return
        width = max(map(len, thing))
        for name, value in thing.items():
            self._line(f"{name + ':':<{width + 1}} {harmless(str(value))}" if self.terminal else f"{name}\t{harmless(str(value))}")

    def item(self, thing: Row, cells: Sequence[object]) -> None:
        """One of a stream of things, ``cells`` for people; flushed, so that a pipe sees it at once."""
        separator = "  " if self.terminal else "\t"
        self._line(json.dumps(thing, ensure_ascii=True) if self.as_json else separator.join(harmless(str(cell)) for cell in cells))

    def say(self, message: str) -> None:
        """A message to the person, on stderr."""
        self._messages.print(Text(harmless(message)))

    @contextmanager
    def progress(self, doing: str) -> Iterator[Callable[[int], None]]:
        """While work of unknown length goes on: a counter on stderr, if that is a terminal. Gives what adds to it."""
        if not sys.stderr.isatty():
            yield lambda count: None
            return
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed:,.0f}"), TimeElapsedColumn())
        with Progress(*columns, console=self._messages, transient=True) as bar:
            task = bar.add_task(doing, total=None)
            yield lambda count: bar.advance(task, count)

    def _line(self, line: str) -> None:
        try:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
        except BrokenPipeError as exc:
            raise ReaderGone from exc


def _columns(rows: Sequence[Row]) -> dict[str, list[Any]]:
    return {name.replace("_", " "): [row[name] for row in rows] for name in (rows[0] if rows else {})}

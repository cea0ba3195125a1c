"""All rows of a database brought into an empty one, of another engine or the same. The target is
marked until each table's count and hash are the source's: no node serves it before, and the next
attempt begins with what is left behind emptied."""

import sqlite3
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg2

from chatd.errors import ConfigError, StartFailed
from chatd.store.copies.rows import END, HEADER, RowEncoder
from chatd.store.copies.sqlite_copy import Progress
from chatd.store.database import Database
from chatd.store.migration import begin_transfer, end_transfer, require_current
from chatd.store.statements import placeholders
from chatd.store.tables import Table, read_tables

_BATCH = 10_000
"""Rows read at once."""


@dataclass(frozen=True, slots=True)
class Transferred:
    """A table's rows, and their hash (``RowEncoder``)."""

    table: str
    rows: int
    hash: str


def transfer(
    source: Database, target: Database, progress: Progress, *, check: Callable[[], None] = lambda: None
) -> list[Transferred]:
    """Copy, verify, and let the target be served. Both are the caller's alone; ``check`` raises if
    that was not so, and then the target is never served. Raises ConfigError when the source is not
    of this chatd's schema, or the target holds something else; StartFailed when the rows differ
    afterwards."""
    with source.connection(readonly=True), target.connection(readonly=False):
        require_current(source)
        if begin_transfer(target) is False:
            raise ConfigError("the database to move to is not empty: name a new one")
        tables = _tables(source, target)
        with _snapshot(source):
            total = sum(_count(source, table) for table in tables)
            copied = _copy_all(source, target, tables, total, progress)
        for table, was in zip(tables, copied, strict=True):
            encoder = RowEncoder(table.kinds)
            with _snapshot(target):
                for row in _rows(target, table):
                    encoder.encode(row)
                    if encoder.count % _BATCH == 0:
                        progress("verify", _done(copied, table) + encoder.count, total)
            if (encoder.count, encoder.hash) != (was.rows, was.hash):
                raise StartFailed(
                    f"{table.name} is not the same in both databases: {was.rows} rows, {encoder.count} in the "
                    f"new one"
                )
        progress("verify", total, total)
        check()
        end_transfer(target)
    return copied


def _done(copied: list[Transferred], table: Table) -> int:
    return sum(one.rows for one in copied if one.table < table.name)


def _tables(source: Database, target: Database) -> list[Table]:
    tables, others = read_tables(source), read_tables(target)
    if [(one.name, one.columns, one.kinds) for one in tables] != [
        (one.name, one.columns, one.kinds) for one in others
    ]:
        raise ConfigError("the two databases have different tables: both must be of this chatd")
    return tables


@contextmanager
def _snapshot(database: Database) -> Iterator[None]:
    """One state of all tables."""
    begin = "BEGIN" if database.engine == "sqlite" else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    database.run(begin)
    try:
        yield
    finally:
        database.roll_back()


def _count(database: Database, table: Table) -> int:
    return int(database.rows(f"SELECT COUNT(*) FROM {table.name}")[0][0])


def _copy_all(
    source: Database, target: Database, tables: list[Table], total: int, progress: Progress
) -> list[Transferred]:
    copied: list[Transferred] = []
    for table in tables:
        encoder = RowEncoder(table.kinds)
        before = sum(one.rows for one in copied)

        def rows(table: Table = table, encoder: RowEncoder = encoder, before: int = before) -> Iterator[Any]:
            for row in _rows(source, table):
                try:
                    encoded = encoder.encode(row)
                except (AttributeError, TypeError, struct.error) as exc:
                    raise StartFailed(f"{table.name} has a value of another kind than its column") from exc
                if encoder.count % _BATCH == 0:
                    progress("copy", before + encoder.count, total)
                yield encoded if target.engine == "postgres" else row

        with target.atomic():
            target.run(
                f"DELETE FROM {table.name}"
            )  # what an earlier attempt left, and the first migration made
            (_copy_postgres if target.engine == "postgres" else _copy_sqlite)(target, table, rows())
        copied.append(Transferred(table.name, encoder.count, encoder.hash))
    progress("copy", total, total)
    return copied


def _rows(database: Database, table: Table) -> Iterator[tuple[Any, ...]]:
    """All rows, a batch in memory at a time. Within ``_snapshot``."""
    select = f"SELECT {', '.join(table.columns)} FROM {table.name}"
    if database.engine == "postgres":
        database.run(f"DECLARE moved NO SCROLL CURSOR FOR {select}")
        while batch := database.rows(f"FETCH {_BATCH} FROM moved"):
            yield from batch
        database.run("CLOSE moved")
        return
    try:
        cursor = _raw(database).execute(select)
        while batch := cursor.fetchmany(_BATCH):
            yield from batch
    except sqlite3.Error as exc:
        raise StartFailed(f"{table.name} cannot be read", detail=str(exc)) from exc


def _raw(database: Database) -> Any:
    """The driver's own connection."""
    return database.db.connection()  # type: ignore[no-untyped-call]


def _copy_sqlite(target: Database, table: Table, rows: Iterator[tuple[Any, ...]]) -> None:
    names = ", ".join(table.columns)
    sql = f"INSERT INTO {table.name} ({names}) VALUES ({placeholders(len(table.columns))})"
    try:
        _raw(target).executemany(sql, rows)
    except sqlite3.Error as exc:
        raise StartFailed(f"{table.name} cannot be written", detail=str(exc)) from exc


def _copy_postgres(target: Database, table: Table, rows: Iterator[bytes]) -> None:
    sql = f"COPY {table.name} ({', '.join(table.columns)}) FROM STDIN (FORMAT binary)"
    stream = _Stream(rows)
    try:
        with _raw(target).cursor() as cursor:
            cursor.copy_expert(sql, stream, size=1 << 20)
    except psycopg2.Error as exc:
        if stream.error is not None:
            raise stream.error from None
        raise StartFailed(f"{table.name} cannot be written", detail=str(exc).partition("\n")[0]) from exc


class _Stream:
    """Rows as the file that COPY reads. ``error``: the rows failed, or a signal came. psycopg2 has
    only words for it."""

    def __init__(self, rows: Iterator[bytes]) -> None:
        self._rows = rows
        self._kept = bytearray(HEADER)
        self._ended = False
        self.error: BaseException | None = None

    def read(self, size: int) -> bytes:
        """The next part; empty at the end."""
        try:
            return self._read(size)
        except BaseException as exc:
            self.error = exc
            raise

    def _read(self, size: int) -> bytes:
        while len(self._kept) < size and not self._ended:
            row = next(self._rows, None)
            self._ended = row is None
            self._kept += END if row is None else row
        part = bytes(self._kept[:size])
        del self._kept[:size]
        return part

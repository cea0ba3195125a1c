"""One database, chosen by DB_URI: opened, checked for settings that would break a promise, its
statements run.

Each thread has a connection of its own. On SQLite only the writer's may write, and it does the
checkpoints too: two connections that write or checkpoint at once can corrupt a WAL before SQLite
3.51.3.
"""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote

import peewee

from chatd.errors import ConfigError, Unavailable
from chatd.store import migration, postgres
from chatd.store.database_errors import (
    commit_error,
    drivers_errors_translated,
    is_for_the_writer,
    translated,
    translation,
)
from chatd.store.sqlite_file import WAL_KEPT_BYTES, SqliteFile
from chatd.store.statements import STATEMENTS_KEPT
from chatd.store.uri import uri_fault

OLDEST_SQLITE = (3, 35, 0)  # RETURNING

_STEPS = 1_000
"""SQLite's virtual machine goes so many before it asks if a limited statement's time is up."""


class Database:
    """Raises ConfigError when ``uri`` is not one of ``sqlite:///path`` and ``postgresql://…``, or
    its settings do not keep what is stored. ``create``: make SQLite's file if there is none."""

    def __init__(self, uri: str, *, create: bool = True) -> None:
        if fault := uri_fault(uri):
            raise ConfigError(f"DB_URI {fault}")
        scheme, _, rest = uri.partition("://")
        self.engine: Literal["sqlite", "postgres"]
        self.file: SqliteFile | None = None
        self._synchronous_commit = "on"
        if scheme == "sqlite":
            self.engine = "sqlite"
            self.file = SqliteFile(Path(unquote(rest[1:])))
            self.db: peewee.Database = self._open_sqlite(self.file, create=create)
        else:
            self.engine = "postgres"
            self.db = postgres.open_postgres(rest)
        self._parameter = self.db.param

    def _open_sqlite(self, file: SqliteFile, *, create: bool) -> peewee.Database:
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            raise ConfigError(
                f"SQLite {sqlite3.sqlite_version} is too old: {'.'.join(map(str, OLDEST_SQLITE))} is needed"
            )
        if create:
            file.create()
        pragmas = (
            ("journal_mode", "wal"),
            ("journal_size_limit", WAL_KEPT_BYTES),
            ("synchronous", "full"),
            ("busy_timeout", 5_000),
            ("cache_size", -65_536),
        )
        return peewee.SqliteDatabase(str(file.path), pragmas=pragmas, cached_statements=STATEMENTS_KEPT)

    def claim(self, holder: str) -> AbstractContextManager[object]:
        """Keep other default nodes off a SQLite file: each would miss what the others commit.
        Raises StartFailed."""
        return self.file.claim(holder) if self.file else nullcontext()

    def is_missing(self) -> bool:
        """True if SQLite has no file, or an empty one. Raises StartFailed."""
        return self.file is not None and self.file.is_missing()

    def is_empty(self) -> bool:
        """True if there are no tables of chatd's."""
        with self.connection(readonly=True), translated():
            return not self.db.table_exists("room")

    def check(self) -> None:
        """Read back the settings that durability rests on. Raises ConfigError naming the setting,
        Unavailable when nobody answers."""
        self._open()
        try:
            fault = self._fault()
        finally:
            self.disconnect()
        if fault:
            raise ConfigError(fault)

    def server_settings(self) -> tuple[list[str], list[str]]:
        """Settings of the database's server, a sentence each: those with which no node starts, and
        those that cost time or room. Raises Unavailable. SQLite has no server: each connection
        sets all."""
        if self.engine == "sqlite":
            return [], []
        self._open()
        try:
            return list(postgres.faults(self._show, serving=True)), list(postgres.slow_settings(self._show))
        finally:
            self.disconnect()

    def _show(self, setting: str) -> str:
        return str(self.rows(f"SHOW {setting}")[0][0])

    def _fault(self) -> str:
        """The first setting of this connection that would lose what is acknowledged; empty when
        there is none."""
        if self.engine == "sqlite":
            for pragma, wanted in (("journal_mode", "wal"), ("synchronous", 2)):
                got = self.rows(f"PRAGMA {pragma}")[0][0]
                if got != wanted:
                    return (
                        f"SQLite's {pragma} is {got!r} and cannot be set to {wanted!r}: acknowledged "
                        f"events could be lost"
                    )
            return ""
        return next(postgres.faults(self._show), "")

    def migrate(self) -> None:
        """Bring the schema up to date; several processes may do so at once. Raises ConfigError for
        a database of another chatd."""
        with self.connection(readonly=False), translated():
            migration.migrate(self)

    def analyze(self) -> None:
        """Let PostgreSQL count what was just brought in: until its daemon does so, it plans with
        guesses. SQLite's plans need no statistics. Raises StoreFailed, Unavailable."""
        self.run("ANALYZE")

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """One transaction, within which those of peewee's migrations are savepoints. Raises
        StoreFailed or Unavailable."""
        with translated():
            try:
                with self.db.atomic():
                    yield
            except peewee.OperationalError as exc:
                # SQLite rolls a COMMIT back for which there is no room; then peewee cannot.
                first = exc.__context__ and exc.__context__.__context__
                if isinstance(first, peewee.PeeweeException):
                    raise translation(first) from first
                raise

    @contextmanager
    def connection(self, *, readonly: bool) -> Iterator[None]:
        """This thread's connection, for as long as the context lasts."""
        self.connect(readonly=readonly)
        try:
            yield
        finally:
            self.disconnect()

    def connect(self, *, readonly: bool) -> None:
        """Open this thread's connection. Raises Unavailable, also when the server has since been
        set to lose what it commits."""
        self._open()
        try:
            if self.engine == "postgres":
                # Each transaction says for itself how it commits.
                self._synchronous_commit = self._show("synchronous_commit")
                fault = next(postgres.faults(self._show, besides="synchronous_commit"), "")
            else:
                fault = self._fault()
            if fault:
                raise Unavailable("the database would lose what it commits", detail=fault)
            if self.file and readonly:
                self.run("PRAGMA wal_autocheckpoint = 0")
                self.run("PRAGMA query_only = ON")
            elif self.file:
                self.file.writer_opened()
        except BaseException:
            self.disconnect()
            raise

    def _open(self) -> None:
        # Two processes that turn on a new file's WAL mode at once: one gets "locked", whatever the
        # busy timeout.
        with translated(), self.file.lock() if self.file else nullcontext():
            if self.file:
                self.file.before_open()
            self.db.connect(reuse_if_open=True)
            if self.file:
                self.file.opened()

    def disconnect(self) -> None:
        """Close this thread's connection, if there is one; a transaction on it has not happened."""
        self.db.close()

    def begin(self, *, lock_ms: int = postgres.LOCK_MS) -> None:
        """Begin a transaction that writes. A statement of it that waits longer than ``lock_ms`` for
        a row raises LockHeld (PostgreSQL)."""
        self.run(
            "BEGIN IMMEDIATE"
            if self.engine == "sqlite"
            else postgres.begin(self._synchronous_commit, lock_ms)
        )

    @contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        """Statements that read, and take no longer than this. Raises Interrupted."""
        if self.engine == "postgres":
            self.run(postgres.begin_limited(max(1, round(seconds * 1e3))))
            try:
                yield
            finally:
                self.roll_back()
            return
        end = time.monotonic() + seconds
        connection = self.db.connection()
        connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
        try:
            yield
        finally:
            connection.set_progress_handler(None, 0)

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement; its rows. ``?`` marks a parameter on both engines. Raises StoreFailed
        or Unavailable."""
        try:
            rows: list[tuple[Any, ...]] = self._execute(sql, parameters).fetchall()
            return rows
        except Exception:
            with drivers_errors_translated():
                raise

    def commit(self) -> None:
        """End the transaction. Raises StoreFailed or Unavailable (PostgreSQL knows the outcome, a
        retry will find it), and CommitUnknown when SQLite itself cannot say what is on the disk, or
        the file is no longer where the next start will look."""
        try:
            self.db.commit()
        except peewee.PeeweeException as exc:
            if is_for_the_writer(exc):
                raise
            raise commit_error(exc, self.engine) from exc
        if self.file:
            self.file.check()

    def roll_back(self) -> None:
        """End the transaction as if it had not been. Raises StoreFailed or Unavailable."""
        with translated():
            self.db.rollback()

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Run one statement that has no rows. Raises StoreFailed or Unavailable; IntegrityError of
        peewee's is left to the writer."""
        try:
            self._execute(sql, parameters)
        except Exception:
            with drivers_errors_translated():
                raise

    def _execute(self, sql: str, parameters: Sequence[Any]) -> Any:
        """Without peewee's layers, which take as long as a short statement. Raises the driver's
        errors."""
        cursor = self.db.cursor()
        cursor.execute(sql if self._parameter == "?" else sql.replace("?", self._parameter), parameters or ())
        return cursor

    def values(self, types: str, rows: Sequence[Sequence[Any]]) -> tuple[str, list[Any]]:
        """``VALUES (?, ?), …`` and its parameters. ``types``: one letter a column, t(ext) i(nteger)
        b(ytes); PostgreSQL wants to know."""
        row = "(" + ", ".join("?" * len(types)) + ")"
        first = row
        if self.engine == "postgres":
            names = {"t": "text", "i": "bigint", "b": "bytea"}
            first = "(" + ", ".join(f"?::{names[letter]}" for letter in types) + ")"
        return "VALUES " + ", ".join([first, *[row] * (len(rows) - 1)]), [
            value for row_ in rows for value in row_
        ]

    @property
    def for_update(self) -> str:
        """Locks the rows read; SQLite's writer is alone anyway."""
        return " FOR UPDATE" if self.engine == "postgres" else ""

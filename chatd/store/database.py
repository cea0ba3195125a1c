"""One database, chosen by DB_URI: opened, checked for settings that would break a promise, migrated.

Each thread has a connection of its own. On SQLite only the writer's may write, and it does the checkpoints too: two connections that write or
checkpoint at once can corrupt a WAL before SQLite 3.51.3.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import unquote

import peewee
from playhouse.migrations import Runner  # type: ignore[import-untyped]

from chatd.errors import ConfigError, StoreFailed, Unavailable, os_error
from chatd.files.claim import Claim
from chatd.files.durable import make_folder, sync_folder
from chatd.store.uri import uri_fault

OLDEST_SQLITE = (3, 35, 0)  # RETURNING
_MIGRATION_LOCK = 0x63686174  # "chat"
_ROLLED_BACK = ("40001", "40P01")  # serialization failure, deadlock
_REQUIRED_POSTGRES = {
    "synchronous_commit": ("on", "remote_write", "remote_apply"),
    "fsync": ("on",),
    "full_page_writes": ("on",),
    "server_encoding": ("UTF8",),
}

_KEEP_SYNCHRONOUS = (
    "SELECT set_config('synchronous_commit', CASE WHEN now IN ('remote_write', 'remote_apply') THEN now ELSE 'on' END, false) "
    "FROM current_setting('synchronous_commit') AS now"
)
"""A session that has set the option for itself keeps it, whatever the server's files and ALTER statements later say."""


MAX_VARIABLES = 32_000
"""Parameters of one statement: SQLite allows 32,766."""

T = TypeVar("T")


def placeholders(count: int) -> str:
    """``?, ?, …`` for an IN list."""
    return ", ".join("?" * count)


def chunks(rows: Sequence[T], *, columns: int) -> Iterator[Sequence[T]]:
    """``rows`` of so many columns in parts that each fit one statement."""
    most = MAX_VARIABLES // columns
    for start in range(0, len(rows), most):
        yield rows[start : start + most]


class CommitUnknown(Unavailable):
    """SQLite cannot say if a transaction is on the disk. Nobody may guess: the process stops, and the next one reads what there is."""


class Database:
    """Raises ConfigError when ``uri`` is not one of ``sqlite:///path`` and ``postgresql://…``, or its settings do not keep what is stored."""

    def __init__(self, uri: str) -> None:
        if fault := uri_fault(uri):
            raise ConfigError(f"DB_URI {fault}")
        scheme, _, rest = uri.partition("://")
        self.engine: Literal["sqlite", "postgres"]
        if scheme == "sqlite":
            self.engine = "sqlite"
            self._path = Path(unquote(rest[1:]))
            self.db: peewee.Database = self._open_sqlite()
        else:
            self.engine = "postgres"
            self.db = peewee.PostgresqlDatabase(f"postgresql://{rest}", application_name="chatd")
        self._parameter = self.db.param

    def _open_sqlite(self) -> peewee.Database:
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            raise ConfigError(f"SQLite {sqlite3.sqlite_version} is too old: {'.'.join(map(str, OLDEST_SQLITE))} is needed")
        try:
            make_folder(self._path.parent)
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
            sync_folder(self._path.parent)
        except OSError as exc:
            raise os_error(f"DB_URI: {self._path}", exc) from exc
        pragmas = (("journal_mode", "wal"), ("synchronous", "full"), ("busy_timeout", 5_000), ("cache_size", -65_536))
        return peewee.SqliteDatabase(str(self._path), pragmas=pragmas)

    def claim(self, holder: str) -> AbstractContextManager[object]:
        """Keep other default nodes off a SQLite file: each would miss what the others commit. Raises StartFailed."""
        if self.engine == "postgres":
            return nullcontext()
        path = Path(os.path.realpath(self._path))
        return Claim(path.with_name(f"{path.name}.owner"), f"the database {path}", holder)

    def check(self) -> None:
        """Read back the settings that durability rests on. Raises ConfigError naming the setting, Unavailable when nobody answers."""
        self._open()
        try:
            fault = self._fault()
        finally:
            self.disconnect()
        if fault:
            raise ConfigError(fault)

    def _fault(self) -> str:
        """The first setting of this connection that would lose what is acknowledged; empty when there is none."""
        if self.engine == "sqlite":
            for pragma, wanted in (("journal_mode", "wal"), ("synchronous", 2)):
                got = self.rows(f"PRAGMA {pragma}")[0][0]
                if got != wanted:
                    return f"SQLite's {pragma} is {got!r} and cannot be set to {wanted!r}: acknowledged events could be lost"
            return ""
        for setting, allowed in _REQUIRED_POSTGRES.items():
            got = self.rows(f"SHOW {setting}")[0][0]
            if got not in allowed:
                return f"PostgreSQL's {setting} is {got!r}, must be {' or '.join(allowed)}: acknowledged events could be lost"
        return ""

    def migrate(self) -> None:
        """Bring the schema up to date; several processes may do so at once. Raises ConfigError for a database newer than this chatd."""
        with self.connection(readonly=False), self._migration_lock():
            runner = Runner(self.db, directory=str(Path(__file__).parent / "migrations"))
            unknown = [row.name for row in runner.status() if row.path is None]
            if unknown:
                raise ConfigError(f"the database was made by a newer chatd (migration {unknown[0]})")
            with translated():
                runner.up()

    @contextmanager
    def _migration_lock(self) -> Iterator[None]:
        if self.engine == "postgres":
            self.rows("SELECT pg_advisory_lock(%s)", (_MIGRATION_LOCK,))
            try:
                yield
            finally:
                self.rows("SELECT pg_advisory_unlock(%s)", (_MIGRATION_LOCK,))
            return
        with self._file_lock():
            yield

    @contextmanager
    def _file_lock(self) -> Iterator[None]:
        try:
            handle = os.open(f"{self._path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as exc:
            raise Unavailable(f"the database's lock file cannot be opened: {exc.strerror}") from exc
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    @contextmanager
    def connection(self, *, readonly: bool) -> Iterator[None]:
        """This thread's connection, for as long as the context lasts."""
        self.connect(readonly=readonly)
        try:
            yield
        finally:
            self.disconnect()

    def connect(self, *, readonly: bool) -> None:
        """Open this thread's connection. Raises Unavailable, also when the server has since been set to lose what it commits."""
        self._open()
        try:
            if self.engine == "postgres":
                self.rows(_KEEP_SYNCHRONOUS)
            if fault := self._fault():
                raise Unavailable(fault)
            if self.engine == "sqlite" and readonly:
                self.run("PRAGMA wal_autocheckpoint = 0")
                self.run("PRAGMA query_only = ON")
        except BaseException:
            self.disconnect()
            raise

    def _open(self) -> None:
        # Two processes that turn on a new file's WAL mode at once: one gets "locked", whatever the busy timeout.
        with translated(), self._file_lock() if self.engine == "sqlite" else nullcontext():
            self.db.connect(reuse_if_open=True)

    def disconnect(self) -> None:
        self.db.close()

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement; its rows. ``?`` marks a parameter on both engines. Raises StoreFailed or Unavailable."""
        with translated():
            rows: list[tuple[Any, ...]] = self._execute(sql, parameters).fetchall()
        return rows

    def commit(self) -> None:
        """End the transaction. Raises StoreFailed or Unavailable (PostgreSQL knows the outcome, a retry will find it), and CommitUnknown when
        SQLite itself cannot say what is on the disk."""
        try:
            self.db.commit()
        except peewee.OperationalError as exc:
            if getattr(exc.__context__, "pgcode", None) in _ROLLED_BACK:
                raise
            if self.engine == "postgres":
                raise Unavailable(f"the connection was lost at COMMIT, the outcome is unknown: {_first_line(exc)}") from exc
            if getattr(exc.__context__, "sqlite_errorcode", 0) in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY):
                raise StoreFailed(f"the database refused: {_first_line(exc)}") from exc
            raise CommitUnknown(f"SQLite failed at COMMIT, what it wrote is unknown: {_first_line(exc)}") from exc
        except peewee.PeeweeException as exc:
            if isinstance(exc, peewee.InterfaceError):
                raise Unavailable(f"the connection was lost at COMMIT, the outcome is unknown: {_first_line(exc)}") from exc
            raise StoreFailed(f"the database refused: {_first_line(exc)}") from exc

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Run one statement that has no rows. Raises StoreFailed or Unavailable; IntegrityError of peewee's is left to the writer."""
        with translated():
            self._execute(sql, parameters)

    def _execute(self, sql: str, parameters: Sequence[Any]) -> Any:
        return self.db.execute_sql(sql if self._parameter == "?" else sql.replace("?", self._parameter), parameters)

    def values(self, types: str, rows: Sequence[Sequence[Any]]) -> tuple[str, list[Any]]:
        """``VALUES (?, ?), …`` and its parameters. ``types``: one letter a column, t(ext) i(nteger) b(ytes); PostgreSQL wants to know."""
        row = "(" + ", ".join("?" * len(types)) + ")"
        first = row
        if self.engine == "postgres":
            names = {"t": "text", "i": "bigint", "b": "bytea"}
            first = "(" + ", ".join(f"?::{names[letter]}" for letter in types) + ")"
        return "VALUES " + ", ".join([first, *[row] * (len(rows) - 1)]), [value for row_ in rows for value in row_]

    @property
    def for_update(self) -> str:
        """Locks the rows read; SQLite's writer is alone anyway."""
        return " FOR UPDATE" if self.engine == "postgres" else ""


@contextmanager
def translated() -> Iterator[None]:
    """Turn peewee's errors into chatd's, here and nowhere else. Errors after which a transaction can be tried again pass: the writer
    judges these."""
    try:
        yield
    except peewee.IntegrityError:
        raise
    except (peewee.OperationalError, peewee.InterfaceError) as exc:
        if getattr(exc.__context__, "pgcode", None) in _ROLLED_BACK:
            raise
        if getattr(exc.__context__, "sqlite_errorcode", 0) == sqlite3.SQLITE_FULL:
            raise StoreFailed(f"the database refused: {_first_line(exc)}") from exc
        raise Unavailable(f"the database does not answer: {_first_line(exc)}") from exc
    except peewee.PeeweeException as exc:
        raise StoreFailed(f"the database refused: {_first_line(exc)}") from exc


def _first_line(exc: BaseException) -> str:
    return next(iter(str(exc).splitlines()), type(exc).__name__)

"""Bringing the schema up to date: under a lock, in one transaction, and only from a schema that
this chatd knows.

The fingerprint is the schema that the migrations make in an empty SQLite, hashed. It is stored with
the schema and compared at each start: a database whose first migration was another one would be
opened without complaint, and fail at the first column.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import peewee
import structlog
from playhouse.migrations import Runner  # type: ignore[import-untyped]

from chatd.errors import ConfigError, StartFailed
from chatd.store.database_errors import translated

if TYPE_CHECKING:
    from chatd.store.database import Database

log = structlog.get_logger()

_FOLDER = str(Path(__file__).parent / "migrations")
MIGRATION_LOCK = 0x63686174  # "chat"
_WAITING = "Another process has the database's migration lock; waiting for it"
_HALF = "being moved here"
"""The fingerprint of a database into which another one is being moved: no chatd opens it."""


def migrate(database: "Database") -> None:
    """Apply the migrations that are missing, on this thread's connection. Raises ConfigError and
    StartFailed, having changed nothing."""
    with _locked(database):
        runner = Runner(database.db, directory=_FOLDER)
        applied = [row.name for row in runner.status() if row.applied]
        _check(database, runner, applied)
        if len(applied) < len(runner.status()):
            _check_role(database)
            runner.up()
            _write_fingerprint(database, fingerprint([row.name for row in runner.status()]))


@translated()
def require_current(database: "Database") -> None:
    """Raise ConfigError unless the database has the schema of this chatd, all of it."""
    runner = Runner(database.db, directory=_FOLDER)
    if not database.db.table_exists("schema_migration"):
        raise ConfigError("the database has no tables of chatd's")
    applied = [row.name for row in runner.status() if row.applied]
    _check(database, runner, applied)
    if len(applied) < len(runner.status()):
        raise ConfigError("the database's schema is older than this chatd: run `chatd migrate` first")


@translated()
def begin_transfer(database: "Database") -> bool:
    """Make the schema in an empty database, and mark it as one that is being filled from another.
    False: it is neither empty nor so marked, and was not changed."""
    with _locked(database):
        if database.db.get_tables():
            return _fingerprint(database) == [(_HALF,)]
        _check_role(database)
        Runner(database.db, directory=_FOLDER).up()
        _write_fingerprint(database, _HALF)
        return True


@translated()
def end_transfer(database: "Database") -> None:
    """From here on it is a database as any other."""
    with database.atomic():
        runner = Runner(database.db, directory=_FOLDER)
        _write_fingerprint(database, fingerprint([row.name for row in runner.status()]))


def _fingerprint(database: "Database") -> list[tuple[str]]:
    if not database.db.table_exists("schema_fingerprint"):
        return []
    return database.rows("SELECT fingerprint FROM schema_fingerprint")


def _write_fingerprint(database: "Database", text: str) -> None:
    database.run("CREATE TABLE IF NOT EXISTS schema_fingerprint (fingerprint TEXT NOT NULL)")
    database.run("DELETE FROM schema_fingerprint")
    database.run("INSERT INTO schema_fingerprint (fingerprint) VALUES (?)", (text,))


def _check(database: "Database", runner: Runner, applied: Sequence[str]) -> None:
    unknown = [row.name for row in runner.status() if row.path is None]
    if unknown:
        raise ConfigError(
            f"the database was made by a newer chatd (migration {unknown[0]}): start that one, or an even newer one"
        )
    if not applied:
        return
    found = _fingerprint(database)
    if found == [(_HALF,)]:
        raise ConfigError(
            "the database holds a part of another one: `chatd migrate --from` was cut off; run it again"
        )
    if found != [(fingerprint(applied),)]:
        raise ConfigError(
            "the database's schema is not the one of this chatd's migrations: it was made by a version "
            "between releases. "
            "Start the chatd that made it, or let DB_URI name a new database"
        )


def _check_role(database: "Database") -> None:
    if database.engine == "sqlite":
        return
    if database.rows("SELECT has_schema_privilege(current_schema(), 'CREATE')") != [(True,)]:
        raise StartFailed(
            "the database's schema is to be migrated, and DB_URI's role may not change it: run `chatd migrate` "
            "with the role that owns it"
        )


@contextmanager
def _locked(database: "Database") -> Iterator[None]:
    """One transaction, and no other process in here. PostgreSQL's lock ends with the transaction:
    one of a session would be left behind in a pooler, and stop each later start."""
    if database.file is not None:
        with database.file.lock(_WAITING), database.atomic():
            yield
        return
    with database.atomic():
        if database.rows("SELECT pg_try_advisory_xact_lock(?)", (MIGRATION_LOCK,)) == [(False,)]:
            log.info(_WAITING)
            database.rows("SELECT pg_advisory_xact_lock(?)", (MIGRATION_LOCK,))
        yield


def fingerprint(names: Sequence[str]) -> str:
    """The schema after these migrations. Only the SQL counts: neither its comments nor its white
    space."""
    scratch = peewee.SqliteDatabase(":memory:")
    runner = Runner(scratch, directory=_FOLDER)
    try:
        for name in sorted(names):
            runner.up(name)
        schema = scratch.execute_sql(
            "SELECT name, sql FROM sqlite_master WHERE tbl_name <> 'schema_migration' ORDER BY name"
        ).fetchall()
    finally:
        scratch.close()
    words = [f"{name}: {' '.join((sql or '').split())}" for name, sql in schema]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()

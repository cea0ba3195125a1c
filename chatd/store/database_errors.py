"""The database's errors, turned into chatd's here and nowhere else.

The question that decides: is the statement wrong, or can this connection never do it? A connection
that cannot is closed, and the next transaction begins on a new one. The database's own words may
name its address, its files or a statement: they are the errors' details, for the log.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import peewee

from chatd.errors import ChatdError, StoreFailed, Unavailable

_ROLLED_BACK = ("40001", "40P01")  # serialization failure, deadlock
_LOCK_NOT_AVAILABLE = "55P03"
_QUERY_CANCELED = "57014"
_DISK_FULL = "53100"
_SQLITE_STATEMENT = (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_TOOBIG)
_SQLITE_OTHERS_WORK = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class ConnectionLost(Unavailable):
    """This connection will not do it again: it is closed, or leads to a server that may not write.
    A new one may."""


class LockHeld(Unavailable):
    """Another session holds a row for longer than this one waits. PostgreSQL has rolled the
    transaction back."""


class Interrupted(Unavailable):
    """A statement was ended before it was done: its time was up, or an administrator ended it."""


class CommitUnknown(Unavailable):
    """SQLite cannot say if a transaction is on the disk, or the disk is no longer where the next
    start will look. Nobody may guess: the process stops, and the next one reads what there is."""


class DiskFull(StoreFailed):
    """No statement is at fault: the next one will be refused as well."""


@contextmanager
def translated() -> Iterator[None]:
    """Raise chatd's errors for peewee's. Those after which a transaction can be tried again pass:
    the writer judges these."""
    try:
        yield
    except peewee.PeeweeException as exc:
        if is_for_the_writer(exc):
            raise
        raise translation(exc) from exc


@contextmanager
def drivers_errors_translated() -> Iterator[None]:
    """The same for errors of the database's driver."""
    with translated(), peewee.__exception_wrapper__:  # type: ignore[attr-defined]
        yield


def is_for_the_writer(exc: peewee.PeeweeException) -> bool:
    """True if the same transaction may succeed when it is tried again: a broken constraint, a
    deadlock."""
    return isinstance(exc, peewee.IntegrityError) or _pgcode(exc) in _ROLLED_BACK


def translation(exc: peewee.PeeweeException) -> ChatdError:
    """The error of chatd's tree that says the same."""
    if _pgcode(exc) == _LOCK_NOT_AVAILABLE:
        return LockHeld("another session of the database holds a row", detail=first_line(exc))
    if sqlite_code(exc) == sqlite3.SQLITE_READONLY_DBMOVED:
        return CommitUnknown("the database file was moved", detail=first_line(exc))
    if _is_refusal(exc):
        return _refusal(exc)
    if _pgcode(exc) == _QUERY_CANCELED or sqlite_code(exc) == sqlite3.SQLITE_INTERRUPT:
        return Interrupted("the database does not answer", detail=first_line(exc))
    if sqlite_code(exc) & 0xFF in _SQLITE_OTHERS_WORK:
        return Unavailable("the database does not answer", detail=first_line(exc))
    return ConnectionLost("the database does not answer", detail=first_line(exc))


def commit_error(exc: peewee.PeeweeException, engine: str) -> ChatdError:
    """The same for an error at COMMIT, where PostgreSQL knows the outcome (a retry will find it)
    and SQLite may not."""
    if engine == "postgres":
        if _is_refusal(exc):
            return _refusal(exc)
        return ConnectionLost(
            "the connection was lost at COMMIT, the outcome is unknown", detail=first_line(exc)
        )
    if sqlite_code(exc) & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY):
        return _refusal(exc)
    return CommitUnknown("the database failed at COMMIT, what it wrote is unknown", detail=first_line(exc))


def _refusal(exc: peewee.PeeweeException) -> StoreFailed:
    if _pgcode(exc) == _DISK_FULL or sqlite_code(exc) & 0xFF == sqlite3.SQLITE_FULL:
        return DiskFull("the database's disk is full", detail=first_line(exc))
    return StoreFailed("the database refused", detail=first_line(exc))


def _is_refusal(exc: peewee.PeeweeException) -> bool:
    """True if the statement is at fault, or the disk is full: another connection would be refused
    as well."""
    if code := sqlite_code(exc):
        return code & 0xFF in _SQLITE_STATEMENT or not isinstance(exc, peewee.OperationalError)
    if _pgcode(exc) == _DISK_FULL:
        return True
    # The rest is the connection's: InternalError is also class 25, a standby's read-only
    # transaction or a failed block.
    return isinstance(exc, (peewee.ProgrammingError, peewee.DataError, peewee.NotSupportedError))


def _pgcode(exc: BaseException) -> str:
    return getattr(exc.__context__, "pgcode", None) or ""


def sqlite_code(exc: BaseException) -> int:
    """SQLite's extended result code; 0 when the error is not SQLite's."""
    return getattr(exc.__context__, "sqlite_errorcode", None) or 0


def first_line(exc: BaseException) -> str:
    """The error's first line: PostgreSQL adds context in further ones."""
    return next(iter(str(exc).splitlines()), type(exc).__name__)

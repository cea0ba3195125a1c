"""Errors of the database: the statement is wrong, the connection can never do it, or another
session is in the way."""

import sqlite3
import time

import peewee
import pytest

from chatd.default.rooms.store import CreateRoom, GetRoom
from chatd.errors import ChatdError, StoreFailed, Unavailable
from chatd.store.database import Database
from chatd.store.database_errors import (
    CommitUnknown,
    ConnectionLost,
    DiskFull,
    Interrupted,
    LockHeld,
    translated,
)
from tests.store.driver import Store, event, send


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("25006", ConnectionLost),  # read-only: a standby
        ("25P02", ConnectionLost),  # a failed transaction
        ("25P03", ConnectionLost),  # idle_in_transaction_session_timeout
        ("57P01", ConnectionLost),  # admin_shutdown
        ("57P02", ConnectionLost),  # crash_shutdown
        ("57P03", ConnectionLost),  # cannot_connect_now
        ("57P05", ConnectionLost),  # idle_session_timeout
        ("08006", ConnectionLost),  # connection_failure
        ("08P01", ConnectionLost),  # protocol_violation: all that PgBouncer says of itself
        ("53300", ConnectionLost),  # too_many_connections
        ("58030", ConnectionLost),  # io_error
        ("XX000", ConnectionLost),  # internal_error
        ("55P03", LockHeld),
        ("57014", Interrupted),  # query_canceled
        ("53100", DiskFull),  # disk_full
        ("42703", StoreFailed),  # undefined_column
        ("22P02", StoreFailed),  # invalid_text_representation
    ],
)
def test_postgres(code: str, kind: type[ChatdError], postgres_uri: str) -> None:
    database = Database(postgres_uri)
    with database.connection(readonly=False), pytest.raises(ChatdError) as raised:
        database.run(f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{code}'; END $$")
    assert type(raised.value) is kind


def fail_with(code: int) -> None:
    """As peewee passes on an error of SQLite's."""
    original = sqlite3.OperationalError("x")
    original.sqlite_errorcode = code
    with translated():
        try:
            raise original
        except sqlite3.OperationalError as exc:
            raise peewee.OperationalError("x") from exc


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (sqlite3.SQLITE_IOERR_FSYNC, ConnectionLost),
        (sqlite3.SQLITE_IOERR_READ, ConnectionLost),
        (sqlite3.SQLITE_READONLY_CANTLOCK, ConnectionLost),
        (sqlite3.SQLITE_CANTOPEN, ConnectionLost),
        (sqlite3.SQLITE_READONLY_DBMOVED, CommitUnknown),
        (sqlite3.SQLITE_BUSY, Unavailable),
        (sqlite3.SQLITE_INTERRUPT, Interrupted),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, Unavailable),
        (sqlite3.SQLITE_FULL, DiskFull),
        (sqlite3.SQLITE_ERROR, StoreFailed),
    ],
)
def test_sqlite(code: int, kind: type[ChatdError]) -> None:
    with pytest.raises(ChatdError) as raised:
        fail_with(code)
    assert type(raised.value) is kind


def test_connections_that_the_server_has_closed_while_idle_are_not_noticed(postgres_uri: str) -> None:
    database = Database(postgres_uri)
    with database.connection(readonly=False):
        ((name,),) = database.rows("SELECT current_database()")
        database.run(f"ALTER DATABASE {name} SET idle_session_timeout = '300ms'")
    store = Store(postgres_uri)
    store.do(CreateRoom("r", "", "alice", ()))
    for number in range(2):
        store.ask(GetRoom("r"))
        with database.connection(readonly=True):
            for _ in range(200):
                sessions = database.rows(
                    "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database()"
                )
                if sessions == [(1,)]:
                    break
                time.sleep(0.02)
        assert sessions == [(1,)], "the server closes none: the test proves nothing"
        store.do(send("alice", event("r", f"e{number}")))
    store.close()

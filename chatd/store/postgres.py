"""PostgreSQL's connections: their parameters, and all that a transaction sets for itself.

Nothing is set for a session. A pooler in transaction mode (PgBouncer) gives each transaction
another session, and keeps what a session was left with for somebody else.
"""

import os
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs

import peewee
from psycopg2.extensions import make_dsn, parse_dsn

LOCK_MS = 1_000
"""A transaction waits this long for a row that another session holds. Transactions take
milliseconds."""
SHORT_LOCK_MS = 100
"""The same once it is known that a session stands still."""
IDLE_MS = 5_000
"""The server ends a session that stands still inside a transaction for this long: its process is
stopped, or its machine gone."""

REQUIRED = {
    "synchronous_commit": ("on", "remote_write", "remote_apply"),
    "fsync": ("on",),
    "full_page_writes": ("on",),
    "server_encoding": ("UTF8",),
}
"""Settings, and their values with which no acknowledged event is lost."""

SLOW = {
    "wal_compression": ("off", "on writes an eighth less while pages change first after a checkpoint"),
}
"""Settings, a value with which all is kept, and the one that serves better."""

Show = Callable[[str], str]
"""Gives a setting's value."""

_PARAMETERS: dict[str, Any] = {
    "application_name": "chatd",
    # A hot standby takes connections, and refuses each write: with several hosts the next is tried,
    # with one the next second.
    "target_session_attrs": "read-write",
    "connect_timeout": "5",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
_ENVIRONMENT = {
    "application_name": "PGAPPNAME",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
    "connect_timeout": "PGCONNECT_TIMEOUT",
}


def open_postgres(rest: str) -> peewee.PostgresqlDatabase:
    """The database of ``postgresql://rest``. Parameters that the URI or libpq's environment gives
    are kept."""
    given = parse_qs(rest.partition("?")[2], keep_blank_values=True)
    parameters = {
        name: value
        for name, value in _PARAMETERS.items()
        if name not in given and _ENVIRONMENT.get(name, "") not in os.environ
    }
    return peewee.PostgresqlDatabase(f"postgresql://{rest}", **parameters)


def faults(show: Show, *, besides: str = "", serving: bool = False) -> Iterator[str]:
    """A sentence for each setting with which no node starts, since it would lose what is
    acknowledged. ``serving``: of a node that has started, which sets one of them itself
    (``begin``)."""
    for setting, allowed in REQUIRED.items():
        if setting != besides and (got := show(setting)) not in allowed:
            is_set = serving and setting == "synchronous_commit"
            follows = (
                "no node starts so; those that serve set it for each transaction, and lose nothing"
                if is_set
                else "acknowledged events could be lost"
            )
            yield f"PostgreSQL's {setting} is {got!r}, must be {' or '.join(allowed)}: {follows}"


def slow_settings(show: Show) -> Iterator[str]:
    """A sentence for each of SLOW."""
    for setting, (slow, why) in SLOW.items():
        if show(setting) == slow:
            yield f"PostgreSQL's {setting} is {slow!r}: {why}"


def begin(synchronous_commit: str, lock_ms: int) -> str:
    """The start of a transaction, in one round trip. ``synchronous_commit`` is the session's when
    it connected: a stricter one is kept, anything else is "on", whatever the server's files and
    ALTER statements have said since."""
    strict = synchronous_commit if synchronous_commit in ("remote_write", "remote_apply") else "on"
    return (
        f"BEGIN; SET LOCAL synchronous_commit = {strict}; SET LOCAL lock_timeout = {lock_ms}; "
        f"SET LOCAL idle_in_transaction_session_timeout = {IDLE_MS}"
    )


def without_password(uri: str) -> str:
    """The address as libpq's programs take it, to be shown: they ask for the password, or find it
    in PGPASSWORD or ~/.pgpass."""
    parts = {name: value for name, value in parse_dsn(uri).items() if name not in ("password", "sslpassword")}
    return str(make_dsn(**parts))


def has_password(uri: str) -> bool:
    """True if the address holds a secret."""
    return not parse_dsn(uri).keys().isdisjoint(("password", "sslpassword"))


def begin_limited(milliseconds: int) -> str:
    """The start of a transaction that only reads, each of whose statements ends after so long."""
    return f"BEGIN READ ONLY; SET LOCAL statement_timeout = {milliseconds}"

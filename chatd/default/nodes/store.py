"""Leases in the database: a row for each process that serves it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple

from chatd.core.log_state import UNKNOWN_LOG, LogState
from chatd.default.nodes.model import Lease
from chatd.errors import ChatdError, StartFailed
from chatd.store.command import NO_LOCKS, Command, Locks
from chatd.store.database import Database
from chatd.store.log_row import raise_beat
from chatd.store.transaction import Transaction

_CLAIM_LOCK = 0x63686175
"""PostgreSQL's advisory lock under which nodes claim a database: "chat" and one, the migrations' is
"chat"."""
_COLUMNS = (
    "uri, kind, node_id, queue_uri, version, started_at_us, lease_until_us, protocol, oldest_protocol, keys, "
    "drained, place"
)


@dataclass(frozen=True, slots=True)
class ClaimDatabase(Command[LogState]):
    """A default node begins to serve: its lease is recorded, unless it excludes another node that
    lives (StartFailed). Earlier nodes of its place are gone. ``alone``: all others are. ``log`` is
    the newest state of the log that the node knows of; the result is the state from here on."""

    lease: Lease
    now_us: int
    alone: bool
    log: LogState = UNKNOWN_LOG

    def locks(self) -> Locks:
        return NO_LOCKS

    @classmethod
    def apply(
        cls, transaction: Transaction, commands: Sequence[ClaimDatabase]
    ) -> list[ChatdError | LogState]:
        database = transaction.database
        if database.engine == "postgres":
            database.rows("SELECT pg_advisory_xact_lock(?)", (_CLAIM_LOCK,))
        return [_claim(database, one) for one in commands]


def _claim(database: Database, one: ClaimDatabase) -> ChatdError | LogState:
    own = one.lease
    others = [other for other in _all(database) if other.kind == "default"]
    gone = [other for other in others if one.alone or other.place == own.place]
    for other in others:
        left = (other.lease_until_us - one.now_us) / 1e6
        why = own.exclusion(other)
        if why and left > 0 and other not in gone:
            since = datetime.fromtimestamp(other.started_at_us / 1e6, UTC).isoformat(timespec="seconds")
            at = f"pid {other.pid}" if other.pid else f"at {other.address}"
            return StartFailed(
                f"the database is in use by node {other.node_id}, {at}, since {since}, whose lease lasts "
                f"for another {left:.0f} s; {why}"
            )
    state = raise_beat(database, one.log)
    for other in others:
        if other in gone or own.exclusion(other):
            database.run("DELETE FROM node WHERE uri = ? AND node_id = ?", other.key)
    _record(database, [one.lease])
    return state


class Renewed(NamedTuple):
    """All leases there are, and the log's state."""

    leases: tuple[Lease, ...]
    log: LogState


@dataclass(frozen=True, slots=True)
class RenewLeases(Command[Renewed]):
    """Record that nodes live, delete leases that ended before ``forget_before_us``, raise the log's
    beat. ``log`` is the newest state that the node knows of."""

    nodes: tuple[Lease, ...]
    forget_before_us: int
    log: LogState = UNKNOWN_LOG

    def locks(self) -> Locks:
        return NO_LOCKS

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[RenewLeases]) -> list[Renewed]:
        database = transaction.database
        # First: then all transactions take the rows in the same order.
        state = raise_beat(database, max((one.log for one in commands), key=lambda log: log.beat))
        newest = {node.key: node for command in commands for node in command.nodes}
        if newest:
            _record(database, [node for _, node in sorted(newest.items())])
        forget_before_us = min(one.forget_before_us for one in commands)
        # As far ahead as that no lease is: its holder's clock was. One that lives writes it again.
        forget_after_us = transaction.now_us + (transaction.now_us - forget_before_us)
        database.run(
            "DELETE FROM node WHERE lease_until_us < ? OR lease_until_us > ?",
            (forget_before_us, forget_after_us),
        )
        renewed = Renewed(_all(database), state)
        return [renewed] * len(commands)


def _record(database: Database, nodes: Sequence[Lease]) -> None:
    rows = [
        (
            one.uri,
            one.kind,
            one.node_id,
            one.queue_uri,
            one.version,
            one.started_at_us,
            one.lease_until_us,
            one.protocol,
            one.oldest_protocol,
            one.keys,
            int(one.drained),
            one.place,
        )
        for one in nodes
    ]
    values, parameters = database.values("tttttiiiitit", rows)
    database.run(
        f"""
        INSERT INTO node ({_COLUMNS})
        {values}
        ON CONFLICT (uri, node_id)
        DO UPDATE SET kind = excluded.kind, queue_uri = excluded.queue_uri, version = excluded.version,
            started_at_us = excluded.started_at_us, lease_until_us = excluded.lease_until_us,
            protocol = excluded.protocol, oldest_protocol = excluded.oldest_protocol, keys = excluded.keys,
            drained = excluded.drained, place = excluded.place
        """,
        parameters,
    )


def _all(database: Database) -> tuple[Lease, ...]:
    rows = database.rows(f"SELECT {_COLUMNS} FROM node ORDER BY kind, node_id, uri")
    return tuple(replace(one, drained=bool(one.drained)) for one in (Lease(*row) for row in rows))


def find_serving(database: Database, now_us: int) -> Lease | None:
    """A default node whose lease lasts, if there is one."""
    return next(
        (one for one in _all(database) if one.kind == "default" and one.lease_until_us > now_us), None
    )

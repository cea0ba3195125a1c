"""The queue ``offline.event.delivery``: rows are claimed by one node, sent, and settled
(``settle.py``); reading on another device dismisses them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from chatd.default.notifications.model import (
    DUE,
    SKEW_US,
    STRAYED,
    ClaimedNotification,
    LongestPauses,
    QueuedNotification,
)
from chatd.default.pages import Order, Place
from chatd.store.command import Command, Locks, Query
from chatd.store.database import Database
from chatd.store.transaction import Transaction

DEAD_AT_ONCE = 2_000
"""Dead notifications that one transaction retries or drops."""
_SLOT = "profile_id = ? AND device_id = ? AND slot = ?"


def withdraw(transaction: Transaction, reads: Sequence[tuple[str, str, int, str]]) -> None:
    """Profiles have read rooms up to a seq, on a device: (profile, room, seq, device).
    Notifications of their other devices are dismissed. A message that waits stays: when it is due,
    it is seen what is left to tell. The command holds the notifications."""
    transaction.must_hold(notifications=True)
    database = transaction.database
    values, parameters = database.values("ttit", reads)
    found = database.rows(
        f"""
        WITH v(profile_id, room_id, seq, read_on) AS ({values})
        SELECT v.profile_id, v.room_id, v.seq, v.read_on, notification.device_id
        FROM v
        JOIN push ON push.profile_id = v.profile_id
        JOIN notification ON notification.profile_id = v.profile_id AND notification.device_id = push.device_id
            AND notification.slot = v.room_id AND notification.seq <= v.seq AND notification.kind = 'message'
        ORDER BY notification.profile_id, notification.device_id
        """,
        parameters,
    )
    for profile_id, room_id, _, read_on, device_id in found:
        key = (profile_id, device_id, room_id)
        if device_id == read_on:
            database.run(f"DELETE FROM notification WHERE {_SLOT}", key)
            continue
        database.run(
            f"""
            UPDATE notification
            SET kind = 'dismiss', state = 'waiting', due_at_us = ?, attempts = 0, claimed_until_us = 0
            WHERE {_SLOT}
            """,
            (transaction.now_us, *key),
        )


@dataclass(frozen=True, slots=True)
class ClaimNotifications(Command[tuple[ClaimedNotification, ...]]):
    """Take at most ``limit`` that are due, for ``lease_us``: no other node gets them until the
    claim runs out."""

    limit: int
    lease_us: int
    pauses: LongestPauses

    def locks(self) -> Locks:
        return Locks(notifications=True)

    @classmethod
    def apply(
        cls, transaction: Transaction, commands: Sequence[ClaimNotifications]
    ) -> list[tuple[ClaimedNotification, ...]]:
        return [_claim(transaction, command) for command in commands]


def _claim(transaction: Transaction, command: ClaimNotifications) -> tuple[ClaimedNotification, ...]:
    database, now = transaction.database, transaction.now_us
    until = now + command.lease_us
    claimed: list[ClaimedNotification] = []
    for state, due in product(("waiting", "sent"), (DUE, STRAYED)):
        rows = database.rows(
            f"""
            SELECT profile_id, device_id, room_id, seq, kind, attempts, slot
            FROM notification
            WHERE state = ? AND {due} AND (claimed_until_us <= ? OR claimed_until_us > ?)
            ORDER BY due_at_us
            LIMIT ?
            """,
            (
                state,
                *command.pauses.bounds(due, state, now),
                now,
                until + SKEW_US,
                command.limit - len(claimed),
            ),
        )
        claimed += [ClaimedNotification(*(*row[:-1], state == "sent", until, row[-1])) for row in rows]
    if claimed:
        values, parameters = database.values(
            "ttt", [(one.profile_id, one.device_id, one.slot) for one in claimed]
        )
        database.run(
            f"""
            WITH v(profile_id, device_id, slot) AS ({values})
            UPDATE notification
            SET claimed_until_us = ?
            FROM v
            WHERE notification.profile_id = v.profile_id AND notification.device_id = v.device_id
                AND notification.slot = v.slot
            """,
            (*parameters, until),
        )
    return tuple(claimed)


_DEAD = """(profile_id, device_id, slot) IN (
            SELECT profile_id, device_id, slot
            FROM notification
            WHERE state = 'dead' AND ? IN ('', profile_id) AND ? IN ('', device_id)
            LIMIT ?)"""
"""Parameters: profile and device, empty for all, and the most."""


@dataclass(frozen=True, slots=True)
class RetryNotifications(Command[int]):
    """At most DEAD_AT_ONCE dead notifications are due again; empty ids match all. The result: how
    many."""

    profile_id: str
    device_id: str

    def locks(self) -> Locks:
        return Locks(notifications=True)

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[RetryNotifications]) -> list[int]:
        return [_retry(transaction, command) for command in commands]


def _retry(transaction: Transaction, command: RetryNotifications) -> int:
    rows = transaction.database.rows(
        f"""
        UPDATE notification
        SET state = 'waiting', due_at_us = ?, attempts = 0, claimed_until_us = 0
        WHERE {_DEAD}
        RETURNING device_id
        """,
        (transaction.now_us, command.profile_id, command.device_id, DEAD_AT_ONCE),
    )
    return len(rows)


@dataclass(frozen=True, slots=True)
class DropNotifications(Command[int]):
    """Delete at most DEAD_AT_ONCE dead notifications; empty ids match all. The result: how
    many."""

    profile_id: str
    device_id: str

    def locks(self) -> Locks:
        return Locks(notifications=True)

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[DropNotifications]) -> list[int]:
        return [_drop(transaction, command) for command in commands]


def _drop(transaction: Transaction, command: DropNotifications) -> int:
    rows = transaction.database.rows(
        f"""
        DELETE FROM notification
        WHERE {_DEAD}
        RETURNING device_id
        """,
        (command.profile_id, command.device_id, DEAD_AT_ONCE),
    )
    return len(rows)


NEWEST = Order(
    "at_us",
    "CASE notification.state WHEN 'waiting' THEN notification.due_at_us ELSE notification.at_us END",
    ("notification.profile_id", "notification.device_id", "notification.slot"),
    descending=True,
)


@dataclass(frozen=True, slots=True)
class ListNotifications(Query[tuple[tuple[QueuedNotification, ...], bool]]):
    """Rows of the queue, the newest first, behind a place; and whether there are more. Empty texts
    match all."""

    state: str
    profile_id: str
    limit: int
    after: Place = ()

    def answer(self, database: Database) -> tuple[tuple[QueuedNotification, ...], bool]:
        behind, place = NEWEST.behind(self.after)
        rows = database.rows(
            f"""
            SELECT notification.profile_id, notification.device_id, push.notifier, notification.state,
                notification.room_id, notification.seq, notification.attempts, notification.error,
                {NEWEST.value}, notification.slot
            FROM notification
            JOIN push ON push.profile_id = notification.profile_id AND push.device_id = notification.device_id
            WHERE ? IN ('', notification.state) AND ? IN ('', notification.profile_id){behind}
            ORDER BY {NEWEST.by}
            LIMIT ?
            """,
            (self.state, self.profile_id, *place, self.limit + 1),
        )
        return tuple(QueuedNotification(*row) for row in rows[: self.limit]), len(rows) > self.limit

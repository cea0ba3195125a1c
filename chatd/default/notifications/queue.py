"""The queue ``offline.event.delivery``: rows are claimed by one node, sent, and settled; reading on another device withdraws them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chatd.default.notifications.model import ClaimedNotification, NotificationOutcome, Outcome, QueuedNotification
from chatd.default.notifications.push import forget_push
from chatd.store.command import Command, Locks, Query
from chatd.store.database import Database
from chatd.store.transaction import Transaction

LOOK_AGAIN_US = 60_000_000
"""A notification that was sent is looked at again after this, then when it is twice as old: has its device come and taken everything?"""


def withdraw(transaction: Transaction, reads: Sequence[tuple[str, str, int, str]]) -> None:
    """Profiles have read rooms up to a seq, on a device: (profile, room, seq, device). Notifications that wait are deleted, those that
    were sent are dismissed on the profile's other devices. The command holds the notifications."""
    transaction.must_hold(notifications=True)
    database = transaction.database
    where = "profile_id = ? AND room_id = ? AND seq <= ? AND kind = 'message'"
    values, parameters = database.values("ttit", reads)
    found = database.rows(
        f"""
        WITH v(profile_id, room_id, seq, device_id) AS ({values})
        SELECT DISTINCT v.profile_id, v.room_id, v.seq, v.device_id
        FROM v
        JOIN notification ON notification.profile_id = v.profile_id AND notification.room_id = v.room_id
            AND notification.seq <= v.seq AND notification.kind = 'message'
        """,
        parameters,
    )
    for profile_id, room_id, seq, read_on in found:
        key = (profile_id, room_id, seq)
        database.run(f"DELETE FROM notification WHERE {where} AND (state <> 'sent' OR device_id = ?)", (*key, read_on))
        database.run(
            f"""
            UPDATE notification
            SET kind = 'dismiss', state = 'waiting', due_at_us = ?, attempts = 0, claimed_until_us = 0
            WHERE {where}
            """,
            (transaction.now_us, *key),
        )


@dataclass(frozen=True, slots=True)
class ClaimNotifications(Command[tuple[ClaimedNotification, ...]]):
    """Take at most ``limit`` that are due, for ``lease_us``: no other node gets them until the claim runs out."""

    limit: int
    lease_us: int

    def locks(self) -> Locks:
        return Locks(notifications=True)

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[ClaimNotifications]) -> list[tuple[ClaimedNotification, ...]]:
        return [_claim(transaction, command) for command in commands]


def _claim(transaction: Transaction, command: ClaimNotifications) -> tuple[ClaimedNotification, ...]:
    database, now = transaction.database, transaction.now_us
    until = now + command.lease_us
    claimed: list[ClaimedNotification] = []
    for state in ("waiting", "sent"):
        rows = database.rows(
            """
            SELECT profile_id, device_id, room_id, seq, kind, attempts
            FROM notification
            WHERE state = ? AND due_at_us <= ? AND claimed_until_us <= ?
            ORDER BY due_at_us
            LIMIT ?
            """,
            (state, now, now, command.limit - len(claimed)),
        )
        claimed += [ClaimedNotification(*(*row, state == "sent", until)) for row in rows]
    if claimed:
        values, parameters = database.values("tt", [(one.profile_id, one.device_id) for one in claimed])
        database.run(
            f"""
            WITH v(profile_id, device_id) AS ({values})
            UPDATE notification
            SET claimed_until_us = ?
            FROM v
            WHERE notification.profile_id = v.profile_id AND notification.device_id = v.device_id
            """,
            (*parameters, until),
        )
    return tuple(claimed)


@dataclass(frozen=True, slots=True)
class SettleNotifications(Command[None]):
    """Record the outcomes of claims. The outcome of a claim that has run out changes nothing."""

    outcomes: tuple[NotificationOutcome, ...]

    def locks(self) -> Locks:
        gone = [one.claim.profile_id for one in self.outcomes if one.what == "gone"]
        return Locks(profiles=gone, notifications=True)

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[SettleNotifications]) -> list[None]:
        for command in commands:
            for outcome in sorted(command.outcomes, key=lambda one: (one.claim.profile_id, one.claim.device_id)):
                _SETTLE[outcome.what](transaction, outcome)
        return [None] * len(commands)


_OWN = "profile_id = ? AND device_id = ? AND claimed_until_us = ?"
_UNCHANGED = f"{_OWN} AND room_id = ? AND seq = ? AND kind = ?"
"""Nothing newer has come since the claim."""


def _own(outcome: NotificationOutcome) -> tuple[str, str, int]:
    return (outcome.claim.profile_id, outcome.claim.device_id, outcome.claim.claimed_until_us)


def _unchanged(outcome: NotificationOutcome) -> tuple[str | int, ...]:
    return (*_own(outcome), outcome.claim.room_id, outcome.claim.seq, outcome.claim.kind)


def _release(transaction: Transaction, outcome: NotificationOutcome, due_at_us: int) -> None:
    """Something newer has come: it waits, not before ``due_at_us``."""
    transaction.database.run(
        f"""
        UPDATE notification
        SET claimed_until_us = 0, due_at_us = CASE WHEN due_at_us < ? THEN ? ELSE due_at_us END
        WHERE {_OWN}
        """,
        (due_at_us, due_at_us, *_own(outcome)),
    )


def _sent(transaction: Transaction, outcome: NotificationOutcome) -> None:
    database, now = transaction.database, transaction.now_us
    if outcome.claim.kind == "dismiss":
        _forgotten(transaction, outcome)
        return
    database.run(
        f"""
        UPDATE notification
        SET state = 'sent', at_us = ?, due_at_us = ?, attempts = attempts + 1, error = '', claimed_until_us = 0
        WHERE {_UNCHANGED}
        """,
        (now, now + LOOK_AGAIN_US, *_unchanged(outcome)),
    )
    database.run("UPDATE push SET notified_at_us = ? WHERE profile_id = ? AND device_id = ?", (now, *_own(outcome)[:2]))
    _release(transaction, outcome, now + outcome.pause_us)


def _failed(transaction: Transaction, outcome: NotificationOutcome) -> None:
    now = transaction.now_us
    transaction.database.run(
        f"""
        UPDATE notification
        SET state = ?, at_us = ?, due_at_us = ?, attempts = attempts + 1, error = ?, claimed_until_us = 0
        WHERE {_OWN}
        """,
        ("dead" if outcome.what == "dead" else "waiting", now, now + outcome.pause_us, outcome.error, *_own(outcome)),
    )


def _postponed(transaction: Transaction, outcome: NotificationOutcome) -> None:
    """A message waits on; one that was sent is looked at again when it is twice as old."""
    now = transaction.now_us
    transaction.database.run(
        f"""
        UPDATE notification
        SET claimed_until_us = 0, due_at_us = CASE WHEN state = 'sent' THEN ? + (? - at_us) ELSE ? END
        WHERE {_OWN}
        """,
        (now, now, now + outcome.pause_us, *_own(outcome)),
    )


def _forgotten(transaction: Transaction, outcome: NotificationOutcome) -> None:
    transaction.database.run(f"DELETE FROM notification WHERE {_UNCHANGED}", _unchanged(outcome))
    _release(transaction, outcome, 0)


def _gone(transaction: Transaction, outcome: NotificationOutcome) -> None:
    forget_push(transaction, outcome.claim.profile_id, outcome.claim.device_id)


_SETTLE: dict[Outcome, Callable[[Transaction, NotificationOutcome], None]] = {
    "sent": _sent,
    "failed": _failed,
    "dead": _failed,
    "postponed": _postponed,
    "forgotten": _forgotten,
    "gone": _gone,
}


@dataclass(frozen=True, slots=True)
class RetryNotifications(Command[int]):
    """Dead notifications are due again; empty ids match all. The result: how many."""

    profile_id: str
    device_id: str

    def locks(self) -> Locks:
        return Locks(notifications=True)

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[RetryNotifications]) -> list[int]:
        return [_retry(transaction, command) for command in commands]


def _retry(transaction: Transaction, command: RetryNotifications) -> int:
    rows = transaction.database.rows(
        """
        UPDATE notification
        SET state = 'waiting', due_at_us = ?, attempts = 0, claimed_until_us = 0
        WHERE state = 'dead' AND ? IN ('', profile_id) AND ? IN ('', device_id)
        RETURNING device_id
        """,
        (transaction.now_us, command.profile_id, command.device_id),
    )
    return len(rows)


@dataclass(frozen=True, slots=True)
class DropNotifications(Command[int]):
    """Delete dead notifications; empty ids match all. The result: how many."""

    profile_id: str
    device_id: str

    def locks(self) -> Locks:
        return Locks(notifications=True)

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[DropNotifications]) -> list[int]:
        return [_drop(transaction, command) for command in commands]


def _drop(transaction: Transaction, command: DropNotifications) -> int:
    rows = transaction.database.rows(
        """
        DELETE FROM notification
        WHERE state = 'dead' AND ? IN ('', profile_id) AND ? IN ('', device_id)
        RETURNING device_id
        """,
        (command.profile_id, command.device_id),
    )
    return len(rows)


@dataclass(frozen=True, slots=True)
class ListNotifications(Query[tuple[tuple[QueuedNotification, ...], bool]]):
    """Rows of the queue, the newest first; and whether there are more. Empty texts match all."""

    state: str
    profile_id: str
    limit: int

    def answer(self, database: Database) -> tuple[tuple[QueuedNotification, ...], bool]:
        rows = database.rows(
            """
            SELECT notification.profile_id, notification.device_id, push.notifier, notification.state, notification.room_id,
                notification.seq, notification.attempts, notification.error,
                CASE notification.state WHEN 'waiting' THEN notification.due_at_us ELSE notification.at_us END AS since
            FROM notification
            JOIN push ON push.profile_id = notification.profile_id AND push.device_id = notification.device_id
            WHERE ? IN ('', notification.state) AND ? IN ('', notification.profile_id)
            ORDER BY since DESC, notification.profile_id, notification.device_id
            LIMIT ?
            """,
            (self.state, self.profile_id, self.limit + 1),
        )
        return tuple(QueuedNotification(*row) for row in rows[: self.limit]), len(rows) > self.limit

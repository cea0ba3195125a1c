"""Outcomes of claims: what was sent is remembered for its room, what failed waits, what is not to
be told goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chatd.default.notifications.model import LONGEST_LOOK_US, NotificationOutcome, Outcome
from chatd.default.notifications.push import forget_push
from chatd.store.command import Command, Locks
from chatd.store.transaction import Transaction

LOOK_AGAIN_US = 60_000_000
"""A notification that was sent is looked at again after this, then when it is twice as old: has its
device come and taken everything?"""


_SLOT = "profile_id = ? AND device_id = ? AND slot = ?"


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
            for outcome in sorted(
                command.outcomes, key=lambda one: (one.claim.profile_id, one.claim.device_id, one.claim.slot)
            ):
                _SETTLE[outcome.what](transaction, outcome)
        return [None] * len(commands)


_OWN = f"{_SLOT} AND claimed_until_us = ?"
_UNCHANGED = f"{_OWN} AND room_id = ? AND seq = ? AND kind = ?"
"""Nothing newer has come since the claim."""


def _own(outcome: NotificationOutcome) -> tuple[str, str, str, int]:
    return (
        outcome.claim.profile_id,
        outcome.claim.device_id,
        outcome.claim.slot,
        outcome.claim.claimed_until_us,
    )


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
    """The event that was told moves to its room's slot, even if the claim has run out: it was told
    all the same. If it has been read on another device while it was told, it is dismissed."""
    database, now, claim = transaction.database, transaction.now_us, outcome.claim
    if claim.kind == "message":
        room_id, seq = outcome.told
        database.run(
            """
            INSERT INTO notification (profile_id, device_id, slot, room_id, seq, kind, state, due_at_us,
                attempts, error,
                claimed_until_us, at_us)
            SELECT push.profile_id, push.device_id, CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS BIGINT),
                CASE WHEN read_marker.seq IS NULL THEN 'message' ELSE 'dismiss' END,
                CASE WHEN read_marker.seq IS NULL THEN 'sent' ELSE 'waiting' END,
                CASE WHEN read_marker.seq IS NULL THEN CAST(? AS BIGINT) ELSE CAST(? AS BIGINT) END,
                CAST(? AS BIGINT), '', 0, CAST(? AS BIGINT)
            FROM push
            LEFT JOIN read_marker ON read_marker.profile_id = push.profile_id AND read_marker.room_id = ?
                AND read_marker.seq >= ? AND read_marker.device_id <> push.device_id
            WHERE push.profile_id = ? AND push.device_id = ?
            ON CONFLICT (profile_id, device_id, slot)
            DO UPDATE SET seq = excluded.seq, kind = excluded.kind, state = excluded.state,
                due_at_us = excluded.due_at_us,
                attempts = excluded.attempts, error = '', claimed_until_us = 0, at_us = excluded.at_us
            WHERE notification.seq < excluded.seq
            """,
            (
                room_id,
                room_id,
                seq,
                now + LOOK_AGAIN_US,
                now,
                claim.attempts + 1,
                now,
                *outcome.told,
                *_own(outcome)[:2],
            ),
        )
    if claim.kind != "dismiss":
        _leave_in_peace(transaction, claim.profile_id, claim.device_id, now + outcome.pause_us)
    database.run(f"DELETE FROM notification WHERE {_UNCHANGED}", _unchanged(outcome))
    _release(transaction, outcome, now + outcome.pause_us)


def _leave_in_peace(transaction: Transaction, profile_id: str, device_id: str, until_us: int) -> None:
    """The device was notified now: the rest that waits for it comes later."""
    transaction.database.run(
        "UPDATE push SET notified_at_us = ? WHERE profile_id = ? AND device_id = ?",
        (transaction.now_us, profile_id, device_id),
    )
    transaction.database.run(
        """
        UPDATE notification
        SET due_at_us = ?
        WHERE profile_id = ? AND device_id = ? AND state = 'waiting' AND kind <> 'dismiss' AND due_at_us < ?
        """,
        (until_us, profile_id, device_id, until_us),
    )


def _failed(transaction: Transaction, outcome: NotificationOutcome) -> None:
    now = transaction.now_us
    transaction.database.run(
        f"""
        UPDATE notification
        SET state = ?, at_us = ?, due_at_us = ?, attempts = attempts + 1, error = ?, claimed_until_us = 0
        WHERE {_OWN}
        """,
        (
            "dead" if outcome.what == "dead" else "waiting",
            now,
            now + outcome.pause_us,
            outcome.error,
            *_own(outcome),
        ),
    )


def _postponed(transaction: Transaction, outcome: NotificationOutcome) -> None:
    """A message waits on; one that was sent is looked at again when it is twice as old, in a day at
    most."""
    now = transaction.now_us
    transaction.database.run(
        f"""
        UPDATE notification
        SET claimed_until_us = 0,
            due_at_us = CASE
                WHEN state <> 'sent' THEN ?
                WHEN at_us > ? THEN ?
                WHEN at_us < ? THEN ?
                ELSE ? + (? - at_us)
            END
        WHERE {_OWN}
        """,
        (
            now + outcome.pause_us,
            now - LOOK_AGAIN_US,
            now + LOOK_AGAIN_US,
            now - LONGEST_LOOK_US,
            now + LONGEST_LOOK_US,
            now,
            now,
            *_own(outcome),
        ),
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

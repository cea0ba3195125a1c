"""Invitations to rooms, of which devices are notified that are away: each for itself, as long as it
is not answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chatd.default.notifications.enqueue import PAGE
from chatd.default.notifications.model import ClaimedNotification
from chatd.default.notifications.quiet import DUE_AT, due_parameters
from chatd.default.notifications.untold import is_wanted
from chatd.store.command import Command, Locks
from chatd.store.database import Database
from chatd.store.statements import placeholders
from chatd.store.transaction import Transaction

ROOMS = 500
"""Rooms whose invitations one transaction enqueues."""


def find_untold_rooms(database: Database, after: str) -> tuple[str, ...]:
    """Rooms behind ``after`` with invitations that are not enqueued, about a page of these; from
    the first room on, if there are none."""
    rows = database.rows(
        """
        SELECT DISTINCT room_id
        FROM (
            SELECT room_id
            FROM invitation
            WHERE untold = 1 AND room_id > ?
            ORDER BY room_id, profile_id
            LIMIT ?
        ) page
        ORDER BY room_id
        LIMIT ?
        """,
        (after, PAGE, ROOMS),
    )
    if not rows and after:
        return find_untold_rooms(database, "")
    return tuple(room_id for (room_id,) in rows)


@dataclass(frozen=True, slots=True)
class EnqueueInvitations(Command[None]):
    """Queue notifications of invitations to these rooms, a page of them: due ``delay_us`` after
    they were made, and ``quiet_us`` after the device's last one."""

    rooms: tuple[str, ...]
    delay_us: int
    quiet_us: int

    def locks(self) -> Locks:
        return Locks(rooms=self.rooms, notifications=True, partial=True)  # a room left out is found again

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[EnqueueInvitations]) -> list[None]:
        for command in commands:
            _enqueue(transaction, command)
        return [None] * len(commands)


def _enqueue(transaction: Transaction, command: EnqueueInvitations) -> None:
    rooms = [room_id for room_id in command.rooms if transaction.log.find(room_id) is not None]
    if not rooms:
        return
    database, now, among = transaction.database, transaction.now_us, placeholders(len(rooms))
    next_page = _next_page(database, rooms)
    page = "AND (room_id, profile_id) < (?, ?)" if next_page else ""
    # An invitation from the future was made when a clock was ahead: it counts as made now.
    database.run(
        f"""
        WITH v AS (
            SELECT room_id, profile_id, seq, CASE WHEN invited_at_us > ? THEN ? ELSE invited_at_us END + ? AS due_us
            FROM invitation
            WHERE untold = 1 AND room_id IN ({among}) {page})
        INSERT INTO notification (profile_id, device_id, slot, room_id, seq, kind, state, due_at_us, attempts, error,
            claimed_until_us, at_us)
        SELECT w.profile_id, w.device_id, ':' || w.room_id, w.room_id, w.seq, 'invitation', 'waiting', w.due_at_us, 0,
            '', 0, 0
        FROM (
            SELECT push.profile_id, push.device_id, v.room_id, v.seq, {DUE_AT}
            FROM v
            JOIN push ON push.profile_id = v.profile_id
        ) w
        WHERE TRUE -- or SQLite takes ON for a join's
        ORDER BY w.profile_id, w.device_id
        ON CONFLICT (profile_id, device_id, slot)
        DO UPDATE SET seq = excluded.seq, state = 'waiting', due_at_us = excluded.due_at_us, attempts = 0, error = ''
        """,
        (now, now, command.delay_us, *rooms, *next_page, *due_parameters(command.quiet_us, now)),
    )
    database.run(
        f"UPDATE invitation SET untold = 0 WHERE untold = 1 AND room_id IN ({among}) {page}",
        (*rooms, *next_page),
    )


def _next_page(database: Database, rooms: Sequence[str]) -> tuple[str, ...]:
    """The room and profile with which the next page of invitations begins; empty if there is
    none."""
    rows = database.rows(
        f"""
        SELECT room_id, profile_id
        FROM invitation
        WHERE untold = 1 AND room_id IN ({placeholders(len(rooms))})
        ORDER BY room_id, profile_id
        LIMIT 1 OFFSET ?
        """,
        (*rooms, PAGE),
    )
    return tuple(rows[0]) if rows else ()


def is_to_be_told(database: Database, claim: ClaimedNotification, now_us: int) -> bool:
    """The invitation is not answered, and the profile has neither blocked the one that made it nor
    said that it wants nothing of the room."""
    rows = database.rows(
        """
        SELECT room_notification.level, COALESCE(room_notification.muted_until_us, 0)
        FROM invitation
        LEFT JOIN room_notification ON room_notification.profile_id = invitation.profile_id
            AND room_notification.room_id = invitation.room_id
        WHERE invitation.room_id = ? AND invitation.profile_id = ? AND invitation.seq = ? AND NOT EXISTS (
            SELECT 1
            FROM block
            WHERE block.profile_id = invitation.profile_id AND block.blocked_id = invitation.invited_by)
        """,
        (claim.room_id, claim.profile_id, claim.seq),
    )
    return any(is_wanted(level, muted_until_us, now_us, lambda: True) for level, muted_until_us in rows)

"""The wishes of devices and profiles: how a device is notified while it is away, and of what in
each room.

``subscription.push`` says that a member has a device to notify, so that a room without any costs
one look into a partial index.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chatd.core.model import PushDevice
from chatd.default.rooms.access import require_member
from chatd.errors import ChatdError, InvalidArgument
from chatd.store.command import Command, Locks, Query
from chatd.store.database import Database
from chatd.store.transaction import Transaction

ALL, MENTIONS, NONE = 1, 2, 3
"""Levels, as chat.v1.NotificationLevel numbers them."""
MAX_DEVICES = 100
"""Devices of one profile that are notified: bounds what one message costs."""


@dataclass(frozen=True, slots=True)
class SetPush(Command[None]):
    """Register how a device is notified while it is away; an empty notifier ends that. Refused with
    InvalidArgument when the profile has MAX_DEVICES others."""

    profile_id: str
    device_id: str
    notifier: str
    endpoint: str
    p256dh: str
    auth: str

    def locks(self) -> Locks:
        return Locks(profiles=(self.profile_id,), notifications=True)

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[SetPush]) -> list[ChatdError | None]:
        return [_set_push(transaction, command) for command in commands]


def _set_push(transaction: Transaction, command: SetPush) -> ChatdError | None:
    database, device = transaction.database, (command.profile_id, command.device_id)
    if not command.notifier:
        forget_push(transaction, *device)
        return None
    ((count,),) = database.rows("SELECT COUNT(*) FROM push WHERE profile_id = ? AND device_id <> ?", device)
    if count >= MAX_DEVICES:
        return InvalidArgument(
            f"{count} devices of '{command.profile_id}' are notified already, the most there may be"
        )
    database.run(
        """
        INSERT INTO push (profile_id, device_id, notifier, endpoint, p256dh, auth, notified_at_us, created_at_us)
        VALUES (?, ?, ?, ?, ?, ?, 0, ?)
        ON CONFLICT (profile_id, device_id)
        DO UPDATE SET notifier = excluded.notifier, endpoint = excluded.endpoint, p256dh = excluded.p256dh,
            auth = excluded.auth
        """,
        (*device, command.notifier, command.endpoint, command.p256dh, command.auth, transaction.now_us),
    )
    _mark_memberships(transaction, command.profile_id)
    return None


def forget_push(transaction: Transaction, profile_id: str, device_id: str) -> None:
    """The device is notified no longer. The command holds its profile and the notifications."""
    transaction.must_hold(profile_id=profile_id, notifications=True)
    for table in ("push", "notification"):
        transaction.database.run(
            f"DELETE FROM {table} WHERE profile_id = ? AND device_id = ?", (profile_id, device_id)
        )
    _mark_memberships(transaction, profile_id)


def _mark_memberships(transaction: Transaction, profile_id: str) -> None:
    has_push = """CASE WHEN EXISTS (
                SELECT 1 FROM push WHERE push.profile_id = subscription.profile_id) THEN 1 ELSE 0 END"""
    transaction.database.run(
        f"""
        UPDATE subscription
        SET push = {has_push}
        WHERE profile_id = ? AND left_seq IS NULL AND push <> {has_push}
        """,
        (profile_id,),
    )


@dataclass(frozen=True, slots=True)
class SetRoomNotifications(Command[None]):
    """Record the level of a profile's notifications in a room, and until when it is muted. A
    message that waits is judged by it when it is due. Refused with RoomNotFound, NotAMember."""

    profile_id: str
    room_id: str
    level: int
    muted_until_us: int

    def locks(self) -> Locks:
        return Locks(notifications=True)

    @classmethod
    def apply(
        cls, transaction: Transaction, commands: Sequence[SetRoomNotifications]
    ) -> list[ChatdError | None]:
        return [_set_room(transaction, command) for command in commands]


def _set_room(transaction: Transaction, command: SetRoomNotifications) -> ChatdError | None:
    database, key = transaction.database, (command.profile_id, command.room_id)
    try:
        require_member(database, command.room_id, command.profile_id)
    except ChatdError as exc:
        return exc
    database.run(
        """
        INSERT INTO room_notification (profile_id, room_id, level, muted_until_us)
        VALUES (?, ?, ?, ?)
        ON CONFLICT (profile_id, room_id)
        DO UPDATE SET level = excluded.level, muted_until_us = excluded.muted_until_us
        """,
        (*key, command.level, command.muted_until_us),
    )
    return None


@dataclass(frozen=True, slots=True)
class GetRoomNotifications(Query[tuple[int, int]]):
    """The level of a profile's notifications in a room, and until when it is muted, in microseconds
    since the Unix epoch: what was set last, or ALL and 0. Raises RoomNotFound, NotAMember."""

    profile_id: str
    room_id: str

    def answer(self, database: Database) -> tuple[int, int]:
        require_member(database, self.room_id, self.profile_id)
        rows = database.rows(
            """
            SELECT level, muted_until_us
            FROM room_notification
            WHERE profile_id = ? AND room_id = ?
            """,
            (self.profile_id, self.room_id),
        )
        return (rows[0][0], rows[0][1]) if rows else (ALL, 0)


@dataclass(frozen=True, slots=True)
class GetPush(Query[PushDevice | None]):
    """The way a device is notified; None: it is not."""

    profile_id: str
    device_id: str

    def answer(self, database: Database) -> PushDevice | None:
        rows = database.rows(
            """
            SELECT notifier, endpoint, p256dh, auth
            FROM push
            WHERE profile_id = ? AND device_id = ?
            """,
            (self.profile_id, self.device_id),
        )
        return PushDevice(*rows[0]) if rows else None

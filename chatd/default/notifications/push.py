"""The wishes of devices and profiles: how a device is notified while it is away, and of what in
each room.

``subscription.push`` says that a member has a device to notify, so that a room without any costs
one look into a partial index.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from chatd.core.model import PushDevice
from chatd.default.rooms.access import require_member
from chatd.errors import ChatdError, TooManyDevices
from chatd.store.command import Command, Locks, Query
from chatd.store.database import Database
from chatd.store.statements import chunks, placeholders
from chatd.store.transaction import Transaction

ALL, MENTIONS, NONE = 1, 2, 3
"""Levels, as chat.v1.NotificationLevel numbers them."""
_Key = tuple[str, str]
"""Profile and device."""


@dataclass(frozen=True, slots=True)
class SetPush(Command[None]):
    """Register how a device is notified while it is away; an empty notifier ends that. Refused with
    TooManyDevices when the device is new to a profile that has ``most`` already."""

    profile_id: str
    device_id: str
    notifier: str
    endpoint: str
    p256dh: str
    auth: str
    most: int

    def locks(self) -> Locks:
        return Locks(profiles=(self.profile_id,), notifications=True)

    def owner(self) -> str:
        return self.profile_id

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[SetPush]) -> list[ChatdError | None]:
        return [_set_push(transaction, command) for command in commands]


def _set_push(transaction: Transaction, command: SetPush) -> ChatdError | None:
    database, device = transaction.database, (command.profile_id, command.device_id)
    if not command.notifier:
        forget_push(transaction, *device)
        return None
    if not find_registered(database, [device]):
        count = count_devices(database, {command.profile_id})[command.profile_id]
        if count >= command.most:
            return TooManyDevices(f"this profile has {count} devices already, the most there may be")
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


def find_registered(database: Database, devices: Collection[_Key]) -> set[_Key]:
    """Those of the devices that have connected before, or are to be notified."""
    registered: set[_Key] = set()
    for chunk in chunks(sorted(set(devices)), columns=2):
        values, parameters = database.values("tt", chunk)
        rows = database.rows(
            f"""
            WITH v(profile_id, device_id) AS ({values})
            SELECT v.profile_id, v.device_id
            FROM v
            WHERE EXISTS (
                    SELECT 1
                    FROM device
                    WHERE device.profile_id = v.profile_id AND device.device_id = v.device_id)
                OR EXISTS (
                    SELECT 1 FROM push WHERE push.profile_id = v.profile_id AND push.device_id = v.device_id)
            """,
            parameters,
        )
        registered.update((profile_id, device_id) for profile_id, device_id in rows)
    return registered


def count_devices(database: Database, profile_ids: Collection[str]) -> dict[str, int]:
    """The numbers of the profiles' devices, with those that have not connected yet and are to be
    notified."""
    counts = dict.fromkeys(profile_ids, 0)
    for chunk in chunks(sorted(profile_ids), columns=2):
        among = placeholders(len(chunk))
        rows = database.rows(
            f"""
            SELECT profile_id, COUNT(*)
            FROM (
                SELECT profile_id, device_id FROM device WHERE profile_id IN ({among})
                UNION
                SELECT profile_id, device_id FROM push WHERE profile_id IN ({among})
            ) registered
            GROUP BY profile_id
            """,
            (*chunk, *chunk),
        )
        counts.update(dict(rows))
    return counts


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
    message that waits is judged by it when it is due. Refused with NotAMember."""

    profile_id: str
    room_id: str
    level: int
    muted_until_us: int

    def locks(self) -> Locks:
        return Locks(notifications=True)

    def owner(self) -> str:
        return self.profile_id

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
    since the Unix epoch: what was set last, or ALL and 0. Raises NotAMember."""

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
class HasDevice(Query[bool]):
    """True if the device has connected before, or is to be notified."""

    profile_id: str
    device_id: str

    def answer(self, database: Database) -> bool:
        return bool(find_registered(database, [(self.profile_id, self.device_id)]))


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

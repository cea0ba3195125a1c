"""How devices that are not connected are notified, and of what: the wishes of devices, and of profiles for their rooms.

``subscription.push`` says that a member has a device to notify, so that a room without any costs one look into a partial index.
"""

from collections.abc import Sequence

from chatd.errors import ChatdError, InvalidArgument, NotAMember, RoomNotFound
from chatd.store.commands import SetPush, SetRoomNotifications
from chatd.store.transaction import Transaction

ALL, MENTIONS, NONE = 1, 2, 3
"""Levels, as chat.v1.NotificationLevel numbers them."""
MAX_DEVICES = 100
"""Of one profile: nobody makes a message cost ten thousand notifications."""


def set_push(transaction: Transaction, commands: Sequence[SetPush]) -> list[ChatdError | None]:
    return [_set_push(transaction, command) for command in commands]


def _set_push(transaction: Transaction, command: SetPush) -> ChatdError | None:
    database, device = transaction.database, (command.profile_id, command.device_id)
    if not command.notifier:
        forget_push(transaction, *device)
        return None
    ((count,),) = database.rows("SELECT COUNT(*) FROM push WHERE profile_id = ? AND device_id <> ?", device)
    if count >= MAX_DEVICES:
        return InvalidArgument(f"{count} devices of {command.profile_id!r} are notified already, the most there may be")
    database.run(
        "INSERT INTO push (profile_id, device_id, notifier, endpoint, p256dh, auth, notified_at_us, created_at_us) "
        "VALUES (?, ?, ?, ?, ?, ?, 0, ?) ON CONFLICT (profile_id, device_id) DO UPDATE SET notifier = excluded.notifier, "
        "endpoint = excluded.endpoint, p256dh = excluded.p256dh, auth = excluded.auth",
        (*device, command.notifier, command.endpoint, command.p256dh, command.auth, transaction.now_us),
    )
    _mark_memberships(transaction, command.profile_id)
    return None


def forget_push(transaction: Transaction, profile_id: str, device_id: str) -> None:
    """The device is notified no longer. The caller has locked the profile."""
    transaction.lock_notifications()
    for table in ("push", "notification"):
        transaction.database.run(f"DELETE FROM {table} WHERE profile_id = ? AND device_id = ?", (profile_id, device_id))
    _mark_memberships(transaction, profile_id)


def _mark_memberships(transaction: Transaction, profile_id: str) -> None:
    has_push = "CASE WHEN EXISTS (SELECT 1 FROM push p WHERE p.profile_id = subscription.profile_id) THEN 1 ELSE 0 END"
    transaction.database.run(
        f"UPDATE subscription SET push = {has_push} WHERE profile_id = ? AND left_seq IS NULL AND push <> {has_push}", (profile_id,)
    )


def mark_joining(transaction: Transaction, room_id: str, profiles: Sequence[str]) -> None:
    """Profiles have joined; some of them may have a device to notify."""
    marks = ", ".join("?" * len(profiles))
    transaction.database.run(
        f"UPDATE subscription SET push = 1 WHERE room_id = ? AND left_seq IS NULL AND profile_id IN ({marks}) "
        "AND EXISTS (SELECT 1 FROM push p WHERE p.profile_id = subscription.profile_id)",
        (room_id, *profiles),
    )


def set_room_notifications(transaction: Transaction, commands: Sequence[SetRoomNotifications]) -> list[ChatdError | None]:
    return [_set_room(transaction, command) for command in commands]


def _set_room(transaction: Transaction, command: SetRoomNotifications) -> ChatdError | None:
    database, key = transaction.database, (command.profile_id, command.room_id)
    if not database.rows("SELECT 1 FROM subscription WHERE profile_id = ? AND room_id = ? AND left_seq IS NULL", key):
        if not database.rows("SELECT 1 FROM room WHERE room_id = ?", (command.room_id,)):
            return RoomNotFound(f"no room {command.room_id!r}")
        return NotAMember(f"{command.profile_id!r} is not a member of room {command.room_id!r}")
    database.run(
        "INSERT INTO room_notification (profile_id, room_id, level, muted_until_us) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (profile_id, room_id) DO UPDATE SET level = excluded.level, muted_until_us = excluded.muted_until_us",
        (*key, command.level, command.muted_until_us),
    )
    if command.level != ALL or command.muted_until_us > transaction.now_us:
        database.run("DELETE FROM notification WHERE profile_id = ? AND room_id = ? AND state = 'waiting' AND kind = 'message'", key)
    return None

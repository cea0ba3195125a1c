"""What is no longer kept: the older parts of logs, devices nobody uses, profiles that are to be forgotten. All in batches: sends go on in between.

A purged event keeps its id and its content's hash for a week, so that a late retry of its sender is still recognised; its body goes at once.
"""

import uuid
from collections.abc import Sequence

from google.protobuf.struct_pb2 import Struct

from chatd.core.wire import encode_delivery
from chatd.errors import RoomNotFound
from chatd.pb.events.v1.payloads_pb2 import EventDelivery, EventLink, EventType
from chatd.store.commands import EraseProfile, ExpireDevices, ForgetDevice, Purged, PurgeLog, RemoveSubscriptions
from chatd.store.push import forget_push
from chatd.store.rooms import remove
from chatd.store.transaction import Transaction

ERASED = "erased:"
"""Stands where an erased profile's id stood; no profile can have it."""


def purge_logs(transaction: Transaction, commands: Sequence[PurgeLog]) -> list[Purged | RoomNotFound]:
    return [_purge(transaction, command) for command in commands]


def _purge(transaction: Transaction, command: PurgeLog) -> Purged | RoomNotFound:
    database = transaction.database
    room_id = command.room_id
    rows = database.rows("SELECT head_seq, published_seq, first_seq, purged_seq FROM room WHERE room_id = ?", (room_id,))
    if not rows:
        return RoomNotFound(f"no room {room_id!r}")
    head_seq, published_seq, first_seq, purged_seq = rows[0]
    up_to = command.up_to
    if command.before_us:
        older = database.rows("SELECT MAX(seq) FROM room_event WHERE room_id = ? AND sent_at_us < ?", (room_id, command.before_us))
        up_to = max(up_to, older[0][0] or 0)
    first_seq = max(first_seq, min(up_to, head_seq) + 1)
    rows = database.rows(
        "SELECT seq, sent_at_us FROM room_event WHERE room_id = ? AND seq > ? AND seq < ? ORDER BY seq LIMIT ?",
        (room_id, purged_seq, first_seq, command.limit),
    )
    if rows:
        last = rows[-1][0]
        database.run("DELETE FROM delivery_attempt WHERE room_id = ? AND seq <= ?", (room_id, last))
        database.run("UPDATE room_event SET delivery = ? WHERE room_id = ? AND seq > ? AND seq <= ?", (b"", room_id, purged_seq, last))
        purged_seq = last
    database.run(
        "UPDATE room SET first_seq = ?, purged_seq = ?, published_seq = ? WHERE room_id = ?",
        (first_seq, purged_seq, max(published_seq, first_seq - 1), room_id),
    )
    _forget_ids(transaction, room_id, purged_seq, command)
    return Purged(first_seq, len(rows), more=purged_seq < first_seq - 1)


def _forget_ids(transaction: Transaction, room_id: str, purged_seq: int, command: PurgeLog) -> None:
    rows = transaction.database.rows(
        "SELECT seq, sent_at_us FROM room_event WHERE room_id = ? AND seq <= ? ORDER BY seq LIMIT ?", (room_id, purged_seq, command.limit)
    )
    old = [seq for seq, sent_at_us in rows if sent_at_us < command.forget_before_us]
    if old:
        marks = ", ".join("?" * len(old))
        transaction.database.run(f"DELETE FROM room_event WHERE room_id = ? AND seq IN ({marks})", (room_id, *old))


def expire_devices(transaction: Transaction, commands: Sequence[ExpireDevices]) -> list[int]:
    return [_expire(transaction, command) for command in commands]


def _expire(transaction: Transaction, command: ExpireDevices) -> int:
    database = transaction.database
    expired = database.rows(
        "SELECT profile_id, device_id FROM device WHERE seen_at_us < ? ORDER BY profile_id, device_id LIMIT ?",
        (command.unseen_since_us, command.limit),
    )
    for device in expired:
        _remove_device(transaction, *device)
    if command.unseen_since_us:
        # Registered for notifications, and never once connected.
        never = database.rows(
            "SELECT p.profile_id, p.device_id FROM push p WHERE p.created_at_us < ? AND NOT EXISTS (SELECT 1 FROM device d "
            "WHERE d.profile_id = p.profile_id AND d.device_id = p.device_id) ORDER BY 1, 2 LIMIT ?",
            (command.unseen_since_us, command.limit),
        )
        for device in never:
            forget_push(transaction, *device)
    _settle(transaction, command.limit)
    return len(expired)


def forget_devices(transaction: Transaction, commands: Sequence[ForgetDevice]) -> list[int]:
    return [_remove_device(transaction, command.profile_id, command.device_id) for command in commands]


def _remove_device(transaction: Transaction, profile_id: str, device_id: str) -> int:
    """The device's epoch, 0 if there was none."""
    database, device = transaction.database, (profile_id, device_id)
    if database.for_update:
        # In the order in which acks lock them.
        database.rows("SELECT 1 FROM outbox WHERE profile_id = ? AND device_id = ? ORDER BY room_id, start_seq FOR UPDATE", device)
    for table in ("outbox", "delivery_attempt", "dead_letter", "connection"):
        database.run(f"DELETE FROM {table} WHERE profile_id = ? AND device_id = ?", device)
    forget_push(transaction, profile_id, device_id)
    epochs = database.rows("DELETE FROM device WHERE profile_id = ? AND device_id = ? RETURNING epoch", device)
    return int(epochs[0][0]) if epochs else 0


def _settle(transaction: Transaction, limit: int) -> None:
    """Delete failures behind the cursors, and clear ``has_failures`` of devices that have none left."""
    database = transaction.database
    passed = (
        "NOT EXISTS (SELECT 1 FROM outbox o WHERE o.profile_id = {0}.profile_id AND o.device_id = {0}.device_id "
        "AND o.room_id = {0}.room_id AND o.acked_seq < {0}.seq)"
    )
    for profile_id, device_id in database.rows("SELECT profile_id, device_id FROM device WHERE has_failures = 1 LIMIT ?", (limit,)):
        device = (profile_id, device_id)
        database.run(f"DELETE FROM delivery_attempt WHERE profile_id = ? AND device_id = ? AND {passed.format('delivery_attempt')}", device)
        database.run(
            f"DELETE FROM dead_letter WHERE profile_id = ? AND device_id = ? AND state = 'dropped' AND {passed.format('dead_letter')}",
            device,
        )
        database.run(
            "UPDATE device SET has_failures = 0 WHERE profile_id = ? AND device_id = ? AND NOT EXISTS (SELECT 1 FROM delivery_attempt a WHERE "
            "a.profile_id = device.profile_id AND a.device_id = device.device_id) AND NOT EXISTS (SELECT 1 FROM dead_letter l WHERE "
            f"l.profile_id = device.profile_id AND l.device_id = device.device_id AND (l.state <> 'dead' OR NOT {passed.format('l')}))",
            device,
        )


def erase_profiles(transaction: Transaction, commands: Sequence[EraseProfile]) -> list[Purged]:
    return [_erase(transaction, command) for command in commands]


def _erase(transaction: Transaction, command: EraseProfile) -> Purged:
    database = transaction.database
    profile_id = command.profile_id
    active = [
        row[0]
        for row in database.rows(
            "SELECT room_id FROM subscription WHERE profile_id = ? AND left_seq IS NULL ORDER BY room_id LIMIT ?",
            (profile_id, command.limit),
        )
    ]
    transaction.lock_rooms(set(active) - transaction.rooms.keys())
    transaction.lock_profiles({profile_id})
    for room_id in active:
        remove(transaction, RemoveSubscriptions(room_id, (profile_id,), by=ERASED, operator=True), shown_as={profile_id: ERASED})
    transaction.flush()
    rows = database.rows(
        "SELECT room_id, seq, type, delivery FROM room_event WHERE sender_id = ? ORDER BY event_id LIMIT ?", (profile_id, command.limit)
    )
    left = command.limit - len(rows)
    if left > 0:
        # Memberships that others made name it too.
        rows += database.rows(
            "SELECT DISTINCT e.room_id, e.seq, e.type, e.delivery FROM subscription s JOIN room_event e ON e.room_id = s.room_id "
            "AND (e.seq = s.joined_seq OR e.seq = s.left_seq) WHERE s.profile_id = ? ORDER BY 1, 2 LIMIT ?",
            (profile_id, left),
        )
    for room_id, seq, kind, delivery in rows:
        _blank(transaction, profile_id, room_id, seq, kind, bytes(delivery))
    if left > 0:
        marks = [(room_id, seq) for room_id, seq, kind, _ in rows if kind == EventType.EVENT_TYPE_MEMBERSHIP]
        for room_id, seq in marks:
            database.run(
                "DELETE FROM subscription WHERE profile_id = ? AND room_id = ? AND left_seq IS NOT NULL AND left_seq <= ?",
                (profile_id, room_id, seq),
            )
    more = len(active) == command.limit or len(rows) >= command.limit
    if not more:
        _forget(transaction, profile_id)
    return Purged(0, len(rows), more)


def _blank(transaction: Transaction, profile_id: str, room_id: str, seq: int, kind: int, delivery: bytes) -> None:
    """Take the profile out of one event. Its own events keep their place and time only; of memberships the others' part stays."""
    if delivery:
        known = EventDelivery.FromString(delivery)
        sender_id = ERASED if known.event.sender_id == profile_id else known.event.sender_id
        link = EventLink(room_id=room_id, seq=seq, sent_at_us=known.event.sent_at_us, sender_id=sender_id)
        payload = Struct()
        if kind == EventType.EVENT_TYPE_MEMBERSHIP:
            link.event_id, link.type = known.event.event_id, EventType.EVENT_TYPE_MEMBERSHIP
            payload = _without(known.payload, profile_id)
        else:
            link.event_id, link.type = uuid.uuid4().hex, EventType.EVENT_TYPE_ERASED
        delivery = encode_delivery(link, payload.SerializeToString(deterministic=True))
    else:
        sender_id, link = ERASED, EventLink(event_id=uuid.uuid4().hex)
        link.type = EventType.EVENT_TYPE_ERASED if kind != EventType.EVENT_TYPE_MEMBERSHIP else EventType.EVENT_TYPE_MEMBERSHIP
    transaction.database.run(
        "UPDATE room_event SET sender_id = ?, event_id = ?, type = ?, content_hash = ?, delivery = ? WHERE room_id = ? AND seq = ?",
        (sender_id, link.event_id, int(link.type), b"", delivery, room_id, seq),
    )


def _without(payload: Struct, profile_id: str) -> Struct:
    """A membership's payload with the profile's id replaced."""
    changed = Struct()
    changed.CopyFrom(payload)
    for value in changed.fields.values():
        found: Sequence[object] = value.list_value.values if value.HasField("list_value") else [value]
        for one in found:
            if getattr(one, "string_value", "") == profile_id:
                one.string_value = ERASED  # type: ignore[attr-defined]
    return changed


def _forget(transaction: Transaction, profile_id: str) -> None:
    database = transaction.database
    transaction.lock_notifications()
    for table in (
        "push",
        "notification",
        "room_notification",
        "subscription",
        "read_marker",
        "outbox",
        "delivery_attempt",
        "dead_letter",
        "connection",
        "device",
        "profile",
    ):
        database.run(f"DELETE FROM {table} WHERE profile_id = ?", (profile_id,))
    database.run("UPDATE dead_letter SET sender_id = ?, event_id = '' WHERE sender_id = ?", (ERASED, profile_id))
    database.run("UPDATE room SET created_by = ? WHERE created_by = ?", (ERASED, profile_id))

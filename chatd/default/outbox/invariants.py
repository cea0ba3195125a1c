"""Invariants of outbox entries."""

from chatd.store.invariant import Invariant

_HEAD = "(SELECT head_seq FROM room WHERE room.room_id = outbox.room_id)"

INVARIANTS = (
    Invariant(
        "outbox.cursor",
        "outbox",
        f"acked_seq > COALESCE(until_seq, {_HEAD}) OR acked_seq < start_seq - 1",
        "a device's cursor is not within what it is owed",
    ),
    Invariant(
        "outbox.end",
        "outbox",
        f"until_seq > {_HEAD} OR replay_until > {_HEAD}",
        "a device is owed events beyond its room's head",
    ),
    Invariant(
        "outbox.room",
        "outbox",
        f"{_HEAD} IS NULL",
        "a device is owed events of a room that is gone",
    ),
)

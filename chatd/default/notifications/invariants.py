"""Invariants of notifications."""

from chatd.store.invariant import Invariant

INVARIANTS = (
    Invariant(
        "notification.head",
        "notification",
        "seq > (SELECT head_seq FROM room WHERE room.room_id = notification.room_id)",
        "a notification is about an event beyond its room's head",
    ),
)

"""Invariants of fan-out marks."""

from chatd.store.invariant import Invariant

INVARIANTS = (
    Invariant(
        "room.active",
        "room",
        """(active = 0 AND published_seq < head_seq)
            OR (active = 1) <> EXISTS (SELECT 1 FROM active_room WHERE active_room.room_id = room.room_id)""",
        "a room with events to fan out is not among the active ones",
    ),
    Invariant(
        "room.unnotified",
        "room",
        """notified_seq < published_seq AND NOT EXISTS (
            SELECT 1
            FROM unnotified_room
            WHERE unnotified_room.room_id = room.room_id)""",
        "a room with notifications to enqueue is not among those to look at",
    ),
)

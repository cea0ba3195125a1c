"""Invariants of read markers."""

from chatd.store.invariant import Invariant

INVARIANTS = (
    Invariant(
        "read_marker.head",
        "read_marker",
        "seq > (SELECT head_seq FROM room WHERE room.room_id = read_marker.room_id)",
        "a profile has read beyond a room's head",
    ),
)

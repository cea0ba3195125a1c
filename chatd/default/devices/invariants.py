"""Invariants of devices."""

from chatd.store.invariant import Invariant

INVARIANTS = (
    Invariant(
        "device.profile",
        "device",
        "NOT EXISTS (SELECT 1 FROM profile WHERE profile.profile_id = device.profile_id)",
        "a device is of a profile that is gone",
    ),
    Invariant(
        "membership.delivered",
        "subscription",
        """delivered_seq > COALESCE(left_seq, (
            SELECT head_seq FROM room WHERE room.room_id = subscription.room_id))""",
        "devices that are forgotten have acknowledged events beyond a membership",
    ),
)

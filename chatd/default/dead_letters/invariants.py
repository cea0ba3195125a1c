"""Invariants of failed deliveries, dead letters and gaps."""

from chatd.store.invariant import Invariant

_HEAD = "(SELECT head_seq FROM room WHERE room.room_id = {table}.room_id)"

INVARIANTS = (
    Invariant(
        "dead_letter.state",
        "dead_letter",
        "state NOT IN ('dead', 'replaying', 'dropped', 'delivered')",
        "a dead letter is in no known state",
    ),
    Invariant(
        "dead_letter.head",
        "dead_letter",
        f"seq > {_HEAD.format(table='dead_letter')}",
        "a dead letter is of an event beyond its room's head",
    ),
    Invariant(
        "attempt.head",
        "delivery_attempt",
        f"seq > {_HEAD.format(table='delivery_attempt')}",
        "a failed delivery is of an event beyond its room's head",
    ),
    Invariant(
        "gap.span",
        "delivery_gap",
        f"first_seq > last_seq OR last_seq > {_HEAD.format(table='delivery_gap')}",
        "a gap ends before it begins, or beyond its room's head",
    ),
    Invariant(
        "device.failures",
        "device",
        """has_failures = 0 AND EXISTS (
            SELECT 1
            FROM delivery_attempt
            WHERE delivery_attempt.profile_id = device.profile_id
                AND delivery_attempt.device_id = device.device_id)""",
        "a device with failed deliveries is not known to have any",
    ),
)

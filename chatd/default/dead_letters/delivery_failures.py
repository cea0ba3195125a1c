"""Deliveries that a device did not take, as a pull needs them."""

from typing import NamedTuple

from chatd.core.model import StreamKey
from chatd.core.wire import delivery_record, encode_marker, tried_before
from chatd.pb.events.v1.payloads_pb2 import SkipReason
from chatd.store.database import Database

Place = tuple[str, int]
"""Room and seq."""


class DeliveryFailures(NamedTuple):
    """``attempts``: failed deliveries of events that are still tried. ``dead``: dead letters and
    their reasons. ``replays``: dead letters on their way once more, and how often that has failed.
    ``skipped``: room, first and last seq of events that an operator has skipped, of which the
    device is to be told."""

    attempts: dict[Place, int]
    dead: dict[Place, SkipReason]
    replays: dict[Place, int]
    skipped: tuple[tuple[str, int, int], ...] = ()

    @property
    def any(self) -> bool:
        return bool(self.attempts or self.dead)

    def record(self, room_id: str, seq: int, delivery: bytes) -> bytes:
        """The event's delivery record, or its marker's."""
        reason = self.dead.get((room_id, seq))
        if reason is not None:
            return delivery_record(encode_marker(room_id, seq, seq, reason))
        return delivery_record(tried_before(delivery, self.attempts.get((room_id, seq), 0)))


NO_FAILURES = DeliveryFailures({}, {}, {})


def read_failures(database: Database, stream: StreamKey) -> DeliveryFailures:
    """All failures of one device."""
    device = (stream.profile_id, stream.device_id)
    attempts = database.rows(
        """
        SELECT room_id, seq, attempts
        FROM delivery_attempt
        WHERE profile_id = ? AND device_id = ?
        """,
        device,
    )
    letters = database.rows(
        """
        SELECT room_id, seq, reason, state, tries
        FROM dead_letter
        WHERE profile_id = ? AND device_id = ?
        ORDER BY room_id, seq
        """,
        device,
    )
    skipped = database.rows(
        """
        SELECT room_id, first_seq, last_seq
        FROM delivery_gap
        WHERE profile_id = ? AND device_id = ? AND told = 0
        ORDER BY room_id, first_seq
        """,
        device,
    )
    return DeliveryFailures(
        {(room_id, seq): count for room_id, seq, count in attempts},
        {(room_id, seq): reason for room_id, seq, reason, _, _ in letters},
        {(room_id, seq): tries for room_id, seq, _, state, tries in letters if state == "replaying"},
        tuple((room_id, first_seq, last_seq) for room_id, first_seq, last_seq in skipped),
    )

"""Values of dead letters. Times are microseconds since the Unix epoch."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that one device did not take."""

    letter_id: str
    profile_id: str
    device_id: str
    room_id: str
    seq: int
    event_id: str
    sender_id: str
    type: int
    sent_at_us: int
    reason: int
    text: str
    attempts: int
    first_failed_at_us: int
    dead_at_us: int
    replaying: bool

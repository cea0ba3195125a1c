"""Values of the outbox as operators see it. Times are microseconds since the Unix epoch."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OutboxSummary:
    """All that one device is owed of one room."""

    profile_id: str
    device_id: str
    room_id: str
    acked_seq: int
    owed_until_seq: int
    owed: int
    oldest_at_us: int
    attempts: int


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """One row of the view ``outbox_entry``: an event that a device is owed, or a marker in its
    place. ``state``: a DeliveryState."""

    profile_id: str
    device_id: str
    room_id: str
    seq: int
    event_id: str
    sender_id: str
    type: int
    sent_at_us: int
    attempts: int
    state: int


@dataclass(frozen=True, slots=True)
class Recipient:
    """The progress of one event to one device: ``state`` is a DeliveryState."""

    profile_id: str
    device_id: str
    state: int
    attempts: int

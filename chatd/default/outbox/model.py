"""Values of the outbox as operators see it. Times are microseconds since the Unix epoch."""

from dataclasses import dataclass

from chatd.pb.events.v1.payloads_pb2 import EventLink


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


@dataclass(frozen=True, slots=True)
class Membership:
    """``left_seq`` is None while it goes on; a time is 0 if it is not known."""

    joined_seq: int
    joined_at_us: int
    left_seq: int | None
    left_at_us: int


@dataclass(frozen=True, slots=True)
class DeviceStory:
    """All that is known of one event at one device. ``state`` is a DeliveryState, 0 if the event is
    not for the device; an empty ``letter_id``: there is no dead letter."""

    device_id: str
    created_at_us: int
    seen_at_us: int
    is_recipient: bool
    state: int
    acked_seq: int
    owed_before: int
    attempts: int
    first_failed_at_us: int
    last_failed_at_us: int
    letter_id: str
    letter_state: str
    reason: str
    notifier: str
    notified_at_us: int


@dataclass(frozen=True, slots=True)
class Story:
    """All that is known of one event's way to one profile. ``membership`` covers the event;
    ``nearest`` is the next or else the last one if none does. ``read_at_us``: when the read marker
    came to the event or passed it, 0 if it did not."""

    link: EventLink
    published: bool
    removed: bool
    membership: Membership | None
    nearest: Membership | None
    devices: tuple[DeviceStory, ...]
    read_at_us: int

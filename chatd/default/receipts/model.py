"""Values of read markers and delivery status. Times are microseconds since the Unix epoch."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReadMarker:
    """A profile has read a room up to ``seq``. ``moved``: this request has moved it."""

    profile_id: str
    room_id: str
    seq: int
    read_at_us: int
    moved: bool
    unread: int
    mentions: int


@dataclass(frozen=True, slots=True)
class UnreadRoom:
    room_id: str
    read_seq: int
    read_at_us: int
    head_seq: int
    unread: int
    name: str
    mentions: int


@dataclass(frozen=True, slots=True)
class RecipientStatus:
    """The progress of an event to a profile: ``read_at_us`` is 0 unless it was read. ``devices``:
    each device and the event's DeliveryState there; none if the asker is not to know them.
    ``state`` is the DeliveryState at the device that has come furthest, 0 without one, or if the
    asker is not to know it."""

    profile_id: str
    read_at_us: int
    devices: tuple[tuple[str, int], ...]
    state: int


@dataclass(frozen=True, slots=True)
class DeliveryStatus:
    """The progress of an event: the number of profiles it is for, of those of which a device has
    acknowledged it, of those that have read it; and a page of the profiles."""

    recipients: int
    delivered: int
    read: int
    profiles: tuple[RecipientStatus, ...]
    more: bool

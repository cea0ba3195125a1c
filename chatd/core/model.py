"""The values that stages hand to each other and to the store. Times are microseconds since the Unix epoch."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class NewEvent:
    """A validated event that has no place in its room's log yet."""

    event_id: str
    room_id: str
    type: int
    payload: bytes
    """An encoded ``google.protobuf.Struct``."""
    content_hash: bytes
    """Digest of room, type and payload: tells a retry from a reused id."""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """What a sender is told about one event."""

    event_id: str
    room_id: str
    seq: int
    sent_at_us: int
    duplicate: bool


@dataclass(frozen=True, slots=True)
class Members:
    """A room's active subscribers at one membership version. Immutable and shared; compare with ``is``."""

    room_id: str
    version: int
    profiles: frozenset[str]


@dataclass(frozen=True, slots=True)
class CommittedRun:
    """Events of one room that were committed one after the other, all for the same recipients."""

    room_id: str
    first_seq: int
    last_seq: int
    records: bytes
    """The events' delivery records (``core.wire``), concatenated."""
    recipients: Members


@dataclass(frozen=True, slots=True)
class Room:
    room_id: str
    name: str
    head_seq: int
    fanned_seq: int
    membership_version: int
    created_at_us: int
    created_by: str
    member_count: int


@dataclass(frozen=True, slots=True)
class Member:
    profile_id: str
    owner: bool
    joined_seq: int
    devices: int


@dataclass(frozen=True, slots=True)
class StreamKey:
    """One stream of one device."""

    profile_id: str
    device_id: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Pull:
    """What one stream wants from the outbox."""

    stream: StreamKey
    sent: dict[str, int] = field(default_factory=dict)
    """Room → seq already sent on this stream beyond the acknowledged cursor."""
    max_messages: int = 64
    max_bytes: int = 262_144
    first_may_exceed: bool = True
    """Nothing is in flight: the first delivery is wanted even if it is larger than max_bytes."""
    want_cursors: bool = False


@dataclass(frozen=True, slots=True)
class OwedRun:
    """Events of one room owed to one device."""

    room_id: str
    first_seq: int
    last_seq: int
    records: bytes


@dataclass(frozen=True, slots=True)
class Owed:
    """The answer to a Pull."""

    runs: tuple[OwedRun, ...] = ()
    more: bool = False
    cursors: dict[str, int] = field(default_factory=dict)
    superseded: bool = False


@dataclass(frozen=True, slots=True)
class OutboxSummary:
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
    """One row of the view ``outbox_entry``."""

    profile_id: str
    device_id: str
    room_id: str
    seq: int
    event_id: str
    sender_id: str
    type: int
    sent_at_us: int
    attempts: int


@dataclass(frozen=True, slots=True)
class Recipient:
    """How far one event has come to one device."""

    profile_id: str
    device_id: str
    acked: bool
    attempts: int


@dataclass(frozen=True, slots=True)
class Connection:
    profile_id: str
    device_id: str
    epoch: int
    gateway_id: str
    client: str
    since_us: int
    seen_us: int

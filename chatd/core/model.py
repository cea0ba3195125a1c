"""The values that stages hand to each other and to the store. Times are microseconds since the Unix epoch."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class NewEvent:
    """A validated event that has no place in its room's log yet."""

    event_id: str
    room_id: str
    type: int
    payload: bytes
    """An encoded ``google.protobuf.Struct``, or the zstd frame of one."""
    content_hash: bytes
    """Digest of all the rest but the id, not compressed: tells a retry from a reused id."""
    compressed: bool = False
    priority: int = 0
    """``core.priority``."""
    mentions: tuple[str, ...] = ()
    """Profiles; where there are any, the priority is at least URGENT."""


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
    priority: int = 0
    """The highest of the events'."""


@dataclass(frozen=True, slots=True)
class Room:
    room_id: str
    name: str
    head_seq: int
    published_seq: int
    membership_version: int
    created_at_us: int
    created_by: str
    member_count: int
    first_seq: int = 1
    """Where the log begins: older events are no longer kept."""
    hide_previews: bool = False
    """Notifications say nothing of what is said here."""


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
    again: tuple[str, int] | None = None
    """Room and seq of the oldest delivery in flight, wanted once more whatever the limits."""
    plain: bool = False
    """The device does not understand compressed payloads."""
    urgent_only: bool = False
    """Only what leads up to an urgent event is wanted: the limits are what the window keeps for it."""


@dataclass(frozen=True, slots=True)
class OwedRun:
    """Events of one room owed to one device."""

    room_id: str
    first_seq: int
    last_seq: int
    records: bytes
    skipped: bool = False
    """One marker for the whole range: what stood there will not come."""
    again: bool = False
    """The answer to ``Pull.again``."""
    replay: bool = False
    """A dead letter that an operator replays, out of its room's order."""


@dataclass(frozen=True, slots=True)
class Owed:
    """The answer to a Pull."""

    runs: tuple[OwedRun, ...] = ()
    more: bool = False
    cursors: dict[str, int] = field(default_factory=dict)
    """Where rooms stand of which nothing more is owed, when asked for."""
    superseded: bool = False
    alone: bool = False
    """The one run has failed more than once: nothing else may be in flight with it."""


@dataclass(frozen=True, slots=True)
class StreamAcks:
    """What became of one stream's deliveries."""

    stream: StreamKey
    cursors: dict[str, int] = field(default_factory=dict)
    """Room → seq handled."""
    rejected: tuple[tuple[str, int, str], ...] = ()
    """Room, seq and reason of deliveries the device refuses."""
    replayed: tuple[tuple[str, int], ...] = ()
    """Room and seq of replays handled."""
    failed: tuple[str, int] | None = None
    """Room and seq of the oldest delivery in flight when its time was up, or the stream ended with it."""

    def __bool__(self) -> bool:
        return bool(self.cursors or self.rejected or self.replayed or self.failed)


@dataclass(frozen=True, slots=True)
class ReadMarker:
    """How far a profile has read a room. ``moved``: this request has moved it."""

    profile_id: str
    room_id: str
    seq: int
    read_at_us: int
    moved: bool
    unread: int


@dataclass(frozen=True, slots=True)
class UnreadRoom:
    room_id: str
    read_seq: int
    read_at_us: int
    head_seq: int
    unread: int


@dataclass(frozen=True, slots=True)
class RecipientStatus:
    """How far an event has come to a profile: ``read_at_us`` is 0 unless it was read; each device, and whether it has it."""

    profile_id: str
    read_at_us: int
    devices: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class DeliveryStatus:
    """How far an event has come: profiles it is for, those that have it on a device, those that have read it; and a page of them."""

    recipients: int
    delivered: int
    read: int
    profiles: tuple[RecipientStatus, ...]
    more: bool


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


@dataclass(frozen=True, slots=True)
class Device:
    profile_id: str
    device_id: str
    epoch: int
    created_at_us: int
    seen_at_us: int
    owed: int
    """Events, over all its rooms."""
    rooms_owed: int
    notifier: str = ""
    """How it is notified while it is away; empty: not at all."""


@dataclass(frozen=True, slots=True)
class PushDevice:
    """How a device is notified while it is away."""

    notifier: str
    endpoint: str
    p256dh: str
    auth: str


@dataclass(frozen=True, slots=True)
class ClaimedNotification:
    """A row of the queue of notifications that this node has for itself until the claim runs out."""

    profile_id: str
    device_id: str
    room_id: str
    seq: int
    kind: str
    """"message" or "dismiss"."""
    attempts: int
    sent: bool
    """It was sent; the question is whether its device has since taken everything."""
    claimed_until_us: int


@dataclass(frozen=True, slots=True)
class NotificationContent:
    """What a notification is made of."""

    push: PushDevice
    owed: int
    """Events the device is owed, of rooms that are neither muted nor silenced."""
    room_name: str
    sender_id: str
    sent_at_us: int
    delivery: bytes
    """The encoded EventDelivery; empty when the room hides previews."""
    read: bool = False
    """The profile has read this far on another device."""


@dataclass(frozen=True, slots=True)
class QueuedNotification:
    """A row of the queue, as operators see it."""

    profile_id: str
    device_id: str
    notifier: str
    state: str
    room_id: str
    seq: int
    attempts: int
    error: str
    at_us: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event one device did not take."""

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


@dataclass(frozen=True, slots=True)
class Lease:
    """A process of the deployment and its lease."""

    uri: str
    """Where a default node takes calls, or a gateway devices. Whoever holds the address is the node."""
    kind: str
    node_id: str
    queue_uri: str
    version: str
    started_at_us: int
    lease_until_us: int

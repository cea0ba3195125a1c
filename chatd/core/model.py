"""Values that stages on both sides of the mesh hand to each other. Times are microseconds since the
Unix epoch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from chatd.core.member_role import MemberRole
from chatd.errors import ChatdError

_MEMBER = int(MemberRole.MEMBER)  # to take it from the class takes longer than the look-up


@dataclass(frozen=True, slots=True)
class Members:
    """A room's active subscribers at one membership version. Immutable and shared; compare with
    ``is``."""

    room_id: str
    version: int
    profiles: frozenset[str]
    roles: Mapping[str, int] = field(default_factory=dict, hash=False)
    """Those that are not MEMBER."""

    def role(self, profile_id: str) -> int:
        """A subscriber's role."""
        return self.roles.get(profile_id, _MEMBER)


class CommittedRun(NamedTuple):
    """Events of one room that were committed one after the other, all for the same recipients."""

    room_id: str
    first_seq: int
    last_seq: int
    records: bytes
    """The events' delivery records (``core.wire``), concatenated."""
    recipients: Members
    priority: int = 0
    """The highest of the events'."""
    committed_at: float = 0.0
    """Seconds of the steady clock; 0.0: another process committed it, or nobody knows."""


@dataclass(frozen=True, slots=True)
class StreamKey:
    """One stream of one device."""

    profile_id: str
    device_id: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Shown:
    """An event that a client has shown, and the incarnation of the log that it was in."""

    log: str
    room_id: str
    seq: int
    event_id: str


@dataclass(frozen=True, slots=True)
class Pull:
    """One stream's request to the outbox."""

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
    """Only what leads up to an urgent event is wanted: the limits are what the window keeps for
    it."""
    replays: frozenset[tuple[str, int]] = frozenset()
    """Room and seq of the replayed dead letters that are in flight, or whose acks are not known to
    be written."""


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
    unknown: bool = False
    """The database does not know the stream: its log is another one, or the device was
    forgotten."""
    alone: bool = False
    """The one run has failed more than once: nothing else may be in flight with it."""
    unread: bool = False
    """The answer to the pulls before this one is as large as it may be: pull again."""
    error: ChatdError | None = None
    """This one pull failed."""

    @property
    def size(self) -> int:
        """Bytes that its runs and cursors take up in an answer, roughly."""
        return sum(len(run.records) + 64 for run in self.runs) + sum(
            len(room_id) + 16 for room_id in self.cursors
        )


@dataclass(slots=True)  # frozen, it would take four times as long to make, for every ack that is written
class StreamAcks:
    """Acks, rejections and failures of one stream's deliveries; not to be changed."""

    stream: StreamKey
    cursors: dict[str, int] = field(default_factory=dict)
    """Room → seq handled."""
    rejected: tuple[tuple[str, int, str], ...] = ()
    """Room, seq and reason of deliveries the device refuses."""
    replayed: tuple[tuple[str, int], ...] = ()
    """Room and seq of replays handled."""
    failed: tuple[str, int] | None = None
    """Room and seq of the oldest delivery in flight when its time was up, or the stream ended with
    it."""
    removed: tuple[tuple[str, int, int], ...] = ()
    """Room, first and last seq of markers handled that stand for removed events."""

    @property
    def has_exceptions(self) -> bool:
        """True if there is more than cursors."""
        return bool(self.rejected or self.replayed or self.failed or self.removed)

    def __bool__(self) -> bool:
        return bool(self.cursors) or self.has_exceptions


@dataclass(frozen=True, slots=True)
class PushDevice:
    """The way to notify a device while it is away."""

    notifier: str
    endpoint: str
    p256dh: str
    auth: str


@dataclass(frozen=True, slots=True)
class NotificationContent:
    """The facts that a notification is made of."""

    push: PushDevice
    room_id: str = ""
    """Empty: there is nothing to tell."""
    seq: int = 0
    badge: int = 0
    """Events that are unread, in rooms that are neither muted nor silenced."""
    room_name: str = ""
    sender_id: str = ""
    sent_at_us: int = 0
    delivery: bytes = b""
    """The encoded EventDelivery; empty when the room hides previews."""

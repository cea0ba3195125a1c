"""What the writer can be asked to do. Commands are values; ``writer.py`` names who applies each."""

from dataclasses import dataclass
from typing import Literal

from chatd.core.model import ClaimedNotification, Connection, Lease, NewEvent, StreamAcks, StreamKey


@dataclass(frozen=True, slots=True)
class StoreEvents:
    """Append events, all or none. Result: a StoredEvent for each. RoomNotFound, NotAMember, EventIdReused."""

    sender_id: str
    events: tuple[NewEvent, ...]


@dataclass(frozen=True, slots=True)
class CreateRoom:
    """Make a room whose first event is its members' joining. Result: Room. AlreadyExists."""

    room_id: str
    name: str
    creator: str
    profiles: tuple[str, ...]
    hide_previews: bool = False


@dataclass(frozen=True, slots=True)
class AddSubscriptions:
    """Make profiles members. Result: MembershipChange. RoomNotFound, NotAMember (unless operator)."""

    room_id: str
    profiles: tuple[str, ...]
    by: str
    operator: bool


@dataclass(frozen=True, slots=True)
class RemoveSubscriptions:
    """End memberships. Result: MembershipChange. RoomNotFound, NotAMember, PermissionDenied."""

    room_id: str
    profiles: tuple[str, ...]
    by: str
    operator: bool


@dataclass(frozen=True, slots=True)
class MembershipChange:
    """Those for whom something changed, and the seq of the event that says so (0: nobody)."""

    profiles: tuple[str, ...]
    seq: int


@dataclass(frozen=True, slots=True)
class OpenStreams:
    """Raise (profile, device)s' epochs, registering new devices. Result: the epochs, in order; 1 is a new device's."""

    devices: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RetryRule:
    """A delivery that failed more than ``max_retries`` times is a dead letter. Failures count when half of ``first_us`` microseconds have
    passed since the last one, doubling with each."""

    max_retries: int
    first_us: int


@dataclass(frozen=True, slots=True)
class AckCursors:
    """Move outbox cursors, count failures, take rejections. Result: indexes of superseded streams, of which only failures count."""

    acks: tuple[StreamAcks, ...]
    rule: RetryRule


@dataclass(frozen=True, slots=True)
class SetReadMarker:
    """Note how far a profile has read. Result: ReadMarker. RoomNotFound, NotAMember."""

    profile_id: str
    room_id: str
    seq: int
    device_id: str


@dataclass(frozen=True, slots=True)
class MarkPublished:
    """Rooms' events first … last have been fanned out: (room, first, last). A mark that would leap over a gap is not made.

    Result: the runs that wait for what is before them.
    """

    runs: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class ReplayLetters:
    """Send dead letters once more. Result: letter id → (profile, device) of those that go."""

    letter_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DropLetters:
    """Forget dead letters. Result: the ids of those there were."""

    letter_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PurgeLog:
    """Let a room's log begin behind ``up_to`` (or behind what is from before ``before_us``), and remove at most ``limit`` events.

    Ids of removed events are remembered until they are from before ``forget_before_us``. Result: Purged. RoomNotFound.
    """

    room_id: str
    up_to: int
    before_us: int
    limit: int
    forget_before_us: int


@dataclass(frozen=True, slots=True)
class Purged:
    """Where a log begins now, how many events were removed, whether there are more to remove."""

    first_seq: int
    removed: int
    more: bool


@dataclass(frozen=True, slots=True)
class ExpireDevices:
    """Forget devices unseen since before ``unseen_since_us`` (0: none), at most ``limit``, and what is settled of old troubles. Result: how many."""

    unseen_since_us: int
    limit: int


@dataclass(frozen=True, slots=True)
class ForgetDevice:
    """Remove a device and all that is kept for it. Result: its epoch, 0 if there was none."""

    profile_id: str
    device_id: str


@dataclass(frozen=True, slots=True)
class EraseProfile:
    """Remove a profile, and the contents and sender of its events, at most ``limit`` at once. Result: Purged (first_seq 0)."""

    profile_id: str
    limit: int


@dataclass(frozen=True, slots=True)
class RenewLeases:
    """Note that nodes live, forget those whose lease ended before ``forget_before_us``. Result: (Lease, …), all that are known."""

    nodes: tuple[Lease, ...]
    forget_before_us: int


@dataclass(frozen=True, slots=True)
class RegisterConnections:
    connections: tuple[Connection, ...]


@dataclass(frozen=True, slots=True)
class TouchConnections:
    streams: tuple[StreamKey, ...]
    seen_us: int


@dataclass(frozen=True, slots=True)
class ForgetConnections:
    streams: tuple[StreamKey, ...]


@dataclass(frozen=True, slots=True)
class SetPush:
    """How a device is notified while it is away; no notifier: not at all. Result: None. InvalidArgument: too many devices."""

    profile_id: str
    device_id: str
    notifier: str
    endpoint: str
    p256dh: str
    auth: str


@dataclass(frozen=True, slots=True)
class SetRoomNotifications:
    """What a profile wants to be notified of in a room. Result: None. RoomNotFound, NotAMember."""

    profile_id: str
    room_id: str
    level: int
    muted_until_us: int


@dataclass(frozen=True, slots=True)
class EnqueueNotifications:
    """Queue notifications of what rooms have fanned out and not noted: due after ``delay_us``, and ``quiet_us`` after the device's last one.
    ``page``: one room's, for so many members behind ``after``, of events up to ``up_to`` (0: what there is). Result: EnqueuedPage."""

    rooms: tuple[str, ...]
    delay_us: int
    quiet_us: int
    page: int = 0
    after: str = ""
    up_to: int = 0


@dataclass(frozen=True, slots=True)
class EnqueuedPage:
    """Where a page ended; the room is noted up to ``up_to`` when ``after`` is empty."""

    up_to: int = 0
    after: str = ""


@dataclass(frozen=True, slots=True)
class ClaimNotifications:
    """Take at most ``limit`` that are due, for ``lease_us``. Result: (ClaimedNotification, …)."""

    limit: int
    lease_us: int


@dataclass(frozen=True, slots=True)
class NotificationOutcome:
    """What became of a claim. ``pause_us``: until it is tried or looked at again; of one that was sent, until the device's next one."""

    claim: ClaimedNotification
    what: Literal["sent", "failed", "dead", "postponed", "forgotten", "gone"]
    pause_us: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class SettleNotifications:
    """Note what became of claims. Result: None."""

    outcomes: tuple[NotificationOutcome, ...]


@dataclass(frozen=True, slots=True)
class RetryNotifications:
    """Dead notifications are due again; empty ids match all. Result: how many."""

    profile_id: str
    device_id: str


@dataclass(frozen=True, slots=True)
class DropNotifications:
    """Forget dead notifications; empty ids match all. Result: how many."""

    profile_id: str
    device_id: str


Command = (
    StoreEvents
    | CreateRoom
    | AddSubscriptions
    | RemoveSubscriptions
    | OpenStreams
    | AckCursors
    | SetReadMarker
    | MarkPublished
    | ReplayLetters
    | DropLetters
    | PurgeLog
    | ExpireDevices
    | ForgetDevice
    | EraseProfile
    | RenewLeases
    | RegisterConnections
    | TouchConnections
    | ForgetConnections
    | SetPush
    | SetRoomNotifications
    | EnqueueNotifications
    | ClaimNotifications
    | SettleNotifications
    | RetryNotifications
    | DropNotifications
)

NOTIFYING = (
    SetPush,
    SetRoomNotifications,
    SetReadMarker,
    EnqueueNotifications,
    ClaimNotifications,
    SettleNotifications,
    RetryNotifications,
    DropNotifications,
)
"""Commands that change the queue of notifications."""


def rooms_of(command: Command) -> tuple[str, ...]:
    """The rooms whose rows a command changes: locked in sorted order before anything else."""
    match command:
        case StoreEvents(events=events):
            return tuple(event.room_id for event in events)
        case AddSubscriptions(room_id=room_id) | RemoveSubscriptions(room_id=room_id) | PurgeLog(room_id=room_id):
            return (room_id,)
        case MarkPublished(runs=runs):
            return tuple(run[0] for run in runs)
        case EnqueueNotifications(rooms=rooms):
            return rooms
        case _:
            return ()


def profiles_of(command: Command) -> tuple[str, ...]:
    """The profiles whose devices or memberships a command changes: locked after the rooms, in sorted order."""
    match command:
        case AddSubscriptions(profiles=profiles) | RemoveSubscriptions(profiles=profiles):
            return profiles
        case CreateRoom(creator=creator, profiles=profiles):
            return (creator, *profiles)
        case OpenStreams(devices=devices):
            return tuple(profile_id for profile_id, _ in devices)
        case ForgetDevice(profile_id=profile_id) | SetPush(profile_id=profile_id):
            return (profile_id,)
        case SettleNotifications(outcomes=outcomes):
            return tuple(one.claim.profile_id for one in outcomes if one.what == "gone")
        case _:
            return ()


def entries_of(command: Command) -> tuple[tuple[str, str, str], ...]:
    """The outbox entries (profile, device, room) whose cursors a command moves: locked last, in sorted order."""
    match command:
        case AckCursors(acks=acks):
            return tuple((one.stream.profile_id, one.stream.device_id, room_id) for one in acks for room_id in one.cursors)
        case _:
            return ()

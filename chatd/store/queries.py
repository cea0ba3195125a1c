"""What the readers can be asked. Queries are values; ``reader.py`` names who answers each."""

from dataclasses import dataclass

from chatd.core.model import ClaimedNotification, Pull


@dataclass(frozen=True, slots=True)
class PullOwed:
    """What streams are owed. Result: an Owed for each."""

    pulls: tuple[Pull, ...]


@dataclass(frozen=True, slots=True)
class History:
    """A page of a room's log before ``before_seq`` (0: the newest), ascending, within the profile's memberships (operators: all).
    ``plain``: nothing in it compressed.

    Result: (encoded EventDelivery, …), more. RoomNotFound, NotAMember.
    """

    room_id: str
    profile_id: str
    operator: bool
    before_seq: int
    limit: int
    plain: bool = False


@dataclass(frozen=True, slots=True)
class ListRooms:
    """Result: (Room, …), more."""

    after_room_id: str
    limit: int


@dataclass(frozen=True, slots=True)
class GetRoom:
    """Result: Room, (Member, …). RoomNotFound."""

    room_id: str


@dataclass(frozen=True, slots=True)
class ListOutbox:
    """Empty ids match all. Result: (OutboxSummary, …) longest owed first, more."""

    profile_id: str
    device_id: str
    room_id: str
    limit: int


@dataclass(frozen=True, slots=True)
class ListOutboxEntries:
    """Empty ids match all. Result: (OutboxEntry, …), more."""

    profile_id: str
    device_id: str
    room_id: str
    limit: int


@dataclass(frozen=True, slots=True)
class GetBroadcast:
    """Result: encoded EventDelivery, (Recipient, …). EventNotFound."""

    room_id: str
    seq: int


@dataclass(frozen=True, slots=True)
class ListConnections:
    """Result: (Connection, …), more."""

    profile_id: str
    limit: int


@dataclass(frozen=True, slots=True)
class ListDevices:
    """Empty ids match all. Result: (Device, …) by profile and id, those after ``after``; more."""

    profile_id: str
    device_id: str
    after: tuple[str, str]
    limit: int


@dataclass(frozen=True, slots=True)
class FindUnpublished:
    """What is committed and not marked as fanned out, rooms whose oldest such event is from before ``before_us``, at most ``limit`` events
    of each. Result: (CommittedRun, …)."""

    before_us: int
    limit: int


@dataclass(frozen=True, slots=True)
class ListDeadLetters:
    """Empty ids match all. Result: (DeadLetter, …) the newest first, more."""

    letter_id: str
    profile_id: str
    device_id: str
    room_id: str
    limit: int


@dataclass(frozen=True, slots=True)
class RetentionCuts:
    """Where logs may begin later, of ``limit`` rooms after ``after_room_id``. 0 stands for: no limit. Result: ((room, up to seq), …), and the
    last room looked at, empty when there are no more.

    A log keeps ``keep_events`` and what came since ``keep_since_us``; and what is owed to a device, unless that is more than
    ``backlog_events`` or began before ``backlog_since_us``. Rooms with ids to forget (before ``forget_before_us``) are named as well.
    """

    keep_events: int
    keep_since_us: int
    backlog_events: int
    backlog_since_us: int
    forget_before_us: int
    after_room_id: str
    limit: int


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is in rooms of at most ``limit`` members. Result: room → Members. With a ``profile_id``, that must be in each: RoomNotFound,
    NotAMember."""

    room_ids: tuple[str, ...]
    profile_id: str
    limit: int


@dataclass(frozen=True, slots=True)
class ShareRoom:
    """Which of ``others`` are in a room with the profile, or are it (``everybody``: all are). Result: a frozenset of them."""

    profile_id: str
    others: tuple[str, ...]
    everybody: bool


@dataclass(frozen=True, slots=True)
class ListUnread:
    """The profile's rooms (or those of them named), by id. Result: (UnreadRoom, …), more."""

    profile_id: str
    room_ids: tuple[str, ...]
    after_room_id: str
    limit: int


@dataclass(frozen=True, slots=True)
class GetDeliveryStatus:
    """How far an event has come, for those it is for (operators: all). Result: DeliveryStatus. RoomNotFound, NotAMember, EventNotFound."""

    room_id: str
    seq: int
    profile_id: str
    operator: bool
    after_profile_id: str
    limit: int


@dataclass(frozen=True, slots=True)
class Ping:
    """Result: True once the database has answered."""


@dataclass(frozen=True, slots=True)
class NotificationWork:
    """Result: ((room with something to note, its members with a device to notify, counted to PAGE + 1), …), and whether any notification is due."""

    now_us: int


@dataclass(frozen=True, slots=True)
class GetNotificationContents:
    """Result: a NotificationContent for each claim; of a device that is no longer notified, one without a notifier."""

    claims: tuple[ClaimedNotification, ...]
    now_us: int


@dataclass(frozen=True, slots=True)
class GetPush:
    """Result: PushDevice, or None."""

    profile_id: str
    device_id: str


@dataclass(frozen=True, slots=True)
class ListNotifications:
    """Empty texts match all. Result: (QueuedNotification, …) the newest first, more."""

    state: str
    profile_id: str
    limit: int


Query = (
    PullOwed
    | History
    | ListRooms
    | GetRoom
    | ListOutbox
    | ListOutboxEntries
    | GetBroadcast
    | ListConnections
    | ListDevices
    | FindUnpublished
    | ListDeadLetters
    | RetentionCuts
    | NotificationWork
    | GetNotificationContents
    | GetPush
    | ListNotifications
    | Audience
    | ShareRoom
    | ListUnread
    | GetDeliveryStatus
    | Ping
)

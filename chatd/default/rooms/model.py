"""Values of rooms and their members. Times are microseconds since the Unix epoch."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from chatd.core.member_role import MemberRole, RoomKind

MEMBERSHIP_WEIGHT = 4
"""The share of a transaction that a change of one membership takes up: rows of its own, and one for
each device."""


@dataclass(frozen=True, slots=True)
class RoomRules:
    """The lowest roles that may do something, and what is kept. A role that is none (0), or None,
    stands for: as it is, or as the room's kind has it."""

    add: int = 0
    send: int = 0
    urgent: int = 0
    mention_all: int = 0
    requires_approval: bool | None = None
    """True: changes by members that may not approve them are proposals (``proposals.py``)."""
    keep_days: int | None = None
    keep_events: int | None = None
    """Limits of the room's log (0: as much as the service lets it keep)."""

    def over(self, others: "RoomRules") -> "RoomRules":
        """These, and those of ``others`` where these say nothing."""
        return RoomRules(
            self.add or others.add,
            self.send or others.send,
            self.urgent or others.urgent,
            self.mention_all or others.mention_all,
            others.requires_approval if self.requires_approval is None else self.requires_approval,
            others.keep_days if self.keep_days is None else self.keep_days,
            others.keep_events if self.keep_events is None else self.keep_events,
        )


NO_RULES = RoomRules()
ROLE_RULES = ("add", "send", "urgent", "mention_all")
"""The rules that are roles."""
KIND_RULES = {
    RoomKind.DIRECT: RoomRules(
        add=MemberRole.OWNER,
        send=MemberRole.MEMBER,
        urgent=MemberRole.MEMBER,
        mention_all=MemberRole.MEMBER,
        requires_approval=False,
        keep_days=0,
        keep_events=0,
    ),
    RoomKind.GROUP: RoomRules(
        add=MemberRole.MEMBER,
        send=MemberRole.MEMBER,
        urgent=MemberRole.MEMBER,
        mention_all=MemberRole.MODERATOR,
        requires_approval=False,
        keep_days=0,
        keep_events=0,
    ),
    RoomKind.CHANNEL: RoomRules(
        add=MemberRole.ADMIN,
        send=MemberRole.MODERATOR,
        urgent=MemberRole.MODERATOR,
        mention_all=MemberRole.MODERATOR,
        requires_approval=False,
        keep_days=0,
        keep_events=0,
    ),
}
"""A DIRECT room has no owner: nobody adds."""


@dataclass(frozen=True, slots=True)
class Room:
    room_id: str
    name: str
    head_seq: int
    published_seq: int
    """Up to here its events have been fanned out."""
    membership_version: int
    created_at_us: int
    created_by: str
    member_count: int
    first_seq: int = 1
    """The log begins here: older events are no longer kept."""
    hide_previews: bool = False
    """Notifications do not show what is said here."""
    kind: int = RoomKind.GROUP
    public: bool = False
    """Everybody may join."""
    rules: RoomRules = KIND_RULES[RoomKind.GROUP]
    description: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    settings_version: int = 0
    """Counts changes of all that its log has as events of type ROOM."""
    deleted_seq: int = 0
    """Its last event; 0: it is not deleted."""


@dataclass(frozen=True, slots=True)
class Member:
    profile_id: str
    role: int
    joined_seq: int
    devices: int


@dataclass(frozen=True, slots=True)
class RoomChange:
    """A room as it is now, and the seq of the event that says what has changed (0: nothing has)."""

    room: Room
    seq: int


@dataclass(frozen=True, slots=True)
class MembershipChange:
    """The profiles for whom something changed, and the seq of the event that says so (0: nothing
    changed). Those that were ``invited`` are not members yet."""

    profiles: tuple[str, ...]
    seq: int
    invited: tuple[str, ...] = ()


def metadata_bytes(description: str, metadata: Mapping[str, str]) -> int:
    """The size of a room's description and metadata together."""
    return len(description.encode()) + sum(len(one.encode()) for pair in metadata.items() for one in pair)

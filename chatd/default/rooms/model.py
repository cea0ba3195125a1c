"""Values of rooms and their members. Times are microseconds since the Unix epoch."""

from dataclasses import dataclass

MEMBERSHIP_WEIGHT = 4
"""The share of a transaction that a change of one membership takes up: rows of its own, and one for
each device."""


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


@dataclass(frozen=True, slots=True)
class Member:
    profile_id: str
    owner: bool
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
    changed)."""

    profiles: tuple[str, ...]
    seq: int

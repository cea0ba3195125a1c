"""A profile's rooms as it has them: a page of ids first, then what is shown of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chatd.core.member_role import MemberRole
from chatd.default.limits import MAX_PAGE_BYTES
from chatd.default.messages.unreadable import Unreadable
from chatd.default.pages import Order, Place
from chatd.default.rooms.access import not_a_member
from chatd.default.rooms.model import Room
from chatd.default.rooms.store import read_room, read_rooms
from chatd.default.rooms.unread import COUNT, MEMBERSHIPS, MENTIONS
from chatd.errors import RoomNotFound
from chatd.store.command import Query
from chatd.store.database import Database
from chatd.store.statements import placeholders

_AT = "COALESCE(newest.sent_at_us, room.created_at_us)"
RECENT_FIRST = Order("at_us", _AT, ("room.room_id",), descending=True)
"""All rooms of the profile are looked at: a look-up by key for each."""
_BEHIND = " AND room.room_id > ?"


class OwnRoom(NamedTuple):
    """A room, and what is the profile's own. ``last_event``: an encoded EventDelivery, or empty.
    Times are microseconds since the Unix epoch."""

    room: Room
    role: int = 0
    joined_seq: int = 0
    read_seq: int = 0
    read_at_us: int = 0
    unread: int = 0
    mentions: int = 0
    level: int = 0
    muted_until_us: int = 0
    last_event: bytes = b""
    at_us: int = 0
    """The time of its newest event."""

    @property
    def room_id(self) -> str:
        """For the place of a page."""
        return self.room.room_id


PAGE = f"""
            SELECT room.room_id, {_AT}
            FROM subscription{MEMBERSHIPS}
            LEFT JOIN room_event newest ON newest.room_id = room.room_id AND newest.seq = room.head_seq
            WHERE subscription.profile_id = ? AND subscription.left_seq IS NULL AND room.deleted_seq = 0
                AND ({_AT} >= ? OR read_marker.read_at_us >= ?)"""
OWN = f"""
            SELECT room.room_id, COALESCE(room_role.role, {int(MemberRole.MEMBER)}), subscription.joined_seq,
                COALESCE(read_marker.seq, 0), COALESCE(read_marker.read_at_us, 0), {COUNT}, {MENTIONS},
                COALESCE(room_notification.level, 0), COALESCE(room_notification.muted_until_us, 0),
                newest.delivery, {_AT}
            FROM subscription{MEMBERSHIPS}
            LEFT JOIN room_role ON room_role.room_id = room.room_id
                AND room_role.profile_id = subscription.profile_id
            LEFT JOIN room_notification ON room_notification.profile_id = subscription.profile_id
                AND room_notification.room_id = room.room_id
            LEFT JOIN room_event newest ON newest.room_id = room.room_id AND newest.seq = room.head_seq
            WHERE subscription.profile_id = ? AND subscription.left_seq IS NULL AND room.deleted_seq = 0"""
"""A few look-ups by key for each room."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The form of last events. ``plain``: not compressed."""

    plain: bool
    unreadable: Unreadable

    def delivery(self, room: Room, stored: bytes) -> bytes:
        if not stored:
            return b""
        delivery = self.unreadable.plain(stored) if self.plain else stored
        if delivery is None or not self.unreadable.parses(delivery):
            return self.unreadable.marker(room.room_id, room.head_seq)
        return delivery


@dataclass(frozen=True, slots=True)
class ListMyRooms(Query[tuple[tuple[OwnRoom, ...], bool]]):
    """The profile's rooms that have changed since a time, by id (``order`` None), those behind a
    place; and whether there are more. The last events of a page have 1 MiB at most, or it is one
    room."""

    profile_id: str
    order: Order | None
    after: Place
    limit: int
    since_us: int
    shown: Shown

    def answer(self, database: Database) -> tuple[tuple[OwnRoom, ...], bool]:
        behind, place = self.order.behind(self.after) if self.order else (_BEHIND, list(self.after or ("",)))
        ids = database.rows(
            f"""{PAGE}{behind}
            ORDER BY {self.order.by if self.order else "room.room_id"}
            LIMIT ?
            """,
            (self.profile_id, self.since_us, self.since_us, *place, self.limit + 1),
        )
        # The place is that of the first look: an event that comes in between moves the room.
        times = dict(ids[: self.limit])
        page: list[OwnRoom] = []
        size = 0
        for own in read_own(database, self.profile_id, tuple(times), self.shown):
            size += len(own.last_event)
            if page and size > MAX_PAGE_BYTES:
                return tuple(page), True
            page.append(own._replace(at_us=times[own.room_id]))
        return tuple(page), len(ids) > self.limit


def read_own(database: Database, profile_id: str, room_ids: Sequence[str], shown: Shown) -> list[OwnRoom]:
    """Those of the rooms that the profile is a member of, in the order given."""
    if not room_ids:
        return []
    rooms = read_rooms(database, room_ids)
    rows = database.rows(
        f"{OWN} AND room.room_id IN ({placeholders(len(room_ids))})", (profile_id, *room_ids)
    )
    found = {}
    for room_id, *own, last, at_us in rows:
        room = rooms[room_id]
        last_event = shown.delivery(room, bytes(last or b""))
        found[room_id] = OwnRoom(room, *own)._replace(last_event=last_event, at_us=at_us)
    return [found[room_id] for room_id in room_ids if room_id in found]


@dataclass(frozen=True, slots=True)
class GetOwnRoom(Query[OwnRoom]):
    """One of the profile's rooms. An ``operator`` that is no member sees the room alone. Raises
    NotAMember, for an operator RoomNotFound."""

    room_id: str
    profile_id: str
    operator: bool
    shown: Shown

    def answer(self, database: Database) -> OwnRoom:
        found = read_own(database, self.profile_id, (self.room_id,), self.shown)
        if found:
            return found[0]
        if not self.operator:
            raise not_a_member(self.profile_id, self.room_id)
        room = read_room(database, self.room_id)
        if room.deleted_seq and not room.name and not room.created_by:
            raise RoomNotFound(f"no room '{self.room_id}'")
        return OwnRoom(room)

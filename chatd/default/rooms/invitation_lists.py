"""Lists of invitations that are not answered yet: a profile's own, and those of a room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from chatd.default.pages import Order, Place
from chatd.default.rooms.access import require_right, require_room
from chatd.default.rooms.rights import Operation, Right
from chatd.store.command import Query
from chatd.store.database import Database


class Invitation(NamedTuple):
    """The room's name and kind are those of now; the time is in microseconds since the Unix
    epoch."""

    room_id: str
    profile_id: str
    role: int
    invited_by: str
    invited_at_us: int
    room_name: str
    room_kind: int


_COLUMNS = """invitation.room_id, invitation.profile_id, invitation.role, invitation.invited_by,
                invitation.invited_at_us, room.name, room.kind"""
NEWEST = Order("invited_at_us", "invitation.invited_at_us", ("invitation.room_id",), descending=True)


@dataclass(frozen=True, slots=True)
class ListInvitations(Query[tuple[tuple[Invitation, ...], bool]]):
    """A profile's own invitations, the newest first, and whether there are more. Those of profiles
    that it has blocked are left out."""

    profile_id: str
    after: Place
    limit: int

    def answer(self, database: Database) -> tuple[tuple[Invitation, ...], bool]:
        behind, place = NEWEST.behind(self.after)
        rows = database.rows(
            f"""
            SELECT {_COLUMNS}
            FROM invitation
            JOIN room ON room.room_id = invitation.room_id
            WHERE invitation.profile_id = ? AND NOT EXISTS (
                SELECT 1
                FROM block
                WHERE block.profile_id = invitation.profile_id AND block.blocked_id = invitation.invited_by
            ){behind}
            ORDER BY {NEWEST.by}
            LIMIT ?
            """,
            (self.profile_id, *place, self.limit + 1),
        )
        return tuple(Invitation(*row) for row in rows[: self.limit]), len(rows) > self.limit


@dataclass(frozen=True, slots=True)
class ListRoomInvitations(Query[tuple[tuple[Invitation, ...], bool]]):
    """A room's invitations by profile, and whether there are more. Raises NotAMember (for an
    ``operator`` RoomNotFound), PermissionDenied."""

    room_id: str
    by: str
    operator: bool
    after_profile_id: str
    limit: int

    def answer(self, database: Database) -> tuple[tuple[Invitation, ...], bool]:
        if self.operator:
            require_room(database, self.room_id)
            right = Right.YES
        else:
            right = require_right(database, Operation.LIST_INVITATIONS, self.room_id, self.by)
        own = "AND invitation.invited_by = ?" if right is Right.OWN else ""
        rows = database.rows(
            f"""
            SELECT {_COLUMNS}
            FROM invitation
            JOIN room ON room.room_id = invitation.room_id
            WHERE invitation.room_id = ? AND invitation.profile_id > ? {own}
            ORDER BY invitation.profile_id
            LIMIT ?
            """,
            (self.room_id, self.after_profile_id, *([self.by] if own else []), self.limit + 1),
        )
        return tuple(Invitation(*row) for row in rows[: self.limit]), len(rows) > self.limit

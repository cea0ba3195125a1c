"""May this profile do this here? The one place that answers, for readers and for the writer."""

from collections.abc import Sequence
from typing import NamedTuple

from chatd.core.model import Members
from chatd.errors import ChatdError, NotAMember, PermissionDenied, RoomNotFound
from chatd.store.database import Database
from chatd.store.room_log import LockedRoom
from chatd.store.transaction import Transaction

Place = tuple[str, str]
"""Profile and room."""


class Standing(NamedTuple):
    """A profile's standing in a room that it is or was a member of."""

    last_seq: int
    """The newest event that is for it."""
    joined_seq: int | None
    """None: it has left."""


class Standings(NamedTuple):
    """The answer for many places at once."""

    rooms: frozenset[str]
    """Those of the rooms that exist."""
    places: dict[Place, Standing]

    def refusal(self, profile_id: str, room_id: str) -> ChatdError:
        """The error for a place that is not in ``places``."""
        if room_id not in self.rooms:
            return RoomNotFound(f"no room '{room_id}'")
        return NotAMember(f"'{profile_id}' was never a member of room '{room_id}'")


def find_standings(database: Database, places: Sequence[Place]) -> Standings:
    """The standing of profiles in rooms: (profile, room), each once. A profile that has left and
    come back is a member."""
    values, parameters = database.values("tt", places)
    rows = database.rows(
        f"""
        WITH v(profile_id, room_id) AS ({values})
        SELECT v.profile_id, v.room_id, room.head_seq, subscription.joined_seq, subscription.left_seq
        FROM v
        JOIN room ON room.room_id = v.room_id
        LEFT JOIN subscription ON subscription.room_id = v.room_id AND subscription.profile_id = v.profile_id
        """,
        parameters,
    )
    found: dict[Place, Standing] = {}
    for profile_id, room_id, head_seq, joined_seq, left_seq in rows:
        if joined_seq is None:
            continue
        one = Standing(head_seq, joined_seq) if left_seq is None else Standing(left_seq, None)
        other = found.get((profile_id, room_id))
        if other is None or one.last_seq > other.last_seq or one.joined_seq is not None:
            found[profile_id, room_id] = one
    return Standings(frozenset(row[1] for row in rows), found)


def require_room(database: Database, room_id: str) -> None:
    """Raises RoomNotFound."""
    if not database.rows("SELECT 1 FROM room WHERE room_id = ?", (room_id,)):
        raise RoomNotFound(f"no room '{room_id}'")


def require_member(database: Database, room_id: str, profile_id: str) -> None:
    """The profile is a member now. Raises RoomNotFound, NotAMember."""
    rows = database.rows(
        """
        SELECT 1
        FROM subscription
        WHERE room_id = ? AND profile_id = ? AND left_seq IS NULL
        """,
        (room_id, profile_id),
    )
    if not rows:
        require_room(database, room_id)
        raise NotAMember(f"'{profile_id}' is not a member of room '{room_id}'")


def require_past_member(database: Database, room_id: str, profile_id: str) -> None:
    """The profile is or was a member. Raises RoomNotFound, NotAMember."""
    if not database.rows(
        "SELECT 1 FROM subscription WHERE room_id = ? AND profile_id = ?", (room_id, profile_id)
    ):
        require_room(database, room_id)
        raise NotAMember(f"'{profile_id}' was never a member of room '{room_id}'")


def require_recipient(database: Database, room_id: str, profile_id: str, seq: int) -> None:
    """The event is for the profile. Raises RoomNotFound, NotAMember."""
    rows = database.rows(
        """
        SELECT 1
        FROM subscription
        WHERE room_id = ? AND profile_id = ? AND joined_seq <= ? AND (left_seq IS NULL OR left_seq >= ?)
        """,
        (room_id, profile_id, seq, seq),
    )
    if not rows:
        require_room(database, room_id)
        raise NotAMember(f"event {seq} of room '{room_id}' is not for '{profile_id}'")


def members_for(transaction: Transaction, room: LockedRoom, profile_id: str) -> Members:
    """The members of a locked room, for a profile that must be one of them. Raises NotAMember."""
    members = transaction.log.members(room)
    if profile_id not in members.profiles:
        raise NotAMember(f"'{profile_id}' is not a member of room '{room.room_id}'")
    return members


def require_owner(transaction: Transaction, room: LockedRoom, profile_id: str) -> None:
    """The profile owns the locked room. Raises PermissionDenied."""
    owners = transaction.database.rows(
        """
        SELECT profile_id
        FROM subscription
        WHERE room_id = ? AND left_seq IS NULL AND owner = 1
        """,
        (room.room_id,),
    )
    if (profile_id,) not in owners:
        raise PermissionDenied(f"only the owner of room '{room.room_id}' may do this")

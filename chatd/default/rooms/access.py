"""May this profile do this here? The one place that answers, for readers and for the writer."""

from collections.abc import Sequence
from typing import NamedTuple

from chatd.core.model import Members
from chatd.errors import NotAMember, PermissionDenied, RoomNotFound
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


def not_a_member(profile_id: str, room_id: str) -> NotAMember:
    """The one answer to a profile that is not in a room, whether there is such a room or not."""
    return NotAMember(f"'{profile_id}' is not a member of room '{room_id}', or there is no such room")


def find_standings(database: Database, places: Sequence[Place]) -> dict[Place, Standing]:
    """The standings of profiles that are or were in rooms: (profile, room), each once. Their last
    membership counts, however many they had."""
    values, parameters = database.values("tt", places)
    rows = database.rows(
        f"""
        WITH v(profile_id, room_id) AS ({values})
        SELECT v.profile_id, v.room_id, room.head_seq, subscription.joined_seq, subscription.left_seq
        FROM v
        JOIN room ON room.room_id = v.room_id
        JOIN subscription ON subscription.room_id = v.room_id AND subscription.profile_id = v.profile_id
            AND subscription.joined_seq = (
                SELECT MAX(last.joined_seq)
                FROM subscription last
                WHERE last.room_id = v.room_id AND last.profile_id = v.profile_id)
        """,
        parameters,
    )
    return {
        (profile_id, room_id): Standing(head_seq, joined_seq)
        if left_seq is None
        else Standing(left_seq, None)
        for profile_id, room_id, head_seq, joined_seq, left_seq in rows
    }


def require_room(database: Database, room_id: str) -> None:
    """There is such a room, for an operator who asks. Raises RoomNotFound."""
    if not database.rows("SELECT 1 FROM room WHERE room_id = ?", (room_id,)):
        raise RoomNotFound(f"no room '{room_id}'")


def require_member(database: Database, room_id: str, profile_id: str) -> None:
    """The profile is a member now. Raises NotAMember."""
    rows = database.rows(
        """
        SELECT 1
        FROM subscription
        WHERE room_id = ? AND profile_id = ? AND left_seq IS NULL
        """,
        (room_id, profile_id),
    )
    if not rows:
        raise not_a_member(profile_id, room_id)


def require_past_member(database: Database, room_id: str, profile_id: str) -> None:
    """The profile is or was a member. Raises NotAMember."""
    if not database.rows(
        "SELECT 1 FROM subscription WHERE room_id = ? AND profile_id = ? LIMIT 1", (room_id, profile_id)
    ):
        raise not_a_member(profile_id, room_id)


def require_recipient(database: Database, room_id: str, profile_id: str, seq: int) -> None:
    """The profile is a member now, and the event was for it. Raises NotAMember."""
    require_member(database, room_id, profile_id)
    before = database.rows(
        """
        SELECT left_seq
        FROM subscription
        WHERE room_id = ? AND profile_id = ? AND joined_seq <= ?
        ORDER BY joined_seq DESC
        LIMIT 1
        """,
        (room_id, profile_id, seq),
    )
    if not before or (before[0][0] is not None and before[0][0] < seq):
        raise NotAMember(f"event {seq} of room '{room_id}' is not for '{profile_id}'")


def room_for(transaction: Transaction, room_id: str, profile_id: str) -> tuple[LockedRoom, Members]:
    """A locked room and its members, for a profile that must be one of them. Raises NotAMember."""
    room = transaction.log.find(room_id)
    known = None if room is None else transaction.log.known_members(room)
    if known is None or profile_id not in known.profiles:
        # A refusal takes this one look-up in every case: its time says no more than its text does.
        require_member(transaction.database, room_id, profile_id)
    if room is None:
        raise not_a_member(profile_id, room_id)  # it was made only after the locks were taken
    return room, transaction.log.members(room)


def require_owner(transaction: Transaction, room: LockedRoom, profile_id: str) -> None:
    """The profile owns the locked room. Raises PermissionDenied."""
    if not transaction.database.rows(
        """
        SELECT 1
        FROM subscription
        WHERE room_id = ? AND profile_id = ? AND left_seq IS NULL AND owner = 1
        """,
        (room.room_id, profile_id),
    ):
        raise PermissionDenied(f"only the owner of room '{room.room_id}' may do this")

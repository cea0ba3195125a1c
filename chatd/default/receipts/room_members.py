"""The members of a room, and how far each has read and received it: the ticks of a whole room."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chatd.core.member_role import MemberRole
from chatd.default.rooms.access import require_right, require_room
from chatd.default.rooms.participation import takes_part_sql
from chatd.default.rooms.rights import Operation
from chatd.store.command import Query
from chatd.store.database import Database
from chatd.store.statements import placeholders

Stretch = tuple[int, int]
"""Events behind the first seq and up to the second."""
_NOTHING: Stretch = (0, 0)


class RoomMember(NamedTuple):
    """A member. ``delivered``: the newest events that have come to one of its devices, or markers
    in their place."""

    profile_id: str
    role: int
    joined_seq: int
    read_seq: int
    delivered: Stretch


@dataclass(frozen=True, slots=True)
class ListMembers(Query[tuple[tuple[RoomMember, ...], bool]]):
    """A room's members by profile, and whether there are more. Deliveries to those that take no
    part are shown to operators alone. Raises NotAMember, for operators RoomNotFound."""

    room_id: str
    profile_id: str
    operator: bool
    after_profile_id: str
    limit: int

    def answer(self, database: Database) -> tuple[tuple[RoomMember, ...], bool]:
        if self.operator:
            require_room(database, self.room_id)
        else:
            require_right(database, Operation.SEE, self.room_id, self.profile_id)
        rows = database.rows(MEMBERS, (self.room_id, self.after_profile_id, self.limit + 1))
        page = rows[: self.limit]
        seen = [profile_id for profile_id, *_, takes_part in page if self.operator or takes_part]
        delivered = _delivered(database, self.room_id, seen)
        members = tuple(
            RoomMember(one, role, joined_seq, read_seq, delivered.get(one, _NOTHING))
            for one, role, joined_seq, read_seq, _ in page
        )
        return members, len(rows) > self.limit


MEMBERS = f"""
            SELECT subscription.profile_id, COALESCE(room_role.role, {int(MemberRole.MEMBER)}),
                subscription.joined_seq, COALESCE(read_marker.seq, 0),
                CASE WHEN {takes_part_sql("subscription")} THEN 1 ELSE 0 END
            FROM subscription
            LEFT JOIN room_role ON room_role.room_id = subscription.room_id
                AND room_role.profile_id = subscription.profile_id
            LEFT JOIN read_marker ON read_marker.profile_id = subscription.profile_id
                AND read_marker.room_id = subscription.room_id
            WHERE subscription.room_id = ? AND subscription.left_seq IS NULL AND subscription.profile_id > ?
            ORDER BY subscription.profile_id
            LIMIT ?
            """


def _delivered(database: Database, room_id: str, profile_ids: Sequence[str]) -> dict[str, Stretch]:
    """Profile → the newest of the stretches that its devices have acknowledged together."""
    if not profile_ids:
        return {}
    rows = database.rows(
        f"""
        SELECT profile_id, start_seq, acked_seq
        FROM outbox
        WHERE room_id = ? AND profile_id IN ({placeholders(len(profile_ids))}) AND acked_seq > start_seq
        ORDER BY profile_id, start_seq
        """,
        (room_id, *profile_ids),
    )
    newest: dict[str, Stretch] = {}
    for profile_id, start_seq, acked_seq in rows:
        first, last = newest.get(profile_id, _NOTHING)
        newest[profile_id] = (start_seq, acked_seq) if start_seq > last else (first, max(last, acked_seq))
    return newest

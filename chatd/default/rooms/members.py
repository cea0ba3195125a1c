"""The members of rooms, for signals: read once for each membership version, then taken from the
cache."""

from dataclasses import dataclass, replace

from chatd.core.model import Members
from chatd.default.rooms.access import require_right
from chatd.default.rooms.participation import takes_part_sql
from chatd.default.rooms.rights import Operation
from chatd.store.command import Query
from chatd.store.database import Database
from chatd.store.room_log import MembersCache, read_members
from chatd.store.slices import Slice, Unfinished
from chatd.store.statements import placeholders


@dataclass(frozen=True, slots=True)
class FindMembers(Query[dict[str, Members]]):
    """The members of rooms; rooms that are unknown or have more than ``limit`` members are left
    out. A ``profile_id`` must be a member who may send in each: raises NotAMember,
    PermissionDenied."""

    cache: MembersCache
    room_ids: tuple[str, ...]
    profile_id: str
    limit: int

    def answer(self, database: Database) -> dict[str, Members]:
        rows = database.rows(
            f"""
            SELECT room_id, membership_version, member_count
            FROM room
            WHERE room_id IN ({placeholders(len(self.room_ids))})
            """,
            self.room_ids,
        )
        if self.profile_id:
            for room_id in self.room_ids:
                require_right(database, Operation.SEND, room_id, self.profile_id)
        return {
            room_id: self._members(database, room_id, version)
            for room_id, version, count in rows
            if count <= self.limit
        }

    def _members(self, database: Database, room_id: str, version: int) -> Members:
        members = self.cache.get(room_id, version)
        if members is None:
            # Read after the version: they may be newer than that, and are then read again.
            members = read_members(database, room_id, version)
            self.cache.put(members)
        return members


SHARES = f"""
            SELECT 1
            FROM subscription other
            JOIN subscription own ON own.room_id = other.room_id AND own.profile_id = ? AND own.left_seq IS NULL
            JOIN room ON room.room_id = other.room_id AND room.blocked = 0
            WHERE other.profile_id = ? AND other.left_seq IS NULL AND {takes_part_sql("other")}
            LIMIT 1"""
"""Look-ups by key that end with the first such room. If there is none, they are as many as the
rooms of the other one."""


@dataclass(frozen=True, slots=True)
class ShareRoom(Query[frozenset[str]]):
    """Those of ``others`` that take part in a room that the profile is in, or are the profile
    itself (``everybody``: all of them). ``found`` have been found already. It is answered in
    slices."""

    profile_id: str
    others: tuple[str, ...]
    everybody: bool
    found: frozenset[str] = frozenset()

    def answer(self, database: Database) -> frozenset[str]:
        if self.everybody:
            return frozenset(self.others)
        found, share = set(self.found), Slice()
        for number, other in enumerate(self.others, 1):
            if other == self.profile_id or database.rows(SHARES, (self.profile_id, other)):
                found.add(other)
            if share.is_over and number < len(self.others):
                raise Unfinished(replace(self, others=self.others[number:], found=frozenset(found)))
        return frozenset(found)

"""Which shown events the log does not have: it went back, and clients tell what they have shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from chatd.default.nodes.log_store import find_members
from chatd.store.command import Query
from chatd.store.database import Database
from chatd.store.log_row import EventPlace, find_lost
from chatd.store.statements import placeholders


class RewoundRoom(NamedTuple):
    """``head_seq`` is 0 if the profile is not a member of the room now."""

    room_id: str
    head_seq: int
    shown_seq: int


@dataclass(frozen=True, slots=True)
class FindRewound(Query[tuple[RewoundRoom, ...]]):
    """The rooms of ``marks`` whose log does not have the event. A profile that was no member of the
    room when it was stored is answered the same whatever the room holds."""

    profile_id: str
    marks: tuple[EventPlace, ...]

    def answer(self, database: Database) -> tuple[RewoundRoom, ...]:
        members = find_members(database, {(self.profile_id, one.room_id, one.seq) for one in self.marks})
        known = [one for one in self.marks if (self.profile_id, one.room_id, one.seq) in members]
        lost = {one.room_id for one in find_lost(database, known)}
        lost |= {one.room_id for one in self.marks} - {one.room_id for one in known}
        heads = self._heads(database, sorted(lost))
        return tuple(
            RewoundRoom(one.room_id, heads.get(one.room_id, 0), one.seq)
            for one in self.marks
            if one.room_id in lost
        )

    def _heads(self, database: Database, rooms: list[str]) -> dict[str, int]:
        if not rooms:
            return {}
        rows = database.rows(
            f"""
            SELECT room.room_id, room.head_seq
            FROM subscription
            JOIN room ON room.room_id = subscription.room_id
            WHERE subscription.profile_id = ? AND subscription.left_seq IS NULL
                AND subscription.room_id IN ({placeholders(len(rooms))})
            """,
            (self.profile_id, *rooms),
        )
        return dict(rows)

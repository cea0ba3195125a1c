"""Finding rooms by their names and metadata: those that are public, and a profile's own."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chatd.default.limits import MAX_PAGE_BYTES
from chatd.default.rooms.model import Room, metadata_bytes
from chatd.default.rooms.store import COLUMNS, to_room
from chatd.default.search.words import fold
from chatd.store.command import Query
from chatd.store.database import Database
from chatd.store.slices import Slice, Unfinished

LOOK = 5_000
"""Rooms looked at for one page, about 100 ms in slices."""
_CHUNK = 200
"""Rooms read at once."""

# One statement: what it shows is public, or the profile's, while it is read.
_VISIBLE = f"""
            SELECT {COLUMNS}
            FROM room
            WHERE deleted_seq = 0 AND room_id IN (
                SELECT room_id
                FROM (
                    SELECT open_room.room_id
                    FROM room open_room
                    WHERE open_room.public = 1 AND open_room.deleted_seq = 0 AND open_room.room_id > ?
                        AND NOT EXISTS (
                            SELECT 1
                            FROM ban
                            WHERE ban.room_id = open_room.room_id AND ban.profile_id = ?)
                    ORDER BY open_room.room_id
                    LIMIT ?
                ) public_room
                UNION
                SELECT room_id
                FROM (
                    SELECT subscription.room_id
                    FROM subscription
                    JOIN room ON room.room_id = subscription.room_id AND room.deleted_seq = 0
                    WHERE subscription.profile_id = ? AND subscription.left_seq IS NULL
                        AND subscription.room_id > ?
                    ORDER BY subscription.room_id
                    LIMIT ?
                ) own_room)
            ORDER BY room_id
            LIMIT ?
            """
_ALL = f"""
            SELECT {COLUMNS}
            FROM room
            WHERE room_id > ?
            ORDER BY room_id
            LIMIT ?
            """
"""Deleted ones with them: there may be many in a row, and each is looked at."""


@dataclass(frozen=True, slots=True)
class FindRooms(Query[tuple[tuple[Room, ...], str]]):
    """Rooms by id, those after ``after``, whose names have all ``parts``, which are folded, and
    that have the ``metadata`` (an empty value: any). They are public, and the profile is not banned
    from them, or it is a member; an ``operator`` finds all. And the place behind them, empty if
    there are no more. ``found`` and ``looked`` are those of earlier slices."""

    profile_id: str
    operator: bool
    parts: tuple[str, ...]
    metadata: tuple[tuple[str, str], ...]
    after: str
    limit: int
    found: tuple[Room, ...] = ()
    looked: int = 0

    def answer(self, database: Database) -> tuple[tuple[Room, ...], str]:
        share, found, looked, after = Slice(), list(self.found), self.looked, self.after
        size = sum(map(_size, found))
        while True:
            rooms = self._read(database, after)
            for room in rooms:
                if self._fits(room):
                    size += _size(room)
                    if len(found) == self.limit or (found and size > MAX_PAGE_BYTES):
                        return tuple(found), after
                    found.append(room)
                after = room.room_id
            looked += len(rooms)
            if len(rooms) < _CHUNK:
                return tuple(found), ""
            if looked >= LOOK:
                return tuple(found), after
            if share.is_over:
                raise Unfinished(replace(self, after=after, found=tuple(found), looked=looked))

    def _read(self, database: Database, after: str) -> list[Room]:
        if self.operator:
            return [to_room(row) for row in database.rows(_ALL, (after, _CHUNK))]
        own = self.profile_id
        rows = database.rows(_VISIBLE, (after, own, _CHUNK, own, after, _CHUNK, _CHUNK))
        return [to_room(row) for row in rows]

    def _fits(self, room: Room) -> bool:
        name = fold(room.name)
        return (
            not room.deleted_seq
            and all(part in name for part in self.parts)
            and all(
                key in room.metadata and value in ("", room.metadata[key]) for key, value in self.metadata
            )
        )


def _size(room: Room) -> int:
    return len(room.name) + metadata_bytes(room.description, room.metadata)

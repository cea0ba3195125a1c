"""Rooms that have become quiet leave the table of active rooms, in which fan-out looks for what a
dead node has left. A room that is in it writes nothing for its next event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chatd.store.command import Command, Locks, Query, Turn
from chatd.store.database import Database
from chatd.store.statements import chunks, placeholders
from chatd.store.transaction import Transaction

ROOMS_AT_ONCE = 128
"""Rooms that one transaction takes out."""


@dataclass(frozen=True, slots=True)
class FindQuietRooms(Query[tuple[str, ...]]):
    """Rooms that have been active since before ``before_us``, ROOMS_AT_ONCE at most. One that still
    is comes back with its next event."""

    before_us: int

    def answer(self, database: Database) -> tuple[str, ...]:
        rows = database.rows(
            f"SELECT room_id FROM active_room WHERE since_us < ? LIMIT {ROOMS_AT_ONCE}", (self.before_us,)
        )
        return tuple(row[0] for row in rows)


@dataclass(frozen=True, slots=True)
class ForgetActiveRooms(Command[int]):
    """Take those of the rooms out whose events are all published. The result is their number."""

    rooms: tuple[str, ...]

    def locks(self) -> Locks:
        return Locks(rooms=self.rooms, partial=True)  # a room left out is found again

    def turn(self) -> Turn:
        return Turn.BACKGROUND

    def weight(self) -> int:
        return len(self.rooms)

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[ForgetActiveRooms]) -> list[int]:
        return [_forget(transaction, command.rooms) for command in commands]


def _forget(transaction: Transaction, rooms: Sequence[str]) -> int:
    """A room that is not there any more goes, too."""
    held = transaction.held.rooms
    forgotten = 0
    for chunk in chunks([room_id for room_id in rooms if room_id not in held], columns=1):
        rows = transaction.database.rows(
            f"""
            DELETE FROM active_room
            WHERE room_id IN ({placeholders(len(chunk))}) AND NOT EXISTS (
                SELECT 1
                FROM room
                WHERE room.room_id = active_room.room_id AND room.published_seq < room.head_seq)
            RETURNING room_id
            """,
            chunk,
        )
        quiet = [row[0] for row in rows]
        forgotten += len(quiet)
        if quiet:
            transaction.database.run(
                f"UPDATE room SET active = 0 WHERE room_id IN ({placeholders(len(quiet))})", quiet
            )
        for room_id in quiet:
            room = transaction.log.find(room_id)
            if room is not None:
                room.active = 0  # an event behind this command makes it active again
    return forgotten

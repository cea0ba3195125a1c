"""The end of a deleted room: its memberships end with its last event, and when nothing in it is
owed any more all that is kept for it goes but its id, which is never used again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chatd.default.rooms.member_log import count_rooms
from chatd.default.rooms.model import MEMBERSHIP_WEIGHT
from chatd.default.rooms.proposal_rows import delete_names
from chatd.store.command import Command, Locks, Query
from chatd.store.database import Database
from chatd.store.locked_room import LockedRoom
from chatd.store.statements import placeholders
from chatd.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class DeletedRoom:
    """A deleted room, some profiles of memberships that last, and some of past ones. ``owed``: a
    device has yet to take its events."""

    room_id: str
    deleted_seq: int
    members: tuple[str, ...]
    past: tuple[str, ...]
    owed: bool


@dataclass(frozen=True, slots=True)
class FindDeletedRooms(Query[tuple[DeletedRoom, ...]]):
    """Deleted rooms behind ``after_room_id`` of which more than their id is left, ``rooms`` at
    most, each with ``limit`` profiles of each kind at most."""

    after_room_id: str
    rooms: int
    limit: int

    def answer(self, database: Database) -> tuple[DeletedRoom, ...]:
        rows = database.rows(
            """
            SELECT room_id, deleted_seq, published_seq
            FROM room
            WHERE deleted_seq > 0 AND cleared = 0 AND room_id > ?
            ORDER BY room_id
            LIMIT ?
            """,
            (self.after_room_id, self.rooms),
        )
        return tuple(self._look(database, *row) for row in rows)

    def _look(self, database: Database, room_id: str, deleted_seq: int, published_seq: int) -> DeletedRoom:
        members, past = (
            database.rows(
                f"""
                SELECT DISTINCT profile_id
                FROM subscription
                WHERE room_id = ? AND left_seq IS {condition}
                ORDER BY profile_id
                LIMIT ?
                """,
                (room_id, self.limit),
            )
            for condition in ("NULL", "NOT NULL")
        )
        owed = database.rows("SELECT 1 FROM outbox WHERE room_id = ? LIMIT 1", (room_id,))
        return DeletedRoom(
            room_id,
            deleted_seq,
            tuple(one for (one,) in members),
            tuple(one for (one,) in past),
            bool(owed) or published_seq < deleted_seq,
        )


@dataclass(frozen=True, slots=True)
class EndMemberships(Command[None]):
    """End memberships of a deleted room with its last event."""

    room_id: str
    profiles: tuple[str, ...]

    def locks(self) -> Locks:
        entries = [(profile_id, "", self.room_id) for profile_id in self.profiles]
        return Locks(rooms=(self.room_id,), profiles=self.profiles, entries=entries)

    def weight(self) -> int:
        return MEMBERSHIP_WEIGHT * len(self.profiles)

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[EndMemberships]) -> list[None]:
        for command in commands:
            room = transaction.log.find(command.room_id)
            if room is not None and room.deleted_seq:
                end_memberships(transaction, room, command.profiles)
        return [None] * len(commands)


def end_memberships(transaction: Transaction, room: LockedRoom, profiles: Sequence[str]) -> None:
    """Nobody is told: the room's last event has said it to all."""
    database, log = transaction.database, transaction.log
    among = placeholders(len(profiles))
    rows = database.rows(
        f"""
        UPDATE subscription
        SET left_seq = ?
        WHERE room_id = ? AND profile_id IN ({among}) AND left_seq IS NULL
        RETURNING profile_id
        """,
        (room.deleted_seq, room.room_id, *profiles),
    )
    if not rows:
        return
    leaving = {profile_id for (profile_id,) in rows}
    members = log.members(room)
    roles = {one: role for one, role in members.roles.items() if one not in leaving}
    log.set_members(room, members.profiles - leaving, roles)
    database.run(
        f"DELETE FROM room_role WHERE room_id = ? AND profile_id IN ({among})", (room.room_id, *profiles)
    )
    database.run(
        f"""
        DELETE FROM outbox
        WHERE room_id = ? AND profile_id IN ({among}) AND until_seq IS NULL AND acked_seq >= ?
        """,
        (room.room_id, *profiles, room.deleted_seq),
    )
    database.run(
        f"""
        UPDATE outbox
        SET until_seq = ?
        WHERE room_id = ? AND profile_id IN ({among}) AND until_seq IS NULL
        """,
        (room.deleted_seq, room.room_id, *profiles),
    )
    count_rooms(transaction, sorted(leaving), -1)
    room.blocked = 0
    database.run(
        "UPDATE room SET member_count = member_count - ?, blocked = 0 WHERE room_id = ?",
        (len(leaving), room.room_id),
    )


@dataclass(frozen=True, slots=True)
class ForgetMemberships(Command[None]):
    """Delete past memberships of a deleted room whose log is empty, and what these profiles have
    set there. ``deleted_seq``: a direct room may go on, and be deleted again."""

    room_id: str
    deleted_seq: int
    profiles: tuple[str, ...]

    def locks(self) -> Locks:
        return Locks(rooms=(self.room_id,), profiles=self.profiles, notifications=True)

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[ForgetMemberships]) -> list[None]:
        for command in commands:
            room = transaction.log.find(command.room_id)
            if room is not None and room.deleted_seq == command.deleted_seq:
                for table in ("subscription", "read_marker", "room_notification"):
                    transaction.database.run(
                        f"""
                        DELETE FROM {table}
                        WHERE room_id = ? AND profile_id IN ({placeholders(len(command.profiles))})
                        """,
                        (command.room_id, *command.profiles),
                    )
        return [None] * len(commands)


@dataclass(frozen=True, slots=True)
class ClearRoom(Command[bool]):
    """Nothing but the id of a deleted room is left. The result: True if there is more to delete.
    ``deleted_seq``: as for ForgetMemberships."""

    room_id: str
    deleted_seq: int

    def locks(self) -> Locks:
        return Locks(rooms=(self.room_id,))

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[ClearRoom]) -> list[bool]:
        return [_clear(transaction, command.room_id, command.deleted_seq) for command in commands]


def _clear(transaction: Transaction, room_id: str, deleted_seq: int) -> bool:
    room, database = transaction.log.find(room_id), transaction.database
    if room is None or room.deleted_seq != deleted_seq:
        return False
    if delete_names(database, room_id):
        return True
    for table in ("ban", "named_in_event", "room_detail"):
        database.run(f"DELETE FROM {table} WHERE room_id = ?", (room_id,))
    database.run("UPDATE room SET cleared = 1, name = '', created_by = '' WHERE room_id = ?", (room_id,))
    return False

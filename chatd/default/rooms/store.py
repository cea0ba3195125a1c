"""Rooms: making one, listing them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chatd.default.rooms.membership import join
from chatd.default.rooms.model import Member, Room
from chatd.errors import AlreadyExists, ChatdError, RoomNotFound
from chatd.store.command import Command, Locks, Query
from chatd.store.database import Database
from chatd.store.transaction import Transaction

MAX_MEMBERS = 10_000
"""Members that one answer lists: it travels as one frame."""

_COLUMNS = """room_id, name, head_seq, published_seq, membership_version, created_at_us, created_by, member_count, first_seq,
            hide_previews"""


@dataclass(frozen=True, slots=True)
class CreateRoom(Command[Room]):
    """Make a room whose first event is its members' joining. Refused with AlreadyExists."""

    room_id: str
    name: str
    creator: str
    profiles: tuple[str, ...]
    hide_previews: bool = False

    def locks(self) -> Locks:
        return Locks(profiles=(self.creator, *self.profiles))

    def owner(self) -> str:
        return self.creator

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[CreateRoom]) -> list[Room | ChatdError]:
        return [_create(transaction, command) for command in commands]


def _create(transaction: Transaction, command: CreateRoom) -> Room | ChatdError:
    profiles = sorted({command.creator, *command.profiles})
    inserted = transaction.database.rows(
        """
        INSERT INTO room (room_id, name, created_by, created_at_us, head_seq, published_seq, membership_version, member_count,
            hide_previews)
        VALUES (?, ?, ?, ?, 0, 0, 0, ?, ?)
        ON CONFLICT (room_id) DO NOTHING
        RETURNING room_id
        """,
        (
            command.room_id,
            command.name,
            command.creator,
            transaction.now_us,
            len(profiles),
            int(command.hide_previews),
        ),
    )
    if not inserted:
        return AlreadyExists(f"room {command.room_id!r} exists")
    room = transaction.log.add(command.room_id)
    seq = join(transaction, room, profiles, by=command.creator, before=frozenset(), owner=command.creator)
    transaction.log.flush()
    return Room(
        command.room_id,
        command.name,
        seq,
        0,
        room.version,
        transaction.now_us,
        command.creator,
        len(profiles),
        hide_previews=command.hide_previews,
    )


@dataclass(frozen=True, slots=True)
class ListRooms(Query[tuple[tuple[Room, ...], bool]]):
    """Rooms by id, those after ``after_room_id``; and whether there are more."""

    after_room_id: str
    limit: int

    def answer(self, database: Database) -> tuple[tuple[Room, ...], bool]:
        rows = database.rows(
            f"""
            SELECT {_COLUMNS}
            FROM room
            WHERE room_id > ?
            ORDER BY room_id
            LIMIT ?
            """,
            (self.after_room_id, self.limit + 1),
        )
        return tuple(Room(*row) for row in rows[: self.limit]), len(rows) > self.limit


@dataclass(frozen=True, slots=True)
class GetRoom(Query[tuple[Room, tuple[Member, ...]]]):
    """A room and its members by profile, MAX_MEMBERS at most. Raises RoomNotFound."""

    room_id: str

    def answer(self, database: Database) -> tuple[Room, tuple[Member, ...]]:
        rooms = database.rows(f"SELECT {_COLUMNS} FROM room WHERE room_id = ?", (self.room_id,))
        if not rooms:
            raise RoomNotFound(f"no room {self.room_id!r}")
        members = database.rows(
            """
            SELECT subscription.profile_id, subscription.owner, subscription.joined_seq, COUNT(device.device_id)
            FROM subscription
            LEFT JOIN device ON device.profile_id = subscription.profile_id
            WHERE subscription.room_id = ? AND subscription.left_seq IS NULL
            GROUP BY subscription.profile_id, subscription.owner, subscription.joined_seq
            ORDER BY subscription.profile_id
            LIMIT ?
            """,
            (self.room_id, MAX_MEMBERS),
        )
        return Room(*rooms[0]), tuple(Member(profile, bool(owner), joined, devices) for profile, owner, joined, devices in members)

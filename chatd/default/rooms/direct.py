"""Direct rooms: at most one for each pair of profiles. Its id is made of theirs, so that two nodes
that are asked at once make one room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from chatd.core.member_role import RoomKind
from chatd.default.rooms.access import Acting, authorise_direct
from chatd.default.rooms.limits import NO_LIMITS, RoomLimits, check_created
from chatd.default.rooms.member_log import add
from chatd.default.rooms.model import KIND_RULES, MEMBERSHIP_WEIGHT, Room
from chatd.default.rooms.rights import OPERATOR_RANK, Operation, Right
from chatd.default.rooms.store import add_room, read_room
from chatd.errors import AlreadyExists, ChatdError
from chatd.store.command import Command, Locks
from chatd.store.locked_room import LockedRoom
from chatd.store.transaction import Transaction

PREFIX = "direct."
"""Ids of direct rooms begin with this, and those of no others."""


def direct_room_id(one: str, other: str) -> str:
    """The id of the room of two profiles."""
    # Ids hold no white space: no two pairs make the same line.
    return PREFIX + blake2b(" ".join(sorted((one, other))).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class OpenDirectRoom(Command[Room]):
    """The room of two profiles, which is made if there is none. One that has left it is a member
    again, and a room that was deleted goes on behind its last event. Refused with LimitReached,
    PermissionDenied if one of them has blocked the other, and Conflict if one is banned."""

    creator: str
    other: str
    limits: RoomLimits = NO_LIMITS

    @property
    def room_id(self) -> str:
        return direct_room_id(self.creator, self.other)

    def locks(self) -> Locks:
        return Locks(rooms=(self.room_id,), profiles=(self.creator, self.other))

    def owner(self) -> str:
        return self.creator

    def weight(self) -> int:
        return 1 + 2 * MEMBERSHIP_WEIGHT

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[OpenDirectRoom]) -> list[Room | ChatdError]:
        return [_open_or_refuse(transaction, command) for command in commands]


def _open_or_refuse(transaction: Transaction, command: OpenDirectRoom) -> Room | ChatdError:
    locked = transaction.log.find(command.room_id)
    try:
        authorise_direct(transaction.database, command.creator, command.other)
        if locked is None:
            return _make(transaction, command)
        return _open(transaction, command, locked)
    except AlreadyExists:
        # Another node has made it since the locks were taken, with both as its members.
        return read_room(transaction.database, command.room_id)
    except ChatdError as exc:
        return exc


def _make(transaction: Transaction, command: OpenDirectRoom) -> Room:
    room = Room(
        command.room_id,
        "",
        head_seq=0,
        published_seq=0,
        membership_version=0,
        created_at_us=transaction.now_us,
        created_by=command.creator,
        member_count=0,
        kind=RoomKind.DIRECT,
        rules=KIND_RULES[RoomKind.DIRECT],
    )
    return add_room(transaction, room, (command.other,), command.limits)


def _open(transaction: Transaction, command: OpenDirectRoom, locked: LockedRoom) -> Room:
    log, database = transaction.log, transaction.database
    if locked.deleted_seq:
        check_created(transaction, command.creator, command.limits)
        locked.deleted_seq = 0
        database.run(
            """
            UPDATE room
            SET deleted_seq = 0, cleared = 0, created_by = ?, created_at_us = ?
            WHERE room_id = ?
            """,
            (command.creator, transaction.now_us, command.room_id),
        )
    both = (command.creator, command.other)
    acting = Acting(locked, log.members(locked), OPERATOR_RANK, Right.YES, Operation.ADD)
    add(transaction, acting, both, by=command.creator, limits=command.limits)
    log.flush()
    return read_room(database, command.room_id)

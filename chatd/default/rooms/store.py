"""Rooms: making one, changing it, listing them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from google.protobuf.struct_pb2 import Struct

from chatd.default.limits import MAX_LIMIT
from chatd.default.pages import Order, Place
from chatd.default.rooms.access import require_owner, room_for
from chatd.default.rooms.limits import NO_LIMITS, RoomLimits, check_created, check_joining
from chatd.default.rooms.membership import join
from chatd.default.rooms.model import MEMBERSHIP_WEIGHT, Member, Room, RoomChange
from chatd.errors import AlreadyExists, ChatdError, RoomNotFound
from chatd.pb.events.v1.payloads_pb2 import EventLink, EventType
from chatd.store.command import Command, Locks, Query
from chatd.store.database import Database
from chatd.store.transaction import Transaction

_COLUMNS = """room_id, name, head_seq, published_seq, membership_version, created_at_us, created_by,
    member_count, first_seq,
            hide_previews"""


@dataclass(frozen=True, slots=True)
class CreateRoom(Command[Room]):
    """Make a room whose first event is its members' joining. Refused with AlreadyExists,
    LimitReached."""

    room_id: str
    name: str
    creator: str
    profiles: tuple[str, ...]
    hide_previews: bool = False
    limits: RoomLimits = NO_LIMITS

    def locks(self) -> Locks:
        return Locks(profiles=(self.creator, *self.profiles))

    def owner(self) -> str:
        return self.creator

    def weight(self) -> int:
        return 1 + MEMBERSHIP_WEIGHT * len(self.profiles)

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[CreateRoom]) -> list[Room | ChatdError]:
        return [_create(transaction, command) for command in commands]


def _create(transaction: Transaction, command: CreateRoom) -> Room | ChatdError:
    profiles = sorted({command.creator, *command.profiles})
    try:
        check_created(transaction, command.creator, command.limits)
        check_joining(transaction, profiles, 0, command.limits)
    except ChatdError as exc:
        return exc
    inserted = transaction.database.rows(
        """
        INSERT INTO room (room_id, name, created_by, created_at_us, head_seq, published_seq,
            membership_version, member_count,
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
        return AlreadyExists(f"room '{command.room_id}' exists")
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
class UpdateRoom(Command[RoomChange]):
    """Change a room's name or settings (None: as it is), and say so in its log. Refused with
    NotAMember and PermissionDenied, for an ``operator`` with RoomNotFound."""

    room_id: str
    by: str
    operator: bool
    name: str | None = None
    hide_previews: bool | None = None

    def locks(self) -> Locks:
        return Locks(rooms=(self.room_id,))

    def owner(self) -> str:
        return self.by

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[UpdateRoom]) -> list[RoomChange | ChatdError]:
        return [_update(transaction, command) for command in commands]


def _update(transaction: Transaction, command: UpdateRoom) -> RoomChange | ChatdError:
    database, log = transaction.database, transaction.log
    try:
        if command.operator:
            locked = log.room(command.room_id)
            members = log.members(locked)
        else:
            locked, members = room_for(transaction, command.room_id, command.by)
            require_owner(transaction, locked, command.by)
    except ChatdError as exc:
        return exc
    log.flush()
    room = _read_room(database, command.room_id)
    name = room.name if command.name is None else command.name
    hide_previews = room.hide_previews if command.hide_previews is None else command.hide_previews
    changed: dict[str, str | bool] = {}
    if name != room.name:
        changed["name"] = name
    if hide_previews != room.hide_previews:
        changed["hide_previews"] = hide_previews
    if not changed:
        return RoomChange(room, 0)
    payload = Struct()
    payload.update(changed)
    link = EventLink(event_id=uuid.uuid4().hex, sender_id=command.by, type=EventType.EVENT_TYPE_ROOM)
    seq = log.append(locked, link, payload.SerializeToString(deterministic=True), b"", members)
    database.run(
        "UPDATE room SET name = ?, hide_previews = ? WHERE room_id = ?",
        (name, int(hide_previews), command.room_id),
    )
    return RoomChange(replace(room, name=name, hide_previews=hide_previews, head_seq=seq), seq)


def _read_room(database: Database, room_id: str) -> Room:
    """Raises RoomNotFound."""
    rows = database.rows(f"SELECT {_COLUMNS} FROM room WHERE room_id = ?", (room_id,))
    if not rows:
        raise RoomNotFound(f"no room '{room_id}'")
    return _to_room(rows[0])


def _to_room(row: Sequence[Any]) -> Room:
    return replace(Room(*row), hide_previews=bool(row[-1]))


ORDERS = {"head_seq": "head_seq", "member_count": "member_count", "created_at_us": "created_at_us"}
"""The SQL of each order of ListRooms but the one by id. All rooms are read for any of them."""
OLDEST = Order("created_at_us", "created_at_us", ("room_id",))


@dataclass(frozen=True, slots=True)
class ListRooms(Query[tuple[tuple[Room, ...], bool]]):
    """Rooms by id, those after ``after_room_id``, or in another order, those behind a place; and
    whether there are more."""

    after_room_id: str
    limit: int
    order: Order | None = None
    after: Place = ()

    def answer(self, database: Database) -> tuple[tuple[Room, ...], bool]:
        behind, place = self.order.behind(self.after) if self.order else ("", [])
        rows = database.rows(
            f"""
            SELECT {_COLUMNS}
            FROM room
            WHERE room_id > ?{behind}
            ORDER BY {self.order.by if self.order else "room_id"}
            LIMIT ?
            """,
            (self.after_room_id, *place, self.limit + 1),
        )
        return tuple(_to_room(row) for row in rows[: self.limit]), len(rows) > self.limit


@dataclass(frozen=True, slots=True)
class GetRoom(Query[tuple[Room, tuple[Member, ...], bool]]):
    """A room, its members by profile, and whether there are more. Raises RoomNotFound."""

    room_id: str
    after_profile_id: str = ""
    limit: int = MAX_LIMIT

    def answer(self, database: Database) -> tuple[Room, tuple[Member, ...], bool]:
        room = _read_room(database, self.room_id)
        members = database.rows(
            """
            SELECT subscription.profile_id, subscription.owner, subscription.joined_seq, COUNT(device.device_id)
            FROM subscription
            LEFT JOIN device ON device.profile_id = subscription.profile_id
            WHERE subscription.room_id = ? AND subscription.left_seq IS NULL AND subscription.profile_id > ?
            GROUP BY subscription.profile_id, subscription.owner, subscription.joined_seq
            ORDER BY subscription.profile_id
            LIMIT ?
            """,
            (self.room_id, self.after_profile_id, self.limit + 1),
        )
        page = tuple(
            Member(profile, bool(owner), joined, devices)
            for profile, owner, joined, devices in members[: self.limit]
        )
        return room, page, len(members) > self.limit

"""Rooms: making one, listing them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from chatd.core.member_role import MemberRole, RoomKind
from chatd.default.limits import MAX_LIMIT
from chatd.default.pages import Order, Place
from chatd.default.rooms.access import Acting, refuse_blocked
from chatd.default.rooms.invitations import invite
from chatd.default.rooms.limits import NO_LIMITS, RoomLimits, check_created, check_inviting, check_joining
from chatd.default.rooms.member_log import join
from chatd.default.rooms.model import KIND_RULES, MEMBERSHIP_WEIGHT, NO_RULES, Member, Room, RoomRules
from chatd.default.rooms.rights import OPERATOR_RANK, Operation, Right
from chatd.errors import AlreadyExists, ChatdError, RoomNotFound
from chatd.store.command import Command, Locks, Query
from chatd.store.database import Database
from chatd.store.locked_room import LockedRoom
from chatd.store.statements import placeholders
from chatd.store.transaction import Transaction

COLUMNS = """room_id, name, head_seq, published_seq, membership_version, created_at_us, created_by,
    member_count, first_seq,
            hide_previews, kind, public, add_role, send_role, urgent_role, mention_all_role, requires_approval,
            keep_days, keep_events,
            (SELECT description FROM room_detail WHERE room_detail.room_id = room.room_id),
            (SELECT metadata FROM room_detail WHERE room_detail.room_id = room.room_id),
            settings_version,
            deleted_seq"""


@dataclass(frozen=True, slots=True)
class CreateRoom(Command[Room]):
    """Make a room whose first event is its members' joining; with ``invites`` the creator's, and
    the others are invited. Refused with AlreadyExists, LimitReached, and unless it is an
    operator's with PermissionDenied if one of them has blocked the creator."""

    room_id: str
    name: str
    creator: str
    profiles: tuple[str, ...]
    hide_previews: bool = False
    limits: RoomLimits = NO_LIMITS
    kind: RoomKind = RoomKind.GROUP
    public: bool = False
    rules: RoomRules = NO_RULES
    description: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    invites: bool = False
    operator: bool = False

    @property
    def others(self) -> tuple[str, ...]:
        """The profiles other than the creator."""
        return tuple(one for one in self.profiles if one != self.creator)

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
    room = Room(
        command.room_id,
        command.name,
        head_seq=0,
        published_seq=0,
        membership_version=0,
        created_at_us=transaction.now_us,
        created_by=command.creator,
        member_count=0,
        hide_previews=command.hide_previews,
        kind=command.kind,
        public=command.public,
        rules=command.rules.over(KIND_RULES[command.kind]),
        description=command.description,
        metadata=command.metadata,
    )
    try:
        if command.others and not command.operator:
            refuse_blocked(transaction.database, command.creator, command.others)
        if command.invites:
            check_inviting(transaction, room.room_id, command.others, 1, command.limits)
            return _invite_others(transaction, add_room(transaction, room, (), command.limits), command)
        return add_room(transaction, room, command.profiles, command.limits)
    except ChatdError as exc:
        return exc


def _invite_others(transaction: Transaction, room: Room, command: CreateRoom) -> Room:
    """Their invitations are the room's second event. All has been looked at before: a refused
    command has changed nothing."""
    log = transaction.log
    locked = log.room(room.room_id)
    acting = Acting(locked, log.members(locked), OPERATOR_RANK, Right.YES, Operation.ADD)
    change = invite(transaction, acting, command.others, by=command.creator, limits=NO_LIMITS)
    log.flush()
    return replace(room, head_seq=change.seq or room.head_seq)


def add_room(transaction: Transaction, room: Room, profiles: Sequence[str], limits: RoomLimits) -> Room:
    """Add a room with its creator and ``profiles``. Raises AlreadyExists, LimitReached."""
    creator, rules = room.created_by, room.rules
    members = sorted({creator, *profiles})
    check_created(transaction, creator, limits)
    check_joining(transaction, members, 0, limits)
    inserted = transaction.database.rows(
        """
        INSERT INTO room (room_id, name, created_by, created_at_us, head_seq, published_seq,
            membership_version, member_count,
            hide_previews, kind, public, add_role, send_role, urgent_role, mention_all_role, requires_approval,
            keep_days, keep_events)
        VALUES (?, ?, ?, ?, 0, 0, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (room_id) DO NOTHING
        RETURNING room_id
        """,
        (
            room.room_id,
            room.name,
            creator,
            room.created_at_us,
            len(members),
            int(room.hide_previews),
            int(room.kind),
            int(room.public),
            int(rules.add),
            int(rules.send),
            int(rules.urgent),
            int(rules.mention_all),
            int(rules.requires_approval or 0),
            rules.keep_days or 0,
            rules.keep_events or 0,
        ),
    )
    if not inserted:
        raise AlreadyExists(f"room '{room.room_id}' exists")
    write_detail(transaction.database, room)
    locked = transaction.log.add(
        LockedRoom(
            room.room_id,
            0,
            0,
            kind=room.kind,
            public=int(room.public),
            add_role=rules.add,
            send_role=rules.send,
            urgent_role=rules.urgent,
            mention_all_role=rules.mention_all,
        )
    )
    roles = {} if room.kind == RoomKind.DIRECT else {creator: MemberRole.OWNER}
    seq = join(transaction, locked, members, by=creator, before=None, roles=roles)
    transaction.log.flush()
    return replace(room, head_seq=seq, membership_version=locked.version, member_count=len(members))


def write_detail(database: Database, room: Room) -> None:
    """Write a room's description and metadata, in place of what was there."""
    database.run("DELETE FROM room_detail WHERE room_id = ?", (room.room_id,))
    if room.description or room.metadata:
        database.run(
            "INSERT INTO room_detail (room_id, description, metadata) VALUES (?, ?, ?)",
            (room.room_id, room.description, json.dumps(room.metadata, ensure_ascii=False, sort_keys=True)),
        )


def read_room(database: Database, room_id: str) -> Room:
    """Raises RoomNotFound."""
    found = read_rooms(database, (room_id,))
    if not found:
        raise RoomNotFound(f"no room '{room_id}'")
    return found[room_id]


def read_rooms(database: Database, room_ids: Sequence[str]) -> dict[str, Room]:
    """Those of the rooms that there are, by id."""
    rows = database.rows(
        f"SELECT {COLUMNS} FROM room WHERE room_id IN ({placeholders(len(room_ids))})", room_ids
    )
    return {row[0]: to_room(row) for row in rows}


def to_room(row: Sequence[Any]) -> Room:
    """The room of a row of COLUMNS."""
    hide_previews, kind, public, *rules, description, metadata, version, deleted_seq = row[9:]
    add, send, urgent, mention_all, requires_approval, keep_days, keep_events = rules
    room = Room(*row[:9])
    return replace(
        room,
        hide_previews=bool(hide_previews),
        kind=kind,
        public=bool(public),
        rules=RoomRules(add, send, urgent, mention_all, bool(requires_approval), keep_days, keep_events),
        description=description or "",
        metadata=json.loads(metadata or "{}"),
        settings_version=version,
        deleted_seq=deleted_seq,
    )


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
            SELECT {COLUMNS}
            FROM room
            WHERE room_id > ? AND cleared = 0{behind}
            ORDER BY {self.order.by if self.order else "room_id"}
            LIMIT ?
            """,
            (self.after_room_id, *place, self.limit + 1),
        )
        return tuple(to_room(row) for row in rows[: self.limit]), len(rows) > self.limit


@dataclass(frozen=True, slots=True)
class GetRoom(Query[tuple[Room, tuple[Member, ...], bool]]):
    """A room, its members by profile, and whether there are more. Raises RoomNotFound."""

    room_id: str
    after_profile_id: str = ""
    limit: int = MAX_LIMIT

    def answer(self, database: Database) -> tuple[Room, tuple[Member, ...], bool]:
        room = read_room(database, self.room_id)
        members = database.rows(
            """
            SELECT subscription.profile_id, COALESCE(room_role.role, ?), subscription.joined_seq,
                COUNT(device.device_id)
            FROM subscription
            LEFT JOIN room_role ON room_role.room_id = subscription.room_id
                AND room_role.profile_id = subscription.profile_id
            LEFT JOIN device ON device.profile_id = subscription.profile_id
            WHERE subscription.room_id = ? AND subscription.left_seq IS NULL AND subscription.profile_id > ?
            GROUP BY subscription.profile_id, room_role.role, subscription.joined_seq
            ORDER BY subscription.profile_id
            LIMIT ?
            """,
            (MemberRole.MEMBER.value, self.room_id, self.after_profile_id, self.limit + 1),
        )
        return room, tuple(Member(*row) for row in members[: self.limit]), len(members) > self.limit

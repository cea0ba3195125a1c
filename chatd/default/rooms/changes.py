"""Changing a room's name and settings, and closing it for ever. Its log says so, as events of type
ROOM."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from google.protobuf.struct_pb2 import Struct

from chatd.core.member_role import MemberRole, RoomKind
from chatd.default.rooms.access import Acting, authorise
from chatd.default.rooms.change import RoomCommand
from chatd.default.rooms.limits import NO_LIMITS, RoomLimits
from chatd.default.rooms.model import NO_RULES, ROLE_RULES, Room, RoomChange, RoomRules, metadata_bytes
from chatd.default.rooms.rights import Operation
from chatd.default.rooms.store import read_room, write_detail
from chatd.errors import ChatdError, Conflict, InvalidArgument
from chatd.pb.events.v1.payloads_pb2 import EventLink, EventType
from chatd.store.command import Command, Locks
from chatd.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class UpdateRoom(RoomCommand[RoomChange]):
    """Change a room's name or settings (None: as it is), and say so in its log. ``metadata`` has
    the keys to change; an empty value removes one. Refused with NotAMember (for an ``operator``
    RoomNotFound), PermissionDenied, InvalidArgument for rules of a direct room, LimitReached for
    too much metadata, and with Conflict if the room has another settings version
    than ``expected``."""

    room_id: str
    by: str
    operator: bool
    name: str | None = None
    hide_previews: bool | None = None
    public: bool | None = None
    rules: RoomRules = NO_RULES
    description: str | None = None
    metadata: Mapping[str, str] | None = None
    expected: int | None = None
    limits: RoomLimits = NO_LIMITS

    def locks(self) -> Locks:
        return Locks(rooms=(self.room_id,))

    def owner(self) -> str:
        return self.by

    def named(self) -> tuple[str, ...]:
        return ()

    def authorise(self, transaction: Transaction) -> Acting:
        acting = authorise(transaction, Operation.UPDATE, self.room_id, self.by, operator=self.operator)
        if self.public is not None or self.rules != NO_RULES:
            authorise(transaction, Operation.SET_RULES, self.room_id, self.by, operator=self.operator)
            if acting.room.kind == RoomKind.DIRECT:
                raise InvalidArgument(f"room '{self.room_id}' is direct: its rules are fixed")
        return acting

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[UpdateRoom]) -> list[RoomChange | ChatdError]:
        return [_update_or_refuse(transaction, command) for command in commands]


def _update_or_refuse(transaction: Transaction, command: UpdateRoom) -> RoomChange | ChatdError:
    try:
        return _update(transaction, command, command.authorise(transaction))
    except ChatdError as exc:
        return exc


def _update(transaction: Transaction, command: UpdateRoom, acting: Acting) -> RoomChange:
    transaction.log.flush()
    room = read_room(transaction.database, command.room_id)
    if command.expected is not None and command.expected != room.settings_version:
        raise Conflict(f"room '{room.room_id}' has settings version {room.settings_version}")
    new = _changed_room(room, command)
    changes = _changes(room, new)
    if not changes:
        return RoomChange(room, 0)
    if "description" in changes or "metadata" in changes:
        command.limits.check_metadata(metadata_bytes(new.description, new.metadata))
    seq = _append(transaction, acting, command.by, changes)
    _write(transaction, acting, new)
    return RoomChange(replace(new, head_seq=seq, settings_version=room.settings_version + 1), seq)


def _changed_room(room: Room, command: UpdateRoom) -> Room:
    """The room as it is to be."""
    metadata = {**room.metadata, **(command.metadata or {})}
    return replace(
        room,
        name=room.name if command.name is None else command.name,
        hide_previews=room.hide_previews if command.hide_previews is None else command.hide_previews,
        public=room.public if command.public is None else command.public,
        rules=command.rules.over(room.rules),
        description=room.description if command.description is None else command.description,
        metadata={key: value for key, value in metadata.items() if value},
    )


def _changes(room: Room, new: Room) -> dict[str, Any]:
    """The difference, as the log says it."""
    changes: dict[str, Any] = {
        name: getattr(new, name)
        for name in ("name", "hide_previews", "public", "description")
        if getattr(new, name) != getattr(room, name)
    }
    rules = {
        name: MemberRole(rule).name.lower() if name in ROLE_RULES else rule
        for name in RoomRules.__slots__
        if (rule := getattr(new.rules, name)) != getattr(room.rules, name)
    }
    keys = sorted({*room.metadata, *new.metadata})
    metadata = {
        key: new.metadata.get(key, "") for key in keys if new.metadata.get(key) != room.metadata.get(key)
    }
    return changes | ({"rules": rules} if rules else {}) | ({"metadata": metadata} if metadata else {})


def _append(transaction: Transaction, acting: Acting, by: str, changes: Mapping[str, Any]) -> int:
    payload = Struct()
    payload.update(changes)
    link = EventLink(event_id=uuid.uuid4().hex, sender_id=by, type=EventType.EVENT_TYPE_ROOM)
    return transaction.log.append(
        acting.room, link, payload.SerializeToString(deterministic=True), b"", acting.members
    )


def _write(transaction: Transaction, acting: Acting, room: Room) -> None:
    locked, rules = acting.room, room.rules
    locked.public, locked.add_role, locked.send_role = int(room.public), rules.add, rules.send
    locked.urgent_role, locked.mention_all_role = rules.urgent, rules.mention_all
    transaction.database.run(
        """
        UPDATE room
        SET name = ?, hide_previews = ?, public = ?, add_role = ?, send_role = ?, urgent_role = ?,
            mention_all_role = ?, requires_approval = ?, keep_days = ?, keep_events = ?,
            settings_version = settings_version + 1
        WHERE room_id = ?
        """,
        (
            room.name,
            int(room.hide_previews),
            int(room.public),
            int(rules.add),
            int(rules.send),
            int(rules.urgent),
            int(rules.mention_all),
            int(rules.requires_approval or 0),
            rules.keep_days or 0,
            rules.keep_events or 0,
            room.room_id,
        ),
    )
    write_detail(transaction.database, room)


@dataclass(frozen=True, slots=True)
class DeleteRoom(Command[int]):
    """Close a room: the seq of its last event, which everybody gets who is a member. Then it is no
    room any more but for its history, and ``retention/deleted_rooms.py`` removes it. Refused with
    NotAMember (for an ``operator`` RoomNotFound), PermissionDenied."""

    room_id: str
    by: str
    operator: bool

    def locks(self) -> Locks:
        return Locks(rooms=(self.room_id,))

    def owner(self) -> str:
        return self.by

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[DeleteRoom]) -> list[int | ChatdError]:
        return [_delete_or_refuse(transaction, command) for command in commands]


def _delete_or_refuse(transaction: Transaction, command: DeleteRoom) -> int | ChatdError:
    try:
        acting = authorise(
            transaction, Operation.DELETE, command.room_id, command.by, operator=command.operator
        )
    except ChatdError as exc:
        return exc
    seq = _append(transaction, acting, command.by, {"deleted": True})
    acting.room.deleted_seq = seq
    transaction.database.run("UPDATE room SET deleted_seq = ? WHERE room_id = ?", (seq, command.room_id))
    for table in ("room_proposal", "invitation"):
        transaction.database.run(f"DELETE FROM {table} WHERE room_id = ?", (command.room_id,))
    return seq

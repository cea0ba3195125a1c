"""Joining and leaving. Each change is an event of the room's log, and moves outbox entries in the
same transaction."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from google.protobuf.struct_pb2 import Struct

from chatd.core.model import Members
from chatd.default.rooms.access import require_owner, room_for
from chatd.default.rooms.limits import NO_LIMITS, RoomLimits, check_joining
from chatd.default.rooms.model import MEMBERSHIP_WEIGHT, MembershipChange
from chatd.errors import ChatdError
from chatd.pb.events.v1.payloads_pb2 import EventLink, EventType
from chatd.store.command import Command, Locks
from chatd.store.database import placeholders
from chatd.store.room_log import LockedRoom
from chatd.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class AddSubscriptions(Command[MembershipChange]):
    """Make profiles members. Refused with LimitReached, and NotAMember, for an ``operator`` with
    RoomNotFound."""

    room_id: str
    profiles: tuple[str, ...]
    by: str
    operator: bool
    limits: RoomLimits = NO_LIMITS

    def locks(self) -> Locks:
        return Locks(rooms=(self.room_id,), profiles=self.profiles)

    def owner(self) -> str:
        return self.by

    def weight(self) -> int:
        return MEMBERSHIP_WEIGHT * len(self.profiles)

    @classmethod
    def apply(
        cls, transaction: Transaction, commands: Sequence[AddSubscriptions]
    ) -> list[MembershipChange | ChatdError]:
        return [_add_or_refuse(transaction, command) for command in commands]


@dataclass(frozen=True, slots=True)
class RemoveSubscriptions(Command[MembershipChange]):
    """End memberships. Refused with NotAMember and PermissionDenied, for an ``operator`` with
    RoomNotFound."""

    room_id: str
    profiles: tuple[str, ...]
    by: str
    operator: bool

    def locks(self) -> Locks:
        entries = [(profile_id, "", self.room_id) for profile_id in self.profiles]
        return Locks(rooms=(self.room_id,), profiles=self.profiles, entries=entries)

    def owner(self) -> str:
        return self.by

    def weight(self) -> int:
        return MEMBERSHIP_WEIGHT * len(self.profiles)

    @classmethod
    def apply(
        cls, transaction: Transaction, commands: Sequence[RemoveSubscriptions]
    ) -> list[MembershipChange | ChatdError]:
        return [_remove_or_refuse(transaction, command) for command in commands]


def _add_or_refuse(transaction: Transaction, command: AddSubscriptions) -> MembershipChange | ChatdError:
    try:
        room, members = _find(transaction, command)
        joining = sorted(set(command.profiles) - members.profiles)
        check_joining(transaction, joining, len(members.profiles), command.limits)
    except ChatdError as exc:
        return exc
    if not joining:
        return MembershipChange((), 0)
    seq = join(transaction, room, joining, by=command.by, before=members.profiles, owner=None)
    _count_members(transaction, transaction.log.members(room))
    return MembershipChange(tuple(joining), seq)


def _find(
    transaction: Transaction, command: AddSubscriptions | RemoveSubscriptions
) -> tuple[LockedRoom, Members]:
    """The room and its members. Raises RoomNotFound for an operator, NotAMember for others."""
    if not command.operator:
        return room_for(transaction, command.room_id, command.by)
    room = transaction.log.room(command.room_id)
    return room, transaction.log.members(room)


def _remove_or_refuse(
    transaction: Transaction, command: RemoveSubscriptions
) -> MembershipChange | ChatdError:
    try:
        room, members = _find(transaction, command)
        if not command.operator and set(command.profiles) != {command.by}:
            require_owner(transaction, room, command.by)
    except ChatdError as exc:
        return exc
    leaving = sorted(set(command.profiles) & members.profiles)
    if not leaving:
        return MembershipChange((), 0)
    return MembershipChange(tuple(leaving), leave(transaction, room, leaving, by=command.by))


def join(
    transaction: Transaction,
    room: LockedRoom,
    profiles: Sequence[str],
    *,
    by: str,
    before: frozenset[str],
    owner: str | None,
) -> int:
    """Profiles that are not members become members; the seq of the event that says so. Their
    devices are owed it."""
    database = transaction.database
    after = transaction.log.set_members(room, before | set(profiles))
    seq = _append(transaction, room, by, "joined", profiles, after)
    values, parameters = database.values(
        "ttii", [(room.room_id, one, seq, int(one == owner)) for one in profiles]
    )
    database.run(
        f"""
        WITH v(room_id, profile_id, joined_seq, owner) AS ({values})
        INSERT INTO subscription (room_id, profile_id, joined_seq, owner, push)
        SELECT v.room_id, v.profile_id, v.joined_seq, v.owner,
            CASE WHEN EXISTS (SELECT 1 FROM push WHERE push.profile_id = v.profile_id) THEN 1 ELSE 0 END
        FROM v
        """,
        parameters,
    )
    _count_rooms(transaction, profiles, 1)
    # An entry begins before the joining itself: a device that joins sees it.
    database.run(
        f"""
        INSERT INTO outbox (profile_id, device_id, room_id, start_seq, acked_seq, created_at_us)
        SELECT profile_id, device_id, CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT)
        FROM device
        WHERE profile_id IN ({placeholders(len(profiles))})
        """,
        (room.room_id, seq - 1, seq - 1, transaction.now_us, *profiles),
    )
    return seq


def leave(
    transaction: Transaction,
    room: LockedRoom,
    profiles: Sequence[str],
    *,
    by: str,
    shown_as: Mapping[str, str] | None = None,
) -> int:
    """Members leave; the seq of the event that says so, which they still get. ``shown_as``: other
    names for profiles that the event must not name."""
    log = transaction.log
    members = log.members(room)
    named = [(shown_as or {}).get(profile_id, profile_id) for profile_id in profiles]
    seq = _append(transaction, room, by, "left", named, members)
    after = log.set_members(room, members.profiles - set(profiles))
    for table, column in (("subscription", "left_seq"), ("outbox", "until_seq")):
        transaction.database.run(
            f"""
            UPDATE {table}
            SET {column} = ?
            WHERE room_id = ? AND profile_id IN ({placeholders(len(profiles))}) AND {column} IS NULL
            """,
            (seq, room.room_id, *profiles),
        )
    _count_rooms(transaction, profiles, -1)
    _count_members(transaction, after)
    return seq


def _append(
    transaction: Transaction,
    room: LockedRoom,
    by: str,
    change: str,
    profiles: Sequence[str],
    recipients: Members,
) -> int:
    payload = Struct()
    payload.update({change: list(profiles), "by": by})
    link = EventLink(event_id=uuid.uuid4().hex, sender_id=by, type=EventType.EVENT_TYPE_MEMBERSHIP)
    return transaction.log.append(
        room, link, payload.SerializeToString(deterministic=True), b"", recipients, alone=True
    )


def _count_rooms(transaction: Transaction, profiles: Sequence[str], change: int) -> None:
    """The profiles are members of so many rooms more."""
    for profile_id in profiles:
        transaction.must_hold(profile_id=profile_id)
    transaction.database.run(
        f"UPDATE profile SET rooms = rooms + ? WHERE profile_id IN ({placeholders(len(profiles))})",
        (change, *profiles),
    )


def _count_members(transaction: Transaction, members: Members) -> None:
    transaction.database.run(
        "UPDATE room SET member_count = ? WHERE room_id = ?", (len(members.profiles), members.room_id)
    )

"""Memberships begin and end: an event of the room's log, and rows that move in the same
transaction."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.struct_pb2 import Struct

from chatd.core.member_role import MemberRole
from chatd.core.model import Members
from chatd.default.rooms.access import Acting, find_banned, refuse_blocked
from chatd.default.rooms.limits import RoomLimits, check_joining
from chatd.default.rooms.model import MembershipChange
from chatd.default.rooms.roles import find_successor, name_in_event, set_roles
from chatd.errors import Conflict
from chatd.pb.events.v1.payloads_pb2 import EventLink, EventType
from chatd.store.database import Database
from chatd.store.locked_room import LockedRoom
from chatd.store.statements import placeholders
from chatd.store.transaction import Transaction


def add(
    transaction: Transaction,
    acting: Acting,
    profiles: Sequence[str],
    *,
    by: str,
    limits: RoomLimits,
    adder: str = "",
    role: MemberRole = MemberRole.MEMBER,
) -> MembershipChange:
    """Those that are not members become members. None of them must have blocked the ``adder``.
    Raises LimitReached, Conflict, PermissionDenied."""
    room, members = acting.room, acting.members
    joining = sorted(set(profiles) - members.profiles)
    if not joining:
        return MembershipChange((), 0)
    refuse_banned(transaction.database, room.room_id, joining)
    if adder:
        refuse_blocked(transaction.database, adder, joining)
    check_joining(transaction, joining, len(members.profiles), limits)
    roles = {} if role == MemberRole.MEMBER else dict.fromkeys(joining, role)
    seq = join(transaction, room, joining, by=by, before=members, roles=roles)
    count_members(transaction, transaction.log.members(room))
    return MembershipChange(tuple(joining), seq)


def refuse_banned(database: Database, room_id: str, profiles: Sequence[str]) -> None:
    """None of the profiles is banned from the room. Raises Conflict."""
    banned = find_banned(database, room_id, profiles)
    if banned:
        names = ", ".join(f"'{profile_id}'" for profile_id in banned[:3])
        raise Conflict(f"banned from room '{room_id}': {names}; take the bans back first")


def join(
    transaction: Transaction,
    room: LockedRoom,
    profiles: Sequence[str],
    *,
    by: str,
    before: Members | None,
    roles: Mapping[str, int],
) -> int:
    """Profiles that are not members become members; the seq of the event that says so. Their
    devices are owed it. ``roles``: of those that are not to be MEMBER, all the same one. ``before``
    None: the room is new."""
    database = transaction.database
    known = frozenset[str]() if before is None else before.profiles
    after = transaction.log.set_members(
        room, known | set(profiles), {**(before.roles if before is not None else {}), **roles}
    )
    payload: dict[str, Any] = {"joined": list(profiles)}
    if roles:
        role = MemberRole(next(iter(roles.values())))
        payload |= (
            {"owner": by} if role is MemberRole.OWNER and before is None else {"role": role.name.lower()}
        )
    seq = append_change(transaction, room, by, payload, after)
    set_roles(transaction, room, roles)
    values, parameters = database.values("tti", [(room.room_id, one, seq) for one in profiles])
    database.run(
        f"""
        WITH v(room_id, profile_id, joined_seq) AS ({values})
        INSERT INTO subscription (room_id, profile_id, joined_seq, push)
        SELECT v.room_id, v.profile_id, v.joined_seq,
            CASE WHEN EXISTS (SELECT 1 FROM push WHERE push.profile_id = v.profile_id) THEN 1 ELSE 0 END
        FROM v
        """,
        parameters,
    )
    count_rooms(transaction, profiles, 1)
    if before is not None:
        forget_invitations(database, room.room_id, profiles)
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
    banned: Sequence[str] = (),
) -> int:
    """Members leave; the seq of the event that says so, which they still get. When no owner is
    left, another member becomes one. ``shown_as``: other names for profiles that the event must not
    name. ``banned``: profiles that it also names as such."""
    log = transaction.log
    members = log.members(room)
    named = [(shown_as or {}).get(profile_id, profile_id) for profile_id in profiles]
    payload: dict[str, Any] = {"left": named}
    if banned:
        payload["banned"] = list(banned)
    leaving = set(profiles)
    roles = {one: role for one, role in members.roles.items() if one not in leaving}
    successor = find_successor(transaction, room, members, roles, profiles)
    if successor:
        payload["owner"] = successor
        roles[successor] = MemberRole.OWNER
    seq = append_change(transaction, room, by, payload, members)
    after = log.set_members(room, members.profiles - set(profiles), roles)
    among = placeholders(len(profiles))
    for table, column in (("subscription", "left_seq"), ("outbox", "until_seq")):
        transaction.database.run(
            f"""
            UPDATE {table}
            SET {column} = ?
            WHERE room_id = ? AND profile_id IN ({among}) AND {column} IS NULL
            """,
            (seq, room.room_id, *profiles),
        )
    transaction.database.run(
        f"DELETE FROM room_role WHERE room_id = ? AND profile_id IN ({among})", (room.room_id, *profiles)
    )
    if successor:
        set_roles(transaction, room, {successor: MemberRole.OWNER})
        name_in_event(transaction, room, seq, [successor])
    count_rooms(transaction, profiles, -1)
    count_members(transaction, after)
    if room.blocked:
        room.blocked = 0  # the other one is alone
        transaction.database.run("UPDATE room SET blocked = 0 WHERE room_id = ?", (room.room_id,))
    return seq


def append_change(
    transaction: Transaction, room: LockedRoom, by: str, changes: Mapping[str, Any], recipients: Members
) -> int:
    """Say in the log what has changed in a room's membership; the event's seq."""
    payload = Struct()
    payload.update({**changes, "by": by})
    link = EventLink(event_id=uuid.uuid4().hex, sender_id=by, type=EventType.EVENT_TYPE_MEMBERSHIP)
    return transaction.log.append(
        room, link, payload.SerializeToString(deterministic=True), b"", recipients, alone=True
    )


def forget_invitations(database: Database, room_id: str, profiles: Sequence[str]) -> None:
    """The profiles are not invited any more."""
    database.run(
        f"DELETE FROM invitation WHERE room_id = ? AND profile_id IN ({placeholders(len(profiles))})",
        (room_id, *profiles),
    )


def count_rooms(transaction: Transaction, profiles: Sequence[str], change: int) -> None:
    """The profiles are members of so many rooms more."""
    for profile_id in profiles:
        transaction.must_hold(profile_id=profile_id)
    transaction.database.run(
        f"UPDATE profile SET rooms = rooms + ? WHERE profile_id IN ({placeholders(len(profiles))})",
        (change, *profiles),
    )


def count_members(transaction: Transaction, members: Members) -> None:
    transaction.database.run(
        "UPDATE room SET member_count = ? WHERE room_id = ?", (len(members.profiles), members.room_id)
    )

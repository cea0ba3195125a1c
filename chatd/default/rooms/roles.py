"""Roles: given by members with higher ones, and passed on by the last owner that goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chatd.core.member_role import MemberRole
from chatd.core.model import Members
from chatd.store.locked_room import LockedRoom
from chatd.store.statements import placeholders
from chatd.store.transaction import Transaction


def set_roles(transaction: Transaction, room: LockedRoom, roles: Mapping[str, int]) -> None:
    """Write the roles of members; MEMBER has no row."""
    database = transaction.database
    if not roles:
        return
    database.run(
        f"DELETE FROM room_role WHERE room_id = ? AND profile_id IN ({placeholders(len(roles))})",
        (room.room_id, *roles),
    )
    rows = [(room.room_id, one, int(role)) for one, role in roles.items() if role != MemberRole.MEMBER]
    if rows:
        values, parameters = database.values("tti", rows)
        database.run(f"INSERT INTO room_role (room_id, profile_id, role) {values}", parameters)


def find_successor(
    transaction: Transaction,
    room: LockedRoom,
    members: Members,
    roles: Mapping[str, int],
    leaving: Sequence[str],
) -> str:
    """The member that becomes the owner when ``leaving`` go, and ``roles`` are left: of those with
    the highest role the one that has been there longest. Empty: there is an owner still, or was
    none, or nobody is left."""
    owned = any(members.role(profile_id) == MemberRole.OWNER for profile_id in leaving)
    if not owned or MemberRole.OWNER in roles.values():
        return ""
    rows = transaction.database.rows(
        f"""
        SELECT subscription.profile_id
        FROM subscription
        LEFT JOIN room_role ON room_role.room_id = subscription.room_id
            AND room_role.profile_id = subscription.profile_id
        WHERE subscription.room_id = ? AND subscription.left_seq IS NULL
            AND subscription.profile_id NOT IN ({placeholders(len(leaving))})
        ORDER BY COALESCE(room_role.role, ?) DESC, subscription.joined_seq, subscription.profile_id
        LIMIT 1
        """,
        (room.room_id, *leaving, MemberRole.MEMBER.value),
    )
    return str(rows[0][0]) if rows else ""


def name_in_event(transaction: Transaction, room: LockedRoom, seq: int, profiles: Sequence[str]) -> None:
    """The event names the profiles, though it neither begins nor ends their memberships."""
    values, parameters = transaction.database.values("tti", [(one, room.room_id, seq) for one in profiles])
    transaction.database.run(f"INSERT INTO named_in_event (profile_id, room_id, seq) {values}", parameters)

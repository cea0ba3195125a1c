"""Invitations: profiles that become members when they say so. Until then a room is nothing to them.
Each change is an event of the room's log, as those of its members."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chatd.core.member_role import MemberRole
from chatd.core.model import Members
from chatd.default.rooms.access import Acting, authorise, authorise_accepting, may_not, refuse_blocked
from chatd.default.rooms.limits import NO_LIMITS, RoomLimits, check_inviting
from chatd.default.rooms.member_log import add, append_change, forget_invitations, refuse_banned
from chatd.default.rooms.model import MEMBERSHIP_WEIGHT, MembershipChange
from chatd.default.rooms.rights import Operation, Right
from chatd.default.rooms.roles import name_in_event
from chatd.errors import ChatdError
from chatd.store.command import Command, Locks
from chatd.store.database import Database
from chatd.store.locked_room import LockedRoom
from chatd.store.statements import placeholders
from chatd.store.transaction import Transaction


def invite(
    transaction: Transaction,
    acting: Acting,
    profiles: Sequence[str],
    *,
    by: str,
    limits: RoomLimits,
    adder: str = "",
    role: MemberRole = MemberRole.MEMBER,
) -> MembershipChange:
    """Those that are no members are invited; an invitation that there is stays as it is. None of
    them must have blocked the ``adder``. The command holds the profiles. Raises LimitReached,
    Conflict, PermissionDenied."""
    room, members, database = acting.room, acting.members, transaction.database
    others = sorted(set(profiles) - members.profiles)
    invited = sorted(set(others) - find_invited(database, room.room_id, others).keys()) if others else []
    if not invited:
        return MembershipChange((), 0)
    refuse_banned(database, room.room_id, invited)
    if adder:
        refuse_blocked(database, adder, invited)
    check_inviting(transaction, room.room_id, invited, len(members.profiles), limits)
    said = {"invited": invited} | ({} if role == MemberRole.MEMBER else {"role": role.name.lower()})
    seq = append_change(transaction, room, by, said, members)
    name_in_event(transaction, room, seq, invited)
    values, parameters = database.values(
        "ttitii", [(room.room_id, one, int(role), by, transaction.now_us, seq) for one in invited]
    )
    database.run(
        f"""
        WITH v(room_id, profile_id, role, invited_by, invited_at_us, seq) AS ({values})
        INSERT INTO invitation (room_id, profile_id, role, invited_by, invited_at_us, seq, untold)
        SELECT v.room_id, v.profile_id, v.role, v.invited_by, v.invited_at_us, v.seq,
            CASE WHEN EXISTS (SELECT 1 FROM push WHERE push.profile_id = v.profile_id) THEN 1 ELSE 0 END
        FROM v
        """,
        parameters,
    )
    return MembershipChange((), seq, tuple(invited))


class Invited(NamedTuple):
    """The role that an invited profile is to have, and who has invited it."""

    role: int
    by: str


def find_invited(database: Database, room_id: str, profiles: Collection[str]) -> dict[str, Invited]:
    """Those of the profiles that are invited."""
    rows = database.rows(
        f"""
        SELECT profile_id, role, invited_by
        FROM invitation
        WHERE room_id = ? AND profile_id IN ({placeholders(len(profiles))})
        """,
        (room_id, *profiles),
    )
    return {profile_id: Invited(role, by) for profile_id, role, by in rows}


@dataclass(frozen=True, slots=True)
class AcceptInvitation(Command[MembershipChange]):
    """Make a profile a member that was invited. Refused with LimitReached, NotAMember."""

    room_id: str
    profile_id: str
    limits: RoomLimits = NO_LIMITS

    def locks(self) -> Locks:
        return Locks(rooms=(self.room_id,), profiles=(self.profile_id,))

    def owner(self) -> str:
        return self.profile_id

    def weight(self) -> int:
        return MEMBERSHIP_WEIGHT

    @classmethod
    def apply(
        cls, transaction: Transaction, commands: Sequence[AcceptInvitation]
    ) -> list[MembershipChange | ChatdError]:
        return [_accept_or_refuse(transaction, command) for command in commands]


def _accept_or_refuse(transaction: Transaction, command: AcceptInvitation) -> MembershipChange | ChatdError:
    own = command.profile_id
    try:
        acting, role = authorise_accepting(transaction, command.room_id, own)
        return add(transaction, acting, (own,), by=own, limits=command.limits, role=role)
    except ChatdError as exc:
        return exc


@dataclass(frozen=True, slots=True)
class DeclineInvitation(Command[MembershipChange]):
    """End a profile's own invitation, if there is one."""

    room_id: str
    profile_id: str

    def locks(self) -> Locks:
        return Locks(rooms=(self.room_id,))

    def owner(self) -> str:
        return self.profile_id

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[DeclineInvitation]) -> list[MembershipChange]:
        return [_decline(transaction, command) for command in commands]


def _decline(transaction: Transaction, command: DeclineInvitation) -> MembershipChange:
    room, own = transaction.log.find(command.room_id), command.profile_id
    if room is None or own not in find_invited(transaction.database, command.room_id, (own,)):
        return MembershipChange((), 0)
    return _end(transaction, room, transaction.log.members(room), [own], by=own)


@dataclass(frozen=True, slots=True)
class WithdrawInvitations(Command[MembershipChange]):
    """End invitations of a room. Refused with NotAMember (for an ``operator`` RoomNotFound),
    PermissionDenied."""

    room_id: str
    profiles: tuple[str, ...]
    by: str
    operator: bool

    def locks(self) -> Locks:
        return Locks(rooms=(self.room_id,))

    def owner(self) -> str:
        return self.by

    def weight(self) -> int:
        return len(self.profiles)

    @classmethod
    def apply(
        cls, transaction: Transaction, commands: Sequence[WithdrawInvitations]
    ) -> list[MembershipChange | ChatdError]:
        return [_withdraw_or_refuse(transaction, command) for command in commands]


def _withdraw_or_refuse(
    transaction: Transaction, command: WithdrawInvitations
) -> MembershipChange | ChatdError:
    operation = Operation.WITHDRAW
    try:
        acting = authorise(transaction, operation, command.room_id, command.by, operator=command.operator)
        invited = find_invited(transaction.database, command.room_id, command.profiles)
        of_others = [one.role for one in invited.values() if one.by != command.by]
        if acting.right is Right.OWN and of_others:
            raise may_not(operation, command.room_id, acting.rank)
        acting.require_over(of_others)
    except ChatdError as exc:
        return exc
    if not invited:
        return MembershipChange((), 0)
    return _end(transaction, acting.room, acting.members, sorted(invited), by=command.by)


def _end(
    transaction: Transaction, room: LockedRoom, members: Members, profiles: Sequence[str], *, by: str
) -> MembershipChange:
    """End these invitations, and say so in the log."""
    forget_invitations(transaction.database, room.room_id, profiles)
    seq = append_change(transaction, room, by, {"uninvited": list(profiles)}, members)
    name_in_event(transaction, room, seq, profiles)
    return MembershipChange(tuple(profiles), seq)

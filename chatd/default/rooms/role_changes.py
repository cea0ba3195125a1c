"""Giving members other roles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from chatd.core.member_role import MemberRole, RoomKind
from chatd.default.rooms.access import Acting, authorise, not_a_member
from chatd.default.rooms.change import RoomCommand
from chatd.default.rooms.member_log import append_change
from chatd.default.rooms.model import MEMBERSHIP_WEIGHT, MembershipChange
from chatd.default.rooms.rights import Operation
from chatd.default.rooms.roles import name_in_event, set_roles
from chatd.errors import ChatdError, Conflict, InvalidArgument
from chatd.store.command import Locks
from chatd.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class SetMemberRole(RoomCommand[MembershipChange]):
    """Give members a role. Refused with NotAMember (for an ``operator`` RoomNotFound),
    PermissionDenied, InvalidArgument in a direct room, and with Conflict if no owner would be left,
    or the room has another membership version than ``expected``."""

    room_id: str
    profiles: tuple[str, ...]
    role: MemberRole
    by: str
    operator: bool
    expected: int | None = None

    def locks(self) -> Locks:
        return Locks(rooms=(self.room_id,))

    def owner(self) -> str:
        return self.by

    def weight(self) -> int:
        return MEMBERSHIP_WEIGHT * len(self.profiles)

    def named(self) -> tuple[str, ...]:
        return self.profiles

    def authorise(self, transaction: Transaction) -> Acting:
        """A member that takes a lower role itself needs no other right."""
        if self.profiles == (self.by,) and not self.operator:
            acting = authorise(transaction, Operation.LOWER_ITSELF, self.room_id, self.by)
            if self.role <= acting.rank:
                return acting
        acting = authorise(transaction, Operation.SET_ROLE, self.room_id, self.by, operator=self.operator)
        ranks = [acting.members.role(one) for one in self.profiles if one in acting.members.profiles]
        acting.require_over((self.role, *ranks))
        return acting

    def as_approved(self, by: str) -> Self:
        """At any version: each that joins or leaves meanwhile changes it."""
        return replace(self, expected=None)

    @classmethod
    def apply(
        cls, transaction: Transaction, commands: Sequence[SetMemberRole]
    ) -> list[MembershipChange | ChatdError]:
        return [_set_or_refuse(transaction, command) for command in commands]


def _set_or_refuse(transaction: Transaction, command: SetMemberRole) -> MembershipChange | ChatdError:
    try:
        return _set(transaction, command, command.authorise(transaction))
    except ChatdError as exc:
        return exc


def _set(transaction: Transaction, command: SetMemberRole, acting: Acting) -> MembershipChange:
    room, members, log = acting.room, acting.members, transaction.log
    if room.kind == RoomKind.DIRECT:
        raise InvalidArgument(f"room '{room.room_id}' is direct: its members have no roles")
    if command.expected is not None and command.expected != room.version:
        raise Conflict(f"room '{room.room_id}' has membership version {room.version}")
    for profile_id in command.profiles:
        if profile_id not in members.profiles:
            raise not_a_member(profile_id, room.room_id)
    changed = sorted(one for one in command.profiles if members.role(one) != command.role)
    if not changed:
        return MembershipChange((), 0)
    changing = set(changed)
    roles = {one: role for one, role in members.roles.items() if one not in changing}
    if command.role != MemberRole.MEMBER:
        roles |= dict.fromkeys(changed, command.role)
    if MemberRole.OWNER in members.roles.values() and MemberRole.OWNER not in roles.values():
        raise Conflict(f"room '{room.room_id}' would have no owner: make another member one first")
    after = log.set_members(room, members.profiles, roles)
    change = {"changed": changed, "role": command.role.name.lower()}
    seq = append_change(transaction, room, command.by, change, after)
    set_roles(transaction, room, dict.fromkeys(changed, command.role))
    name_in_event(transaction, room, seq, changed)
    return MembershipChange(tuple(changed), seq)

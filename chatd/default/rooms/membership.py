"""Joining and leaving. Each change is an event of the room's log, and moves outbox entries in the
same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from chatd.core.member_role import MemberRole, RoomKind
from chatd.default.rooms.access import Acting, authorise, authorise_joining, may_not
from chatd.default.rooms.change import RoomCommand
from chatd.default.rooms.invitations import invite
from chatd.default.rooms.limits import NO_LIMITS, RoomLimits
from chatd.default.rooms.member_log import add, leave
from chatd.default.rooms.model import MEMBERSHIP_WEIGHT, MembershipChange
from chatd.default.rooms.rights import Operation
from chatd.errors import ChatdError, InvalidArgument
from chatd.store.command import Command, Locks
from chatd.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class AddSubscriptions(RoomCommand[MembershipChange]):
    """Make profiles members, or with ``invites`` invite them. Refused with LimitReached,
    PermissionDenied, NotAMember (for an ``operator`` RoomNotFound), and with Conflict if one of
    them is banned. ``approver``: it has approved the change, and not the profile that makes it but
    this one must not be blocked; empty: an operator."""

    room_id: str
    profiles: tuple[str, ...]
    by: str
    operator: bool
    limits: RoomLimits = NO_LIMITS
    role: MemberRole = MemberRole.MEMBER
    invites: bool = False
    approver: str | None = None

    def locks(self) -> Locks:
        return Locks(rooms=(self.room_id,), profiles=self.profiles)

    def owner(self) -> str:
        return self.by

    def weight(self) -> int:
        return MEMBERSHIP_WEIGHT * len(self.profiles)

    def named(self) -> tuple[str, ...]:
        return self.profiles

    def authorise(self, transaction: Transaction) -> Acting:
        acting = authorise(transaction, Operation.ADD, self.room_id, self.by, operator=self.operator)
        _check_new_role(acting, self.role)
        return acting

    def as_approved(self, by: str) -> Self:
        return replace(self, approver=by)

    @property
    def adder(self) -> str:
        """The profile that those who are added must not have blocked; empty: they may have."""
        if self.approver is not None:
            return self.approver
        return "" if self.operator else self.by

    @classmethod
    def apply(
        cls, transaction: Transaction, commands: Sequence[AddSubscriptions]
    ) -> list[MembershipChange | ChatdError]:
        return [_add_or_refuse(transaction, command) for command in commands]


@dataclass(frozen=True, slots=True)
class JoinRoom(Command[MembershipChange]):
    """Make a profile a member of a public room. Refused with LimitReached, NotAMember."""

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
        cls, transaction: Transaction, commands: Sequence[JoinRoom]
    ) -> list[MembershipChange | ChatdError]:
        return [_join_or_refuse(transaction, command) for command in commands]


@dataclass(frozen=True, slots=True)
class RemoveSubscriptions(RoomCommand[MembershipChange]):
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

    def named(self) -> tuple[str, ...]:
        return self.profiles

    def authorise(self, transaction: Transaction) -> Acting:
        alone = set(self.profiles) == {self.by} and not self.operator  # an operator may not be a member
        operation = Operation.LEAVE if alone else Operation.REMOVE
        acting = authorise(transaction, operation, self.room_id, self.by, operator=self.operator)
        acting.require_over(acting.members.role(one) for one in self.leaving(acting) if one != self.by)
        return acting

    def leaving(self, acting: Acting) -> list[str]:
        """Those of the profiles that are members."""
        return sorted(set(self.profiles) & acting.members.profiles)

    @classmethod
    def apply(
        cls, transaction: Transaction, commands: Sequence[RemoveSubscriptions]
    ) -> list[MembershipChange | ChatdError]:
        return [_remove_or_refuse(transaction, command) for command in commands]


def _add_or_refuse(transaction: Transaction, command: AddSubscriptions) -> MembershipChange | ChatdError:
    try:
        acting = command.authorise(transaction)
        change = invite if command.invites else add
        return change(
            transaction,
            acting,
            command.profiles,
            by=command.by,
            adder=command.adder,
            limits=command.limits,
            role=command.role,
        )
    except ChatdError as exc:
        return exc


def _check_new_role(acting: Acting, role: MemberRole) -> None:
    """Members are given at most MEMBER, or a role below that of who adds them. Raises
    PermissionDenied, InvalidArgument."""
    if acting.room.kind == RoomKind.DIRECT:
        raise InvalidArgument(f"room '{acting.room.room_id}' is direct: it has its two members")
    if role > MemberRole.MEMBER and acting.rank < MemberRole.OWNER and role >= acting.rank:
        raise may_not(Operation.SET_ROLE, acting.room.room_id, acting.rank)


def _join_or_refuse(transaction: Transaction, command: JoinRoom) -> MembershipChange | ChatdError:
    try:
        acting = authorise_joining(transaction, command.room_id, command.profile_id)
        return add(transaction, acting, (command.profile_id,), by=command.profile_id, limits=command.limits)
    except ChatdError as exc:
        return exc


def _remove_or_refuse(
    transaction: Transaction, command: RemoveSubscriptions
) -> MembershipChange | ChatdError:
    try:
        acting = command.authorise(transaction)
    except ChatdError as exc:
        return exc
    leaving = command.leaving(acting)
    if not leaving:
        return MembershipChange((), 0)
    return MembershipChange(tuple(leaving), leave(transaction, acting.room, leaving, by=command.by))

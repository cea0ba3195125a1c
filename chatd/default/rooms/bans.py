"""Bans: profiles that cannot become members of a room, whether they were or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chatd.default.rooms.access import Acting, authorise, find_banned, require_right, require_room
from chatd.default.rooms.change import RoomCommand
from chatd.default.rooms.invitations import find_invited
from chatd.default.rooms.member_log import append_change, forget_invitations, leave
from chatd.default.rooms.model import MEMBERSHIP_WEIGHT, MembershipChange
from chatd.default.rooms.rights import Operation
from chatd.default.rooms.roles import name_in_event
from chatd.errors import ChatdError
from chatd.store.command import Locks, Query
from chatd.store.database import Database
from chatd.store.statements import placeholders
from chatd.store.transaction import Transaction


class Banned(NamedTuple):
    """The profiles that were not banned before, those of them that were members, and the event that
    says so."""

    profiles: tuple[str, ...]
    removed: tuple[str, ...]
    seq: int


@dataclass(frozen=True, slots=True)
class BanProfiles(RoomCommand[Banned]):
    """End memberships, and let the profiles not come back. Refused with NotAMember (for an
    ``operator`` RoomNotFound), PermissionDenied."""

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
        acting = authorise(transaction, Operation.BAN, self.room_id, self.by, operator=self.operator)
        invited = find_invited(transaction.database, self.room_id, self.profiles)
        ranks = [*map(acting.members.role, self.removed(acting)), *(one.role for one in invited.values())]
        acting.require_over(ranks)
        return acting

    def removed(self, acting: Acting) -> list[str]:
        """Those of the profiles that are members."""
        return sorted(set(self.profiles) & acting.members.profiles)

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[BanProfiles]) -> list[Banned | ChatdError]:
        return [_ban_or_refuse(transaction, command) for command in commands]


def _ban_or_refuse(transaction: Transaction, command: BanProfiles) -> Banned | ChatdError:
    try:
        acting = command.authorise(transaction)
    except ChatdError as exc:
        return exc
    room, database = acting.room, transaction.database
    removed = command.removed(acting)
    new = sorted(set(command.profiles).difference(find_banned(database, room.room_id, command.profiles)))
    if not new:
        return Banned((), (), 0)
    if removed:
        seq = leave(transaction, room, removed, by=command.by, banned=new)
    else:
        seq = append_change(transaction, room, command.by, {"banned": new}, acting.members)
    name_in_event(transaction, room, seq, new)
    forget_invitations(database, room.room_id, new)
    values, parameters = database.values(
        "ttii", [(room.room_id, one, seq, transaction.now_us) for one in new]
    )
    database.run(f"INSERT INTO ban (room_id, profile_id, seq, banned_at_us) {values}", parameters)
    return Banned(tuple(new), tuple(removed), seq)


@dataclass(frozen=True, slots=True)
class UnbanProfiles(RoomCommand[MembershipChange]):
    """Take bans back. Refused with NotAMember (for an ``operator`` RoomNotFound),
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

    def named(self) -> tuple[str, ...]:
        return self.profiles

    def authorise(self, transaction: Transaction) -> Acting:
        return authorise(transaction, Operation.BAN, self.room_id, self.by, operator=self.operator)

    @classmethod
    def apply(
        cls, transaction: Transaction, commands: Sequence[UnbanProfiles]
    ) -> list[MembershipChange | ChatdError]:
        return [_unban_or_refuse(transaction, command) for command in commands]


def _unban_or_refuse(transaction: Transaction, command: UnbanProfiles) -> MembershipChange | ChatdError:
    try:
        acting = command.authorise(transaction)
    except ChatdError as exc:
        return exc
    room, database = acting.room, transaction.database
    unbanned = find_banned(database, room.room_id, command.profiles)
    if not unbanned:
        return MembershipChange((), 0)
    database.run(
        f"DELETE FROM ban WHERE room_id = ? AND profile_id IN ({placeholders(len(unbanned))})",
        (room.room_id, *unbanned),
    )
    seq = append_change(transaction, room, command.by, {"unbanned": unbanned}, acting.members)
    name_in_event(transaction, room, seq, unbanned)
    return MembershipChange(tuple(unbanned), seq)


class Ban(NamedTuple):
    """A banned profile, the event that says so, and its time in microseconds since the Unix
    epoch."""

    profile_id: str
    seq: int
    banned_at_us: int


@dataclass(frozen=True, slots=True)
class ListBans(Query[tuple[tuple[Ban, ...], bool]]):
    """A room's bans by profile, and whether there are more. Raises NotAMember (for an ``operator``
    RoomNotFound), PermissionDenied."""

    room_id: str
    by: str
    operator: bool
    after_profile_id: str
    limit: int

    def answer(self, database: Database) -> tuple[tuple[Ban, ...], bool]:
        if self.operator:
            require_room(database, self.room_id)
        else:
            require_right(database, Operation.LIST_BANS, self.room_id, self.by)
        rows = database.rows(
            """
            SELECT profile_id, seq, banned_at_us
            FROM ban
            WHERE room_id = ? AND profile_id > ?
            ORDER BY profile_id
            LIMIT ?
            """,
            (self.room_id, self.after_profile_id, self.limit + 1),
        )
        return tuple(Ban(*row) for row in rows[: self.limit]), len(rows) > self.limit

"""Blocks: profiles that have no direct room with another one any more, and cannot add it to rooms.
In the rooms of more than two both are as before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chatd.core.member_role import RoomKind
from chatd.default.rooms.direct import direct_room_id
from chatd.default.rooms.limits import NO_LIMITS, RoomLimits, check_blocking
from chatd.errors import ChatdError
from chatd.store.command import Command, Locks, Query
from chatd.store.database import Database
from chatd.store.statements import placeholders
from chatd.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class BlockProfiles(Command[tuple[str, ...]]):
    """Block ``others``; those that were not blocked before. Refused with LimitReached."""

    profile_id: str
    others: tuple[str, ...]
    limits: RoomLimits = NO_LIMITS

    def locks(self) -> Locks:
        return Locks(rooms=_direct_rooms(self.profile_id, self.others), profiles=(self.profile_id,))

    def owner(self) -> str:
        return self.profile_id

    def weight(self) -> int:
        return len(self.others)

    @classmethod
    def apply(
        cls, transaction: Transaction, commands: Sequence[BlockProfiles]
    ) -> list[tuple[str, ...] | ChatdError]:
        return [_block_or_refuse(transaction, command) for command in commands]


def _block_or_refuse(transaction: Transaction, command: BlockProfiles) -> tuple[str, ...] | ChatdError:
    own, database = command.profile_id, transaction.database
    new = sorted(set(command.others) - _find_blocked(database, own, command.others))
    if not new:
        return ()
    try:
        check_blocking(transaction, own, len(new), command.limits)
    except ChatdError as exc:
        return exc
    values, parameters = database.values("tti", [(own, other, transaction.now_us) for other in new])
    database.run(f"INSERT INTO block (profile_id, blocked_id, blocked_at_us) {values}", parameters)
    _set_blocked(transaction, _direct_rooms(own, new), blocked=1)
    return tuple(new)


@dataclass(frozen=True, slots=True)
class UnblockProfiles(Command[tuple[str, ...]]):
    """Block ``others`` no longer; those that were blocked."""

    profile_id: str
    others: tuple[str, ...]

    def locks(self) -> Locks:
        return Locks(rooms=_direct_rooms(self.profile_id, self.others), profiles=(self.profile_id,))

    def owner(self) -> str:
        return self.profile_id

    def weight(self) -> int:
        return len(self.others)

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[UnblockProfiles]) -> list[tuple[str, ...]]:
        return [_unblock(transaction, command) for command in commands]


def _unblock(transaction: Transaction, command: UnblockProfiles) -> tuple[str, ...]:
    own, database = command.profile_id, transaction.database
    blocked = _find_blocked(database, own, command.others)
    if not blocked:
        return ()
    database.run(
        f"DELETE FROM block WHERE profile_id = ? AND blocked_id IN ({placeholders(len(blocked))})",
        (own, *blocked),
    )
    back = database.rows(
        f"SELECT profile_id FROM block WHERE blocked_id = ? AND profile_id IN ({placeholders(len(blocked))})",
        (own, *blocked),
    )
    free = blocked - {profile_id for (profile_id,) in back}
    if free:
        _set_blocked(transaction, _direct_rooms(own, free), blocked=0)
    return tuple(sorted(blocked))


def _direct_rooms(profile_id: str, others: Iterable[str]) -> list[str]:
    return [direct_room_id(profile_id, other) for other in others]


def _find_blocked(database: Database, profile_id: str, others: Sequence[str]) -> set[str]:
    """Those of the others that the profile has blocked."""
    rows = database.rows(
        f"SELECT blocked_id FROM block WHERE profile_id = ? AND blocked_id IN ({placeholders(len(others))})",
        (profile_id, *others),
    )
    return {blocked_id for (blocked_id,) in rows}


def _set_blocked(transaction: Transaction, room_ids: Sequence[str], *, blocked: int) -> None:
    """In those of the rooms that have both members nobody may send, or they may again. A room that
    was made since the locks were taken is among them: ``OpenDirectRoom`` holds both profiles."""
    rows = transaction.database.rows(
        f"""
        UPDATE room
        SET blocked = ?
        WHERE room_id IN ({placeholders(len(room_ids))}) AND kind = ? AND member_count = 2
        RETURNING room_id
        """,
        (blocked, *room_ids, int(RoomKind.DIRECT)),
    )
    for (room_id,) in rows:
        room = transaction.log.find(room_id)
        if room is not None:
            room.blocked = blocked


class Blocked(NamedTuple):
    """The time is in microseconds since the Unix epoch."""

    profile_id: str
    blocked_at_us: int


@dataclass(frozen=True, slots=True)
class ListBlocked(Query[tuple[tuple[Blocked, ...], bool]]):
    """The profiles that a profile has blocked, and whether there are more."""

    profile_id: str
    after_profile_id: str
    limit: int

    def answer(self, database: Database) -> tuple[tuple[Blocked, ...], bool]:
        rows = database.rows(
            """
            SELECT blocked_id, blocked_at_us
            FROM block
            WHERE profile_id = ? AND blocked_id > ?
            ORDER BY blocked_id
            LIMIT ?
            """,
            (self.profile_id, self.after_profile_id, self.limit + 1),
        )
        return tuple(Blocked(*row) for row in rows[: self.limit]), len(rows) > self.limit

"""Comparing the database's log with what others have seen of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chatd.core.log_state import LogState
from chatd.core.model import Shown
from chatd.store.command import NO_LOCKS, Command, Locks, Query
from chatd.store.database import Database
from chatd.store.log_row import EventPlace, find_lost, is_behind, raise_beat, read_log, renew_log
from chatd.store.statements import chunks
from chatd.store.transaction import Transaction

ShownBy = tuple[str, Shown]
"""A profile, and the newest event that one of its devices has shown."""


class Compared(NamedTuple):
    """The log's state, and what was shown and is not in it."""

    log: LogState
    lost: frozenset[ShownBy]


@dataclass(frozen=True, slots=True)
class CompareLog(Query[Compared]):
    """Look for events that devices have shown. A profile that was no member of the room when the
    event was stored, if it ever was, is answered the same whatever the room holds. Events of
    another log are not looked for: the log's name says enough."""

    shown: tuple[ShownBy, ...]

    def answer(self, database: Database) -> Compared:
        log = read_log(database)
        asked = {one for one in self.shown if one[1].log == log.incarnation}
        if not asked:
            return Compared(log, frozenset())
        found = find_members(database, {(one, shown.room_id, shown.seq) for one, shown in asked})
        members = {one for one in asked if (one[0], one[1].room_id, one[1].seq) in found}
        places = {one: EventPlace(one[1].room_id, one[1].seq, one[1].event_id) for one in asked}
        lost = find_lost(database, [place for one, place in places.items() if one in members])
        return Compared(log, frozenset(one for one in asked if one not in members or places[one] in lost))


def find_members(database: Database, asked: Collection[tuple[str, str, int]]) -> set[tuple[str, str, int]]:
    """Those of profile, room and seq where the event was for the profile."""
    found: set[tuple[str, str, int]] = set()
    for chunk in chunks(sorted(asked), columns=3):
        values, parameters = database.values("tti", chunk)
        rows = database.rows(
            f"""
            WITH v(profile_id, room_id, seq) AS ({values})
            SELECT v.profile_id, v.room_id, v.seq
            FROM v
            JOIN subscription ON subscription.profile_id = v.profile_id AND subscription.room_id = v.room_id
                AND subscription.joined_seq <= v.seq
                AND (subscription.left_seq IS NULL OR subscription.left_seq >= v.seq)
            """,
            parameters,
        )
        found.update((profile_id, room_id, seq) for profile_id, room_id, seq in rows)
    return found


@dataclass(frozen=True, slots=True)
class RaiseBeat(Command[LogState]):
    """Raise the log's beat, and give the log a new incarnation if it is behind the state that is
    ``known``. The result: the log's state."""

    known: LogState

    def locks(self) -> Locks:
        return NO_LOCKS

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[RaiseBeat]) -> list[LogState]:
        return [raise_beat(transaction.database, command.known, wait=True) for command in commands]


@dataclass(frozen=True, slots=True)
class IsBehind(Query[bool]):
    """True if the room's log does not go as far as it was seen to."""

    room_id: str
    seq: int

    def answer(self, database: Database) -> bool:
        return is_behind(database, self.room_id, self.seq)


@dataclass(frozen=True, slots=True)
class RenewLog(Command[LogState]):
    """Give the log ``known`` a new incarnation, if it is the database's and a room does not go as
    far as it was seen to. The result: the log's state."""

    known: LogState
    room_id: str
    seq: int

    def locks(self) -> Locks:
        return NO_LOCKS

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[RenewLog]) -> list[LogState]:
        return [_renew(transaction.database, command) for command in commands]


def _renew(database: Database, command: RenewLog) -> LogState:
    database.rows(f"SELECT 1 FROM log{database.for_update}")
    state = read_log(database)
    is_same = state.incarnation == command.known.incarnation
    if not is_same or not is_behind(database, command.room_id, command.seq):
        return state
    return renew_log(database, command.known)

"""Dead letters as operators handle them: listed, replayed, dropped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chatd.default.dead_letters.model import DeadLetter
from chatd.default.pages import Order, Place
from chatd.store.command import NO_LOCKS, Command, Locks, Query
from chatd.store.database import Database
from chatd.store.statements import chunks, placeholders
from chatd.store.transaction import Transaction

_KEPT = """dead_letter.seq >= (
                SELECT room.first_seq
                FROM room
                WHERE room.room_id = dead_letter.room_id)"""
"""The letter's event is still there."""


@dataclass(frozen=True, slots=True)
class ReplayDeadLetters(Command[dict[str, tuple[str, str]]]):
    """Deliver dead letters once more. The result: letter id → (profile, device) of those that
    go."""

    letter_ids: tuple[str, ...]

    def locks(self) -> Locks:
        return NO_LOCKS

    @classmethod
    def apply(
        cls, transaction: Transaction, commands: Sequence[ReplayDeadLetters]
    ) -> list[dict[str, tuple[str, str]]]:
        return [_replay(transaction, command) for command in commands]


def _replay(transaction: Transaction, command: ReplayDeadLetters) -> dict[str, tuple[str, str]]:
    if not command.letter_ids:
        return {}
    database = transaction.database
    marks = placeholders(len(command.letter_ids))
    devices = database.rows(
        f"""
        SELECT DISTINCT profile_id, device_id
        FROM dead_letter
        WHERE letter_id IN ({marks}) AND state IN ('dead', 'replaying')
        ORDER BY profile_id, device_id
        """,
        command.letter_ids,
    )
    # The devices first, as DeleteSettledFailures holds them while it deletes letters.
    for chunk in chunks(devices, columns=2):
        _set_have_failures(transaction, chunk)
    _hold(database, command.letter_ids)
    rows = database.rows(
        f"""
        UPDATE dead_letter
        SET state = 'replaying', tries = 0
        WHERE letter_id IN ({marks}) AND state IN ('dead', 'replaying') AND {_KEPT}
        RETURNING letter_id, profile_id, device_id
        """,
        command.letter_ids,
    )
    return {letter_id: (profile_id, device_id) for letter_id, profile_id, device_id in rows}


def _set_have_failures(transaction: Transaction, devices: Sequence[tuple[str, str]]) -> None:
    """Pulls of the devices have to look for failures."""
    database = transaction.database
    values, parameters = database.values("tt", devices)
    if database.for_update:
        database.rows(
            f"""
            WITH v(profile_id, device_id) AS ({values})
            SELECT 1
            FROM device
            JOIN v ON v.profile_id = device.profile_id AND v.device_id = device.device_id
            ORDER BY device.profile_id, device.device_id
            FOR UPDATE OF device
            """,
            parameters,
        )
    database.run(
        f"""
        WITH v(profile_id, device_id) AS ({values})
        UPDATE device
        SET has_failures = 1
        FROM v
        WHERE device.profile_id = v.profile_id AND device.device_id = v.device_id
        """,
        parameters,
    )


def _hold(database: Database, letter_ids: Sequence[str]) -> None:
    """Lock letters in one order, whoever handles them."""
    if database.for_update:
        database.rows(
            f"""
            SELECT 1
            FROM dead_letter
            WHERE letter_id IN ({placeholders(len(letter_ids))})
            ORDER BY profile_id, device_id, room_id, seq
            FOR UPDATE
            """,
            letter_ids,
        )


@dataclass(frozen=True, slots=True)
class DropDeadLetters(Command[tuple[str, ...]]):
    """Drop dead letters. The result: the ids of those there were. A dropped one stays, unlisted,
    for as long as its event is kept: it says that the device does not have it."""

    letter_ids: tuple[str, ...]

    def locks(self) -> Locks:
        return NO_LOCKS

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[DropDeadLetters]) -> list[tuple[str, ...]]:
        return [_drop(transaction, command) for command in commands]


def _drop(transaction: Transaction, command: DropDeadLetters) -> tuple[str, ...]:
    if not command.letter_ids:
        return ()
    _hold(transaction.database, command.letter_ids)
    rows = transaction.database.rows(
        f"""
        UPDATE dead_letter
        SET state = 'dropped'
        WHERE letter_id IN ({placeholders(len(command.letter_ids))}) AND state IN ('dead', 'replaying')
        RETURNING letter_id
        """,
        command.letter_ids,
    )
    return tuple(row[0] for row in rows)


NEWEST = Order("dead_at_us", "dead_at_us", ("letter_id",), descending=True)


@dataclass(frozen=True, slots=True)
class ListDeadLetters(Query[tuple[tuple[DeadLetter, ...], bool]]):
    """Dead letters, the newest first, behind a place; and whether there are more. Empty ids match
    all."""

    letter_id: str
    profile_id: str
    device_id: str
    room_id: str
    limit: int
    after: Place = ()

    def answer(self, database: Database) -> tuple[tuple[DeadLetter, ...], bool]:
        wanted = {
            "letter_id": self.letter_id,
            "profile_id": self.profile_id,
            "device_id": self.device_id,
            "room_id": self.room_id,
        }
        given = {column: value for column, value in wanted.items() if value}
        behind, place = NEWEST.behind(self.after)
        rows = database.rows(
            f"""
            SELECT letter_id, profile_id, device_id, room_id, seq, event_id, sender_id, type, sent_at_us, reason, text,
                attempts, first_failed_at_us, dead_at_us, CASE state WHEN 'replaying' THEN 1 ELSE 0 END
            FROM dead_letter
            WHERE state IN ('dead', 'replaying'){"".join(f" AND {column} = ?" for column in given)}{behind}
            ORDER BY {NEWEST.by}
            LIMIT ?
            """,
            (*given.values(), *place, self.limit + 1),
        )
        return tuple(DeadLetter(*row) for row in rows[: self.limit]), len(rows) > self.limit


_REPLAYABLE = f"state = 'dead' AND {_KEPT}"
_DROPPABLE = "state IN ('dead', 'replaying')"
_OF = "? IN ('', profile_id) AND ? IN ('', device_id) AND ? IN ('', room_id)"


class Letters(NamedTuple):
    """The dead letters that an operator handles at once: all that can be replayed, or dropped.
    Empty ids match all."""

    to_replay: bool
    profile_id: str
    device_id: str
    room_id: str


@dataclass(frozen=True, slots=True)
class FindLetters(Query[tuple[tuple[str, ...], bool]]):
    """Ids of letters after one, ascending, ``limit`` at most; and whether there are more."""

    letters: Letters
    after: str
    limit: int

    def answer(self, database: Database) -> tuple[tuple[str, ...], bool]:
        to_replay, *of = self.letters
        matching = _REPLAYABLE if to_replay else _DROPPABLE
        rows = database.rows(
            f"""
            SELECT letter_id
            FROM dead_letter
            WHERE letter_id > ? AND {_OF} AND {matching}
            ORDER BY letter_id
            LIMIT ?
            """,
            (self.after, *of, self.limit + 1),
        )
        return tuple(row[0] for row in rows[: self.limit]), len(rows) > self.limit


@dataclass(frozen=True, slots=True)
class CountLetters(Query[int]):
    """The number of letters."""

    letters: Letters

    def answer(self, database: Database) -> int:
        to_replay, *of = self.letters
        matching = _REPLAYABLE if to_replay else _DROPPABLE
        ((count,),) = database.rows(f"SELECT COUNT(*) FROM dead_letter WHERE {_OF} AND {matching}", of)
        return int(count)

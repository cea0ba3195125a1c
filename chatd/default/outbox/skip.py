"""Skipping what a device is owed. With a stretch the cursor moves at once, so that none of it holds
up retention, and the device is given one marker for it before anything else of the room. One event
alone, which may lie ahead of the cursor, becomes a dead letter that is dropped already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chatd.default.dead_letters.failures import set_has_failures, skip_event
from chatd.default.outbox.reset import MOST_ENTRIES, check_entries, check_named, reset_stream
from chatd.pb.events.v1.payloads_pb2 import SkipReason
from chatd.store.command import Command, Locks, Query
from chatd.store.database import Database
from chatd.store.statements import chunks, placeholders
from chatd.store.transaction import Transaction


class Skipped(NamedTuple):
    """A room, the seq up to which it is skipped, and how many events that are."""

    room_id: str
    until_seq: int
    events: int


@dataclass(frozen=True, slots=True)
class FindSkipped(Query[tuple[Skipped, ...]]):
    """A row for each room where a device is owed events up to ``until_seq``, or up to the first
    from after ``until_us``; 0: all. ``room_id``: only this room."""

    profile_id: str
    device_id: str
    room_id: str
    until_seq: int
    until_us: int

    def answer(self, database: Database) -> tuple[Skipped, ...]:
        younger = (
            """(
                SELECT room_event.seq
                FROM room_event
                WHERE room_event.room_id = outbox.room_id AND room_event.seq > outbox.acked_seq
                    AND room_event.sent_at_us > ?
                ORDER BY room_event.seq
                LIMIT 1)"""
            if self.until_us
            else "NULL"
        )
        check_named(database, self.profile_id, self.device_id, self.room_id)
        rows = database.rows(
            f"""
            SELECT outbox.room_id, outbox.acked_seq, COALESCE(outbox.until_seq, room.head_seq), room.first_seq,
                {younger}
            FROM outbox
            JOIN room ON room.room_id = outbox.room_id
            WHERE outbox.profile_id = ? AND outbox.device_id = ? AND ? IN ('', outbox.room_id)
                AND outbox.acked_seq < COALESCE(outbox.until_seq, room.head_seq)
            ORDER BY outbox.room_id, outbox.start_seq
            LIMIT ?
            """,
            (
                *((self.until_us,) if self.until_us else ()),
                self.profile_id,
                self.device_id,
                self.room_id,
                MOST_ENTRIES + 1,
            ),
        )
        found: dict[str, Skipped] = {}
        for room_id, acked_seq, end, first_seq, younger_seq in check_entries(rows):
            until = end if younger_seq is None else min(end, younger_seq - 1)
            until = min(until, self.until_seq) if self.until_seq else until
            if until > acked_seq:
                before = found.get(room_id, Skipped(room_id, 0, 0))
                events = max(0, until - max(acked_seq, first_seq - 1))
                found[room_id] = Skipped(room_id, until, before.events + events)
        return tuple(found.values())


@dataclass(frozen=True, slots=True)
class SkipOutbox(Command[Sequence[Skipped]]):
    """Skip what a device is owed of each of ``rooms`` up to a seq. The result: what was skipped."""

    profile_id: str
    device_id: str
    rooms: tuple[tuple[str, int], ...]

    def locks(self) -> Locks:
        return Locks(
            profiles=(self.profile_id,),
            entries=[(self.profile_id, self.device_id, room_id) for room_id, _ in self.rooms],
        )

    def weight(self) -> int:
        return max(1, len(self.rooms))

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[SkipOutbox]) -> list[Sequence[Skipped]]:
        return [_skip(transaction, command) for command in commands]


def _skip(transaction: Transaction, command: SkipOutbox) -> list[Skipped]:
    database, device = transaction.database, (command.profile_id, command.device_id)
    skipped: list[Skipped] = []
    moves: list[tuple[str, int, int, int]] = []  # room, start, first and last seq
    wanted = dict(command.rooms)
    for chunk in chunks(sorted(wanted), columns=1):
        rows = database.rows(
            f"""
            SELECT outbox.room_id, outbox.start_seq, outbox.acked_seq,
                COALESCE(outbox.until_seq, room.head_seq), room.first_seq
            FROM outbox
            JOIN room ON room.room_id = outbox.room_id
            WHERE outbox.profile_id = ? AND outbox.device_id = ?
                AND outbox.room_id IN ({placeholders(len(chunk))})
            """,
            (*device, *chunk),
        )
        for room_id, start_seq, acked_seq, end, first_seq in rows:
            until = min(end, wanted[room_id])
            if until > acked_seq:
                moves.append((room_id, start_seq, acked_seq + 1, until))
                skipped.append(Skipped(room_id, until, max(0, until - max(acked_seq, first_seq - 1))))
    if moves:
        reset_stream(transaction, *device)
        set_has_failures(transaction, *device)
    for moved in chunks(moves, columns=8):
        _move(database, device, moved)
    return skipped


def _move(database: Database, device: tuple[str, str], moves: Sequence[tuple[str, int, int, int]]) -> None:
    """Move cursors past what is skipped, and keep that the device has to be told."""
    values, parameters = database.values("tiii", moves)
    database.run(
        f"""
        WITH v(room_id, start_seq, first_seq, last_seq) AS ({values})
        UPDATE outbox
        SET acked_seq = v.last_seq
        FROM v
        WHERE outbox.profile_id = ? AND outbox.device_id = ? AND outbox.room_id = v.room_id
            AND outbox.start_seq = v.start_seq
        """,
        (*parameters, *device),
    )
    database.run(
        f"""
        DELETE FROM outbox
        WHERE profile_id = ? AND device_id = ? AND acked_seq = until_seq
            AND room_id IN ({placeholders(len(moves))})
        """,
        (*device, *(room_id for room_id, _, _, _ in moves)),
    )
    values, parameters = database.values(
        "tttiiii",
        [
            (*device, room_id, first_seq, last_seq, int(SkipReason.SKIP_REASON_OPERATOR), 0)
            for room_id, _, first_seq, last_seq in moves
        ],
    )
    database.run(
        f"""
        INSERT INTO delivery_gap (profile_id, device_id, room_id, first_seq, last_seq, reason, told)
        {values}
        ON CONFLICT (profile_id, device_id, room_id, first_seq)
        DO UPDATE SET last_seq = excluded.last_seq, reason = excluded.reason, told = 0
        """,
        parameters,
    )


@dataclass(frozen=True, slots=True)
class SkipEvent(Command[bool]):
    """Skip one event that a device is owed. False: it is not owed it."""

    profile_id: str
    device_id: str
    room_id: str
    seq: int

    def locks(self) -> Locks:
        return Locks(profiles=(self.profile_id,), entries=((self.profile_id, self.device_id, self.room_id),))

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[SkipEvent]) -> list[bool]:
        return [_skip_event(transaction, command) for command in commands]


def _skip_event(transaction: Transaction, command: SkipEvent) -> bool:
    device = (command.profile_id, command.device_id)
    if not _is_owed(transaction.database, *device, command.room_id, command.seq):
        return False
    reset_stream(transaction, *device)
    skip_event(transaction, *device, command.room_id, command.seq)
    return True


@dataclass(frozen=True, slots=True)
class FindOwedEvent(Query[bool]):
    """True if a device is owed this event, and no marker in its place. Raises DeviceNotFound,
    RoomNotFound."""

    profile_id: str
    device_id: str
    room_id: str
    seq: int

    def answer(self, database: Database) -> bool:
        check_named(database, self.profile_id, self.device_id, self.room_id)
        return _is_owed(database, self.profile_id, self.device_id, self.room_id, self.seq)


def _is_owed(database: Database, profile_id: str, device_id: str, room_id: str, seq: int) -> bool:
    return bool(
        database.rows(
            """
            SELECT 1
            FROM outbox_entry
            WHERE profile_id = ? AND device_id = ? AND room_id = ? AND seq = ? AND state <> 'dead'
            """,
            (profile_id, device_id, room_id, seq),
        )
    )

"""Replaying what a device has acknowledged, or what was skipped: its cursors move back. An event
that is given to it again says so (``EventDelivery.replay``), or the device would take it for a
repeat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chatd.default.outbox.reset import MOST_ENTRIES, check_entries, check_named, reset_stream
from chatd.default.rooms.log_search import last_before_sql
from chatd.pb.events.v1.payloads_pb2 import SkipReason
from chatd.store.command import Command, Locks, Query
from chatd.store.database import Database
from chatd.store.statements import chunks, placeholders
from chatd.store.transaction import Transaction

_OPERATOR = int(SkipReason.SKIP_REASON_OPERATOR)

_ENTRIES = """
            SELECT outbox.room_id, outbox.start_seq, outbox.acked_seq,
                COALESCE(outbox.until_seq, room.head_seq), outbox.replay_until, room.first_seq,
                subscription.joined_seq
            FROM outbox
            JOIN room ON room.room_id = outbox.room_id
            JOIN subscription ON subscription.room_id = outbox.room_id
                AND subscription.profile_id = outbox.profile_id
                AND (subscription.left_seq = outbox.until_seq
                    OR (subscription.left_seq IS NULL AND outbox.until_seq IS NULL))
            WHERE outbox.profile_id = ? AND outbox.device_id = ?"""
"""Entries with their memberships: what a device may be owed again."""
_BEFORE_LAST = "CASE WHEN room.head_seq > v.value THEN room.head_seq - v.value ELSE 0 END"
_LAST_BEFORE = last_before_sql("room.room_id", "CAST(0 AS BIGINT)", "room.head_seq", "v.value")


class Replayed(NamedTuple):
    """A room, the seq behind which it is owed again, how many events that are, and how many more
    the log no longer holds."""

    room_id: str
    after_seq: int
    events: int
    removed: int


class _Entry(NamedTuple):
    room_id: str
    start_seq: int
    acked_seq: int
    end: int
    replay_until: int
    first_seq: int
    joined_seq: int


@dataclass(frozen=True, slots=True)
class FindReplayed(Query[tuple[Replayed, ...]]):
    """A row for each room where a device can be owed events again from ``from_seq`` on, or the
    ``last`` so many of the room, or from the first behind the last one that is from before
    ``from_us``."""

    profile_id: str
    device_id: str
    room_id: str
    from_seq: int
    from_us: int
    last: int = 0

    def answer(self, database: Database) -> tuple[Replayed, ...]:
        check_named(database, self.profile_id, self.device_id, self.room_id)
        rows = database.rows(
            f"{_ENTRIES} AND ? IN ('', outbox.room_id) ORDER BY outbox.room_id, outbox.start_seq LIMIT ?",
            (self.profile_id, self.device_id, self.room_id, MOST_ENTRIES + 1),
        )
        entries = [_Entry(*row) for row in check_entries(rows)]
        after = self._after(database, sorted({entry.room_id for entry in entries}))
        skipped = _skipped_events(database, (self.profile_id, self.device_id))
        found: dict[str, Replayed] = {}
        for entry in entries:
            move = _move_of(entry, after[entry.room_id], skipped.get(entry.room_id, ()))
            before = found.get(entry.room_id, Replayed(entry.room_id, after[entry.room_id], 0, 0))
            found[entry.room_id] = before._replace(
                events=before.events + move.events, removed=before.removed + move.removed
            )
        return tuple(one for one in found.values() if one.events or one.removed)

    def _after(self, database: Database, room_ids: Sequence[str]) -> dict[str, int]:
        """Room → the last seq that is not meant."""
        if self.from_seq:
            return dict.fromkeys(room_ids, self.from_seq - 1)
        if self.last:
            after_sql, number = _BEFORE_LAST, self.last
        else:
            after_sql, number = _LAST_BEFORE, self.from_us
        after: dict[str, int] = {}
        for chunk in chunks(room_ids, columns=1):
            rows = database.rows(
                f"""
                WITH v(value) AS (SELECT CAST(? AS BIGINT))
                SELECT room.room_id, {after_sql}
                FROM room
                CROSS JOIN v
                WHERE room.room_id IN ({placeholders(len(chunk))})
                """,
                (number, *chunk),
            )
            after.update(rows)
        return after


class _Move(NamedTuple):
    """An entry's values afterwards."""

    room_id: str
    old_start_seq: int
    start_seq: int
    acked_seq: int
    replay_until: int
    after_seq: int
    events: int
    removed: int


def _move_of(entry: _Entry, after: int, skipped: Sequence[int]) -> _Move:
    """``skipped``: the single events of the room that an operator has skipped."""
    after = max(after, entry.joined_seq - 1)
    removed = min(entry.first_seq - 1, entry.end) - after
    after = max(after, entry.first_seq - 1)
    acked_seq = min(entry.acked_seq, after)
    # The device may have seen the marker of events ahead of the cursor.
    ahead = [seq for seq in skipped if max(after, entry.acked_seq) < seq <= entry.end]
    again = [entry.acked_seq] if acked_seq < entry.acked_seq else []
    return _Move(
        entry.room_id,
        entry.start_seq,
        min(entry.start_seq, acked_seq),
        acked_seq,
        max([entry.replay_until, *again, *ahead]),
        after,
        entry.acked_seq - acked_seq + len(ahead),
        max(0, removed),
    )


def _skipped_events(database: Database, device: tuple[str, str]) -> dict[str, list[int]]:
    """Room → the single events that an operator has skipped."""
    rows = database.rows(
        "SELECT room_id, seq FROM dead_letter WHERE profile_id = ? AND device_id = ? AND reason = ?",
        (*device, _OPERATOR),
    )
    skipped: dict[str, list[int]] = {}
    for room_id, seq in rows:
        skipped.setdefault(room_id, []).append(seq)
    return skipped


@dataclass(frozen=True, slots=True)
class ReplayOutbox(Command[Sequence[Replayed]]):
    """Owe a device again what comes after a seq in each of ``rooms``. The result: what is replayed.
    Memberships whose events are all acknowledged, and that have ended, are over."""

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
    def apply(cls, transaction: Transaction, commands: Sequence[ReplayOutbox]) -> list[Sequence[Replayed]]:
        return [_replay(transaction, command) for command in commands]


def _replay(transaction: Transaction, command: ReplayOutbox) -> list[Replayed]:
    database, device = transaction.database, (command.profile_id, command.device_id)
    after = dict(command.rooms)
    skipped = _skipped_events(database, device)
    moves: list[_Move] = []
    for chunk in chunks(sorted(after), columns=1):
        rows = database.rows(
            f"{_ENTRIES} AND outbox.room_id IN ({placeholders(len(chunk))})", (*device, *chunk)
        )
        for entry in map(_Entry._make, rows):
            moves.append(_move_of(entry, after[entry.room_id], skipped.get(entry.room_id, ())))
    moves = [move for move in moves if move.events]
    if moves:
        reset_stream(transaction, *device)
    for some in chunks(moves, columns=7):
        _move(database, device, some)
    if moves:
        _forget_outcomes(database, device, moves)
    return [Replayed(move.room_id, move.after_seq, move.events, 0) for move in moves]


def _move(database: Database, device: tuple[str, str], moves: Sequence[_Move]) -> None:
    values, parameters = database.values("tiiii", [move[:5] for move in moves])
    database.run(
        f"""
        WITH v(room_id, old_start_seq, start_seq, acked_seq, replay_until) AS ({values})
        UPDATE outbox
        SET start_seq = v.start_seq, acked_seq = v.acked_seq, replay_until = v.replay_until
        FROM v
        WHERE outbox.profile_id = ? AND outbox.device_id = ? AND outbox.room_id = v.room_id
            AND outbox.start_seq = v.old_start_seq
        """,
        (*parameters, *device),
    )


def _forget_outcomes(database: Database, device: tuple[str, str], moves: Sequence[_Move]) -> None:
    """All that was skipped, removed, replayed or tried is owed again. Dead letters stay what they
    are."""
    after: dict[str, int] = {}
    for move in moves:
        after[move.room_id] = min(move.after_seq, after.get(move.room_id, move.after_seq))
    # Rows are chosen here, and named in one column (ids hold no space): without statistics
    # PostgreSQL compares the rows of joins, and pairs, one by one.
    for table, seq, more in (
        ("dead_letter", "seq", f" AND (state = 'delivered' OR reason = {_OPERATOR})"),
        ("delivery_attempt", "seq", ""),
        ("delivery_gap", "first_seq", ""),
    ):
        rows = database.rows(
            f"SELECT room_id, {seq} FROM {table} WHERE profile_id = ? AND device_id = ?{more}", device
        )
        gone = [f"{room_id} {at}" for room_id, at in rows if at > after.get(room_id, at)]
        for chunk in chunks(gone, columns=1):
            database.run(
                f"""
                DELETE FROM {table}
                WHERE profile_id = ? AND device_id = ?
                    AND room_id || ' ' || {seq} IN ({placeholders(len(chunk))})
                """,
                (*device, *chunk),
            )
    rows = database.rows(
        "SELECT room_id, first_seq, last_seq FROM delivery_gap WHERE profile_id = ? AND device_id = ?", device
    )
    cut = [
        (room_id, first_seq, after[room_id])
        for room_id, first_seq, last_seq in rows
        if last_seq > after.get(room_id, last_seq)
    ]
    for part in chunks(cut, columns=3):
        values, parameters = database.values("tii", part)
        database.run(
            f"""
            WITH v(room_id, first_seq, last_seq) AS ({values})
            UPDATE delivery_gap
            SET last_seq = v.last_seq
            FROM v
            WHERE delivery_gap.profile_id = ? AND delivery_gap.device_id = ?
                AND delivery_gap.room_id = v.room_id AND delivery_gap.first_seq = v.first_seq
            """,
            (*parameters, *device),
        )

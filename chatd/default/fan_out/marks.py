"""Fan-out marks: how far each room's events have been published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chatd.store.command import Command, Locks, Turn
from chatd.store.statements import chunks, placeholders
from chatd.store.transaction import Transaction

Run = tuple[str, int, int]
"""Room, first and last seq."""

_NO_HEAD = 2**63 - 1
_NOTIFIED = """CASE
                WHEN room.notified_seq < room.published_seq OR EXISTS (
                    SELECT 1
                    FROM subscription
                    WHERE subscription.room_id = room.room_id AND subscription.push = 1
                        AND subscription.left_seq IS NULL)
                THEN room.notified_seq
                ELSE v.last_seq
            END"""
"""Where no member has a device to notify, nothing needs to be enqueued: the mark of notifications
moves along."""


@dataclass(frozen=True, slots=True)
class MarkPublished(Command[tuple[Run, ...]]):
    """The runs have been published. A mark moves only over a run that follows it: events that
    another node has not finished are not leapt over; and never past the room's head, where a run is
    another log's. The result: the runs that wait, for events before them or for a room that another
    session holds."""

    runs: tuple[Run, ...]

    def locks(self) -> Locks:
        return Locks(rooms=[run[0] for run in self.runs], partial=True)

    def turn(self) -> Turn:
        return Turn.BACKGROUND

    def weight(self) -> int:
        return len(self.runs)

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[MarkPublished]) -> list[tuple[Run, ...]]:
        rounds: dict[str, list[Run]] = {}
        for command in commands:
            for run in command.runs:
                if transaction.log.find(run[0]) is not None:
                    rounds.setdefault(run[0], []).append(run)
        room_ids = sorted(rounds)
        while rounds:
            _move(transaction, [runs.pop(0) for runs in rounds.values()])
            rounds = {room_id: runs for room_id, runs in rounds.items() if runs}
        list_unnotified(transaction, room_ids)
        marks = dict.fromkeys(transaction.held.rooms, (0, _NO_HEAD))
        marks |= _read_marks(
            transaction, sorted({run[0] for command in commands for run in command.runs} - marks.keys())
        )
        return [tuple(run for run in command.runs if _waits(run, marks)) for command in commands]


def _waits(run: Run, marks: dict[str, tuple[int, int]]) -> bool:
    mark, head_seq = marks.get(run[0], (run[2], 0))
    return mark < run[2] <= head_seq


def _move(transaction: Transaction, runs: Sequence[Run]) -> None:
    """Move the marks of rooms, each once."""
    for chunk in chunks(runs, columns=3):
        values, parameters = transaction.database.values("tii", chunk)
        transaction.database.run(
            f"""
            WITH v(room_id, first_seq, last_seq) AS ({values})
            UPDATE room
            SET published_seq = v.last_seq, notified_seq = {_NOTIFIED}
            FROM v
            WHERE room.room_id = v.room_id AND room.published_seq >= v.first_seq - 1 AND room.published_seq < v.last_seq
                AND v.last_seq <= room.head_seq
            """,
            parameters,
        )


def list_unnotified(transaction: Transaction, room_ids: Sequence[str]) -> None:
    """The rooms' notifications are to be enqueued (``notifications/enqueue.py``)."""
    for chunk in chunks(room_ids, columns=1):
        transaction.database.run(
            f"""
            INSERT INTO unnotified_room (room_id)
            SELECT room_id
            FROM room
            WHERE notified_seq < published_seq AND room_id IN ({placeholders(len(chunk))})
            ON CONFLICT (room_id) DO NOTHING
            """,
            chunk,
        )


def _read_marks(transaction: Transaction, room_ids: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Room → its mark and its head."""
    marks: dict[str, tuple[int, int]] = {}
    for chunk in chunks(room_ids, columns=1):
        rows = transaction.database.rows(
            f"SELECT room_id, published_seq, head_seq FROM room WHERE room_id IN ({placeholders(len(chunk))})",
            chunk,
        )
        marks.update((room_id, (published_seq, head_seq)) for room_id, published_seq, head_seq in rows)
    return marks

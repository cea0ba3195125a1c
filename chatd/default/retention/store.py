"""Removing the older part of a log, in batches: sends go on in between.

A purged event keeps its id and its content's hash for a week, so that a late retry of its sender is
still recognised; its body goes at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chatd.default.fan_out.marks import list_unnotified
from chatd.default.retention.model import Purged
from chatd.default.rooms.mentions import forget_mentions
from chatd.default.search.removal import forget_span
from chatd.errors import ChatdError, RoomNotFound
from chatd.store.command import Command, Locks
from chatd.store.statements import placeholders
from chatd.store.transaction import Transaction

_NO_END = 2**62


@dataclass(frozen=True, slots=True)
class PurgeLog(Command[Purged]):
    """Let a room's log begin behind ``up_to`` (or behind the events from before ``before_us``), and
    remove at most ``limit`` events. Ids of removed events are remembered until they are from before
    ``forget_before_us``. Refused with RoomNotFound."""

    room_id: str
    up_to: int
    before_us: int
    limit: int
    forget_before_us: int

    def locks(self) -> Locks:
        return Locks(rooms=(self.room_id,))

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[PurgeLog]) -> list[Purged | ChatdError]:
        return [_purge(transaction, command) for command in commands]


def _purge(transaction: Transaction, command: PurgeLog) -> Purged | ChatdError:
    database = transaction.database
    room_id = command.room_id
    rows = database.rows(
        "SELECT head_seq, published_seq, first_seq, purged_seq FROM room WHERE room_id = ?", (room_id,)
    )
    if not rows:
        return RoomNotFound(f"no room '{room_id}'")
    head_seq, published_seq, first_seq, purged_seq = rows[0]
    up_to = max(command.up_to, _last_before(transaction, command))
    first_seq = max(first_seq, min(up_to, head_seq) + 1)
    rows = database.rows(
        """
        SELECT seq
        FROM room_event
        WHERE room_id = ? AND seq > ? AND seq < ?
        ORDER BY seq
        """,
        (room_id, purged_seq, min(first_seq, purged_seq + command.limit + 1)),
    )
    if rows:
        last = rows[-1][0]
        database.run("DELETE FROM delivery_attempt WHERE room_id = ? AND seq <= ?", (room_id, last))
        database.run(
            "UPDATE room_event SET delivery = ? WHERE room_id = ? AND seq > ? AND seq <= ?",
            (b"", room_id, purged_seq, last),
        )
        forget_span(database, room_id, purged_seq + 1, last)
        forget_mentions(database, room_id, purged_seq + 1, last)
        purged_seq = last
    database.run(
        """
        UPDATE room
        SET first_seq = ?, purged_seq = ?, published_seq = ?
        WHERE room_id = ?
        """,
        (first_seq, purged_seq, max(published_seq, first_seq - 1), room_id),
    )
    if published_seq < first_seq - 1:
        list_unnotified(transaction, (room_id,))
    _forget_ids(transaction, purged_seq, command)
    return Purged(first_seq, len(rows), more=purged_seq < first_seq - 1)


def _last_before(transaction: Transaction, command: PurgeLog) -> int:
    """The last seq before the first from ``before_us`` or later; 0: there is none, or no such time
    was given."""
    if not command.before_us:
        return 0
    rows = transaction.database.rows(
        """
        SELECT seq
        FROM room_event
        WHERE room_id = ? AND sent_at_us >= ?
        ORDER BY seq
        LIMIT 1
        """,
        (command.room_id, command.before_us),
    )
    return rows[0][0] - 1 if rows else _NO_END


def _forget_ids(transaction: Transaction, purged_seq: int, command: PurgeLog) -> None:
    rows = transaction.database.rows(
        """
        SELECT seq, sent_at_us
        FROM room_event
        WHERE room_id = ? AND seq <= ?
        ORDER BY seq
        LIMIT ?
        """,
        (command.room_id, purged_seq, command.limit),
    )
    old = [seq for seq, sent_at_us in rows if sent_at_us < command.forget_before_us]
    if old:
        _forget_failures(transaction, command.room_id, old)
        transaction.database.run(
            f"DELETE FROM room_event WHERE room_id = ? AND seq IN ({placeholders(len(old))})",
            (command.room_id, *old),
        )


def _forget_failures(transaction: Transaction, room_id: str, seqs: Sequence[int]) -> None:
    """The events are forgotten, and with them what became of them: letters that an operator still
    has are kept."""
    database = transaction.database
    letters = database.rows(
        f"""
        SELECT letter_id
        FROM dead_letter
        WHERE room_id = ? AND seq IN ({placeholders(len(seqs))}) AND state = 'dropped'
        ORDER BY profile_id, device_id, seq{database.for_update}
        """,
        (room_id, *seqs),
    )
    for letter in letters:
        database.run("DELETE FROM dead_letter WHERE letter_id = ?", letter)
    gone = (room_id, seqs[-1])
    if database.for_update:
        database.rows(
            """
            SELECT 1
            FROM delivery_gap
            WHERE room_id = ? AND last_seq <= ? AND told = 1
            ORDER BY profile_id, device_id, first_seq FOR UPDATE
            """,
            gone,
        )
    database.run("DELETE FROM delivery_gap WHERE room_id = ? AND last_seq <= ? AND told = 1", gone)

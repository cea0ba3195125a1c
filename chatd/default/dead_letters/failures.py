"""Recording deliveries that devices did not take. An event that fails too often, or is refused,
becomes a dead letter.

A dead letter does not move the cursor: the device is given a marker in the event's place, which it
acknowledges like any delivery. All of this is rare; ``device.has_failures`` says whether a pull
needs to look.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from chatd.core.model import StreamKey
from chatd.pb.events.v1.payloads_pb2 import SkipReason
from chatd.store.command import NO_LOCKS, Command, Locks
from chatd.store.transaction import Transaction

MAX_TEXT = 200
"""Characters kept of a device's reason."""

_Place = tuple[str, str, str, int]
_AT = "profile_id = ? AND device_id = ? AND room_id = ? AND seq = ?"


@dataclass(frozen=True, slots=True)
class RetryRule:
    """A delivery that failed more than ``max_retries`` times is a dead letter. A failure counts
    when half of the pause has passed since the last one: ``first_us`` microseconds, doubled with
    each failure."""

    max_retries: int
    first_us: int

    def is_too_soon(self, failures: int, since_us: int) -> bool:
        """True if a failure does not count: the last one of ``failures`` is only so long ago. Less
        than nothing: the clock was set back, and nobody knows how long."""
        return failures > 0 and 0 <= since_us < self.first_us * 2 ** min(failures - 1, 20) // 2


def record_failure(
    transaction: Transaction, stream: StreamKey, room_id: str, seq: int, rule: RetryRule
) -> bool:
    """The oldest delivery in flight was not taken. It does not count if it was acknowledged
    meanwhile, or failed just before. True: it is a dead letter now."""
    database, now_us = transaction.database, transaction.now_us
    place = (stream.profile_id, stream.device_id, room_id, seq)
    letters = database.rows(f"SELECT state, tries, tried_at_us FROM dead_letter WHERE {_AT}", place)
    if letters:
        state, tries, tried_at_us = letters[0]
        if state == "replaying" and not rule.is_too_soon(tries, now_us - tried_at_us):
            _replay_failed(transaction, place, tries + 1, rule)
        return False
    if not _is_owed(transaction, place):
        return False
    known = database.rows(
        f"SELECT attempts, first_at_us, last_at_us FROM delivery_attempt WHERE {_AT}", place
    )
    attempts, first_at_us, last_at_us = known[0] if known else (0, now_us, 0)
    if rule.is_too_soon(attempts, now_us - last_at_us):
        return False
    attempts += 1
    if attempts > rule.max_retries:
        _make_dead_letter(transaction, place, SkipReason.SKIP_REASON_UNDELIVERABLE, "", attempts, first_at_us)
        return True
    database.run(
        """
        INSERT INTO delivery_attempt (profile_id, device_id, room_id, seq, attempts, first_at_us, last_at_us)
        VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (profile_id, device_id, room_id, seq)
        DO UPDATE SET attempts = excluded.attempts, last_at_us = excluded.last_at_us
        """,
        (*place, attempts, first_at_us, now_us),
    )
    set_has_failures(transaction, stream.profile_id, stream.device_id)
    return False


def _replay_failed(transaction: Transaction, place: _Place, tries: int, rule: RetryRule) -> None:
    """It goes on, as any delivery does, until it has failed too often: then it is back among the
    dead letters."""
    transaction.database.run(
        f"UPDATE dead_letter SET state = ?, attempts = attempts + 1, tries = ?, tried_at_us = ? WHERE {_AT}",
        ("dead" if tries > rule.max_retries else "replaying", tries, transaction.now_us, *place),
    )


def reject(transaction: Transaction, stream: StreamKey, room_id: str, seq: int, reason: str) -> bool:
    """The device refuses the event, or a replay of it, for good. True: it is a dead letter now."""
    place = (stream.profile_id, stream.device_id, room_id, seq)
    text = reason[:MAX_TEXT].replace("\0", "\ufffd")
    replayed = transaction.database.rows(
        f"""
        UPDATE dead_letter
        SET state = 'dead', reason = ?, text = ?, attempts = attempts + 1
        WHERE {_AT} AND state = 'replaying'
        RETURNING seq
        """,
        (SkipReason.SKIP_REASON_REJECTED, text, *place),
    )
    if replayed:
        return True
    known = transaction.database.rows(
        f"SELECT attempts, first_at_us FROM delivery_attempt WHERE {_AT}", place
    )
    attempts, first_at_us = known[0] if known else (0, transaction.now_us)
    if not _is_owed(transaction, place):
        return False
    _make_dead_letter(transaction, place, SkipReason.SKIP_REASON_REJECTED, text, attempts + 1, first_at_us)
    return True


def skip_event(transaction: Transaction, profile_id: str, device_id: str, room_id: str, seq: int) -> None:
    """An operator skips one event that the device is owed."""
    place = (profile_id, device_id, room_id, seq)
    known = transaction.database.rows(
        f"SELECT attempts, first_at_us FROM delivery_attempt WHERE {_AT}", place
    )
    attempts, first_at_us = known[0] if known else (0, 0)
    _make_dead_letter(
        transaction, place, SkipReason.SKIP_REASON_OPERATOR, "", attempts, first_at_us, state="dropped"
    )


def end_replay(transaction: Transaction, stream: StreamKey, room_id: str, seq: int) -> None:
    """The device has handled a replayed dead letter: it is delivered. Its marker stays for as long
    as the cursor is before it."""
    transaction.database.run(
        f"UPDATE dead_letter SET state = 'delivered' WHERE {_AT} AND state = 'replaying'",
        (stream.profile_id, stream.device_id, room_id, seq),
    )


def set_has_failures(transaction: Transaction, profile_id: str, device_id: str) -> None:
    """Pulls of the device have to look for failures."""
    transaction.database.run(
        "UPDATE device SET has_failures = 1 WHERE profile_id = ? AND device_id = ?", (profile_id, device_id)
    )


def _is_owed(transaction: Transaction, place: _Place) -> bool:
    """The device is to get this event, and not a marker of its removal."""
    profile_id, device_id, room_id, seq = place
    rows = transaction.database.rows(
        """
        SELECT 1
        FROM outbox
        JOIN room ON room.room_id = outbox.room_id AND room.first_seq <= ? AND room.head_seq >= ?
        WHERE outbox.profile_id = ? AND outbox.device_id = ? AND outbox.room_id = ? AND outbox.acked_seq < ?
            AND (outbox.until_seq IS NULL OR outbox.until_seq >= ?)
        """,
        (seq, seq, profile_id, device_id, room_id, seq, seq),
    )
    return bool(rows)


def _make_dead_letter(
    transaction: Transaction,
    place: _Place,
    reason: int,
    text: str,
    attempts: int,
    first_failed_at_us: int,
    *,
    state: str = "dead",
) -> None:
    database = transaction.database
    profile_id, device_id, room_id, seq = place
    database.run(
        """
        INSERT INTO dead_letter (profile_id, device_id, room_id, seq, letter_id, state, event_id, sender_id,
            type, sent_at_us,
            reason, text, attempts, first_failed_at_us, dead_at_us)
        SELECT CAST(? AS TEXT), CAST(? AS TEXT), room_id, seq, CAST(? AS TEXT), CAST(? AS TEXT), event_id,
            sender_id,
            type, sent_at_us,
            CAST(? AS BIGINT), CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT)
        FROM room_event
        WHERE room_id = ? AND seq = ?
        ON CONFLICT (profile_id, device_id, room_id, seq) DO NOTHING
        """,
        (
            profile_id,
            device_id,
            uuid.uuid4().hex[:16],
            state,
            reason,
            text,
            attempts,
            first_failed_at_us,
            transaction.now_us,
            room_id,
            seq,
        ),
    )
    database.run(f"DELETE FROM delivery_attempt WHERE {_AT}", place)
    set_has_failures(transaction, profile_id, device_id)


_PASSED = """NOT EXISTS (
            SELECT 1
            FROM outbox
            WHERE outbox.profile_id = {table}.profile_id AND outbox.device_id = {table}.device_id
                AND outbox.room_id = {table}.room_id AND outbox.acked_seq < {table}.seq)"""
"""The device's cursor has passed the row's event."""


@dataclass(frozen=True, slots=True)
class DeleteSettledFailures(Command[None]):
    """Delete failures that cursors have passed, of ``limit`` devices at most, and clear
    ``has_failures`` where none is left. A dead letter that was not delivered is kept as long as its
    event."""

    limit: int

    def locks(self) -> Locks:
        return NO_LOCKS  # it locks the devices that it finds

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[DeleteSettledFailures]) -> list[None]:
        for command in commands:
            _delete_settled(transaction, command.limit)
        return [None] * len(commands)


def _delete_settled(transaction: Transaction, limit: int) -> None:
    database = transaction.database
    # The rows are held: a failure recorded at the same time has been seen, or sets has_failures
    # again afterwards.
    devices = database.rows(
        f"""
        SELECT profile_id, device_id
        FROM device
        WHERE has_failures = 1
        ORDER BY profile_id, device_id
        LIMIT ?{database.for_update}
        """,
        (limit,),
    )
    for device in devices:
        database.run(
            f"""
            DELETE FROM delivery_attempt
            WHERE profile_id = ? AND device_id = ? AND {_PASSED.format(table="delivery_attempt")}
            """,
            device,
        )
        database.run(
            f"""
            DELETE FROM dead_letter
            WHERE profile_id = ? AND device_id = ? AND state = 'delivered' AND {_PASSED.format(table="dead_letter")}
            """,
            device,
        )
        database.run(
            f"""
            UPDATE device
            SET has_failures = 0
            WHERE profile_id = ? AND device_id = ?
                AND NOT EXISTS (
                    SELECT 1
                    FROM delivery_attempt
                    WHERE delivery_attempt.profile_id = device.profile_id
                        AND delivery_attempt.device_id = device.device_id)
                AND NOT EXISTS (
                    SELECT 1
                    FROM dead_letter
                    WHERE dead_letter.profile_id = device.profile_id AND dead_letter.device_id = device.device_id
                        AND (dead_letter.state = 'replaying' OR NOT {_PASSED.format(table="dead_letter")}))
                AND NOT EXISTS (
                    SELECT 1
                    FROM delivery_gap
                    WHERE delivery_gap.profile_id = device.profile_id
                        AND delivery_gap.device_id = device.device_id
                        AND delivery_gap.told = 0)
            """,
            device,
        )

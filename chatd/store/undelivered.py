"""What devices did not take: failures are counted, and what fails too often or is refused becomes a dead letter.

A dead letter does not move the cursor: in the event's place the device is given a marker, which it acknowledges like any delivery. All of
this is rare; ``device.has_failures`` says whether a pull needs to look.
"""

import uuid
from collections.abc import Sequence

from chatd.core.model import StreamKey
from chatd.pb.events.v1.payloads_pb2 import SkipReason
from chatd.store.commands import DropLetters, ReplayLetters, RetryRule
from chatd.store.transaction import Transaction

MAX_TEXT = 200

_Place = tuple[str, str, str, int]
_AT = "profile_id = ? AND device_id = ? AND room_id = ? AND seq = ?"


def record_failure(transaction: Transaction, stream: StreamKey, room_id: str, seq: int, rule: RetryRule) -> None:
    """The oldest delivery in flight was not taken. One that has been acknowledged meanwhile does not count, nor one too soon after the last."""
    database, now_us = transaction.database, transaction.now_us
    place = (stream.profile_id, stream.device_id, room_id, seq)
    letters = database.rows(f"SELECT state FROM dead_letter WHERE {_AT}", place)
    if letters:
        # Its replay failed: back to the others.
        database.run(f"UPDATE dead_letter SET state = 'dead', attempts = attempts + 1 WHERE {_AT} AND state = 'replaying'", place)
        return
    if not _is_owed(transaction, place):
        return
    known = database.rows(f"SELECT attempts, first_at_us, last_at_us FROM delivery_attempt WHERE {_AT}", place)
    attempts, first_at_us, last_at_us = known[0] if known else (0, now_us, 0)
    if attempts and now_us - last_at_us < rule.first_us * 2 ** min(attempts - 1, 20) // 2:
        return
    attempts += 1
    if attempts > rule.max_retries:
        _bury(transaction, place, SkipReason.SKIP_REASON_UNDELIVERABLE, "", attempts, first_at_us)
        return
    database.run(
        "INSERT INTO delivery_attempt (profile_id, device_id, room_id, seq, attempts, first_at_us, last_at_us) VALUES (?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (profile_id, device_id, room_id, seq) DO UPDATE SET attempts = excluded.attempts, last_at_us = excluded.last_at_us",
        (*place, attempts, first_at_us, now_us),
    )
    _set_has_failures(transaction, stream.profile_id, stream.device_id)


def reject(transaction: Transaction, stream: StreamKey, room_id: str, seq: int, text: str) -> None:
    """The device will never handle it."""
    place = (stream.profile_id, stream.device_id, room_id, seq)
    known = transaction.database.rows(f"SELECT attempts, first_at_us FROM delivery_attempt WHERE {_AT}", place)
    attempts, first_at_us = known[0] if known else (0, transaction.now_us)
    if _is_owed(transaction, place):
        _bury(transaction, place, SkipReason.SKIP_REASON_REJECTED, text[:MAX_TEXT], attempts + 1, first_at_us)


def _is_owed(transaction: Transaction, place: _Place) -> bool:
    seq = place[3]
    return bool(
        transaction.database.rows(
            "SELECT 1 FROM outbox WHERE profile_id = ? AND device_id = ? AND room_id = ? AND acked_seq < ? "
            "AND (until_seq IS NULL OR until_seq >= ?)",
            (*place[:3], seq, seq),
        )
    )


def _bury(transaction: Transaction, place: _Place, reason: int, text: str, attempts: int, first_failed_at_us: int) -> None:
    database = transaction.database
    database.run(
        "INSERT INTO dead_letter (profile_id, device_id, room_id, seq, letter_id, state, event_id, sender_id, type, sent_at_us, reason, text, "
        "attempts, first_failed_at_us, dead_at_us) SELECT CAST(? AS TEXT), CAST(? AS TEXT), e.room_id, e.seq, CAST(? AS TEXT), 'dead', "
        "e.event_id, e.sender_id, e.type, e.sent_at_us, CAST(? AS BIGINT), CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS BIGINT), "
        "CAST(? AS BIGINT) FROM room_event e WHERE e.room_id = ? AND e.seq = ? ON CONFLICT (profile_id, device_id, room_id, seq) DO NOTHING",
        (
            *place[:2],
            uuid.uuid4().hex[:16],
            reason,
            text.replace("\0", "\ufffd"),
            attempts,
            first_failed_at_us,
            transaction.now_us,
            *place[2:],
        ),
    )
    database.run(f"DELETE FROM delivery_attempt WHERE {_AT}", place)
    _set_has_failures(transaction, place[0], place[1])


def _set_has_failures(transaction: Transaction, profile_id: str, device_id: str) -> None:
    transaction.database.run("UPDATE device SET has_failures = 1 WHERE profile_id = ? AND device_id = ?", (profile_id, device_id))


def end_replay(transaction: Transaction, stream: StreamKey, room_id: str, seq: int) -> None:
    """The device has handled a replayed letter. Its marker stays for as long as the cursor is before it."""
    transaction.database.run(
        f"UPDATE dead_letter SET state = 'dropped' WHERE {_AT} AND state = 'replaying'", (stream.profile_id, stream.device_id, room_id, seq)
    )


def replay_letters(transaction: Transaction, commands: Sequence[ReplayLetters]) -> list[dict[str, tuple[str, str]]]:
    return [_replay(transaction, command) for command in commands]


def _replay(transaction: Transaction, command: ReplayLetters) -> dict[str, tuple[str, str]]:
    going: dict[str, tuple[str, str]] = {}
    for letter_id in sorted(set(command.letter_ids)):
        rows = transaction.database.rows(
            "UPDATE dead_letter SET state = 'replaying' WHERE letter_id = ? AND state <> 'dropped' AND EXISTS (SELECT 1 FROM room_event e "
            "JOIN room r ON r.room_id = e.room_id WHERE e.room_id = dead_letter.room_id AND e.seq = dead_letter.seq AND e.seq >= r.first_seq) "
            "RETURNING profile_id, device_id",
            (letter_id,),
        )
        for profile_id, device_id in rows:
            going[letter_id] = (profile_id, device_id)
            _set_has_failures(transaction, profile_id, device_id)
    return going


def drop_letters(transaction: Transaction, commands: Sequence[DropLetters]) -> list[tuple[str, ...]]:
    return [_drop(transaction, command) for command in commands]


def _drop(transaction: Transaction, command: DropLetters) -> tuple[str, ...]:
    """Dropped ones stay as long as their markers are needed (``retention.expire_devices`` removes them)."""
    marks = ", ".join("?" * len(command.letter_ids))
    rows = transaction.database.rows(
        f"UPDATE dead_letter SET state = 'dropped' WHERE letter_id IN ({marks}) AND state <> 'dropped' RETURNING letter_id",
        command.letter_ids,
    )
    return tuple(row[0] for row in rows)

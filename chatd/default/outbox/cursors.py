"""Moving outbox cursors: what devices have acknowledged, refused or failed to take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chatd.core.log_state import UNKNOWN_LOG, LogState
from chatd.core.model import StreamAcks
from chatd.default.dead_letters.failures import RetryRule, end_replay, record_failure, reject
from chatd.pb.events.v1.payloads_pb2 import SkipReason
from chatd.store.command import Command, Locks, Turn
from chatd.store.statements import chunks, placeholders
from chatd.store.transaction import Transaction

SEEN_EVERY_US = 3_600_000_000
"""A device is recorded as seen this often; it expires after days (DEVICE_EXPIRY_DAYS)."""

_Device = tuple[str, str]
_Cursor = tuple[str, str, str]
"""Profile, device and room."""


class NotCounted(NamedTuple):
    """The acks that did not count, and what came of failures. Indexes of streams: ``superseded``:
    the device has a newer stream. ``unknown``: the database does not know the stream, or not all
    that it acknowledges; it holds another log, the device was forgotten, or an operator has changed
    what it is owed."""

    superseded: tuple[int, ...] = ()
    unknown: tuple[int, ...] = ()
    dead: tuple[tuple[int, str, int], ...] = ()
    """Deliveries that became dead letters: the stream's index, the room and the seq."""


@dataclass(frozen=True, slots=True)
class AckCursors(Command[NotCounted]):
    """Move cursors forward, never past a membership's end or a room's head; record rejections and
    failures. Superseded streams' failures count, and nothing else of theirs. ``log`` is the state
    of the log that the streams are of: an older one, or another log, has none of them."""

    acks: tuple[StreamAcks, ...]
    rule: RetryRule
    log: LogState = UNKNOWN_LOG

    def locks(self) -> Locks:
        return Locks(entries=[entry for one in self.acks for entry in _entries(one)])

    def turn(self) -> Turn:
        return Turn.BACKGROUND

    def weight(self) -> int:
        return len(self.acks)

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[AckCursors]) -> list[NotCounted]:
        epochs, log = _read_epochs(transaction, commands)
        cursors: dict[_Cursor, int] = {}
        gaps: dict[tuple[str, str, str, int], int] = {}
        superseded: list[list[int]] = []
        unknown: list[list[int]] = []
        dead: list[list[tuple[int, str, int]]] = []
        for command in commands:
            newer: list[int] = []
            lost: list[int] = []
            superseded.append(newer)
            unknown.append(lost)
            letters: list[tuple[int, str, int]] = []
            dead.append(letters)
            if not log.has(command.log):
                lost.extend(range(len(command.acks)))
                continue
            for index, acks in enumerate(command.acks):
                stream = acks.stream
                epoch, reset_epoch = epochs.get((stream.profile_id, stream.device_id), (0, 0))
                if epoch != stream.epoch:
                    (newer if epoch > max(stream.epoch, reset_epoch) else lost).append(index)
                    continue
                for room_id, seq, reason in acks.rejected:
                    if reject(transaction, stream, room_id, seq, reason):
                        letters.append((index, room_id, seq))
                for room_id, seq in acks.replayed:
                    end_replay(transaction, stream, room_id, seq)
                for gap in acks.removed:
                    gaps[stream.profile_id, stream.device_id, *gap[:2]] = gap[2]
                for room_id, seq in acks.cursors.items():
                    key = (stream.profile_id, stream.device_id, room_id)
                    cursors[key] = max(seq, cursors.get(key, 0))
        ahead: set[_Cursor] = set()
        for rows in chunks([(*key, seq) for key, seq in sorted(cursors.items())], columns=4):
            ahead |= _move(transaction, rows)
        for gap_begin, last_seq in sorted(gaps.items()):
            _record_gap(transaction, *gap_begin, last_seq)
        for command, newer, lost, letters in zip(commands, superseded, unknown, dead, strict=True):
            gone = set(lost)
            for index, acks in enumerate(command.acks):
                if index in gone:
                    continue
                if ahead and index not in newer and not ahead.isdisjoint(_cursors(acks)):
                    lost.append(index)
                if acks.failed is not None and record_failure(
                    transaction, acks.stream, *acks.failed, command.rule
                ):
                    letters.append((index, *acks.failed))
        return [
            NotCounted(tuple(newer), tuple(lost), tuple(letters))
            for newer, lost, letters in zip(superseded, unknown, dead, strict=True)
        ]


def _cursors(acks: StreamAcks) -> Iterator[_Cursor]:
    return ((acks.stream.profile_id, acks.stream.device_id, room_id) for room_id in acks.cursors)


def _entries(acks: StreamAcks) -> list[tuple[str, str, str]]:
    """The outbox entries that acks concern, failures and rejections too: a device that is being
    forgotten leaves no row of them."""
    rooms = [
        *acks.cursors,
        *(room_id for room_id, _, _ in acks.rejected),
        *(room_id for room_id, _ in acks.replayed),
    ]
    rooms += [room_id for room_id, _, _ in acks.removed]
    if acks.failed is not None:
        rooms.append(acks.failed[0])
    return [(acks.stream.profile_id, acks.stream.device_id, room_id) for room_id in rooms]


def _read_epochs(
    transaction: Transaction, commands: Sequence[AckCursors]
) -> tuple[dict[_Device, tuple[int, int]], LogState]:
    """The devices' epochs and reset epochs, and the log's state (nothing is known of it if there is
    none of the devices); devices not seen for long are recorded as seen on the way."""
    log = UNKNOWN_LOG
    devices = {(one.stream.profile_id, one.stream.device_id) for command in commands for one in command.acks}
    epochs: dict[_Device, tuple[int, int]] = {}
    long_unseen = []
    for chunk in chunks(sorted(devices), columns=2):
        values, parameters = transaction.database.values("tt", chunk)
        rows = transaction.database.rows(
            f"""
            WITH v(profile_id, device_id) AS ({values})
            SELECT device.profile_id, device.device_id, device.epoch, device.reset_epoch, device.seen_at_us,
                log.incarnation, log.beat
            FROM v
            JOIN device ON device.profile_id = v.profile_id AND device.device_id = v.device_id
            CROSS JOIN log
            """,
            parameters,
        )
        if rows:
            log = LogState(*rows[0][5:])
        for profile_id, device_id, epoch, reset_epoch, seen_at_us, _, _ in rows:
            epochs[profile_id, device_id] = (epoch, reset_epoch)
            if not transaction.now_us - SEEN_EVERY_US <= seen_at_us <= transaction.now_us:
                long_unseen.append((profile_id, device_id))
    for device in long_unseen:
        transaction.database.run(
            "UPDATE device SET seen_at_us = ? WHERE profile_id = ? AND device_id = ?",
            (transaction.now_us, *device),
        )
    return epochs, log


def _record_gap(
    transaction: Transaction, profile_id: str, device_id: str, room_id: str, first_seq: int, last_seq: int
) -> None:
    """The device has passed a marker of events that were removed, or skipped by an operator."""
    transaction.database.run(
        """
        INSERT INTO delivery_gap (profile_id, device_id, room_id, first_seq, last_seq, reason, told)
        VALUES (?, ?, ?, ?, ?, ?, 1)
        ON CONFLICT (profile_id, device_id, room_id, first_seq) DO UPDATE
        SET told = 1, last_seq = CASE WHEN delivery_gap.last_seq < excluded.last_seq
            THEN excluded.last_seq ELSE delivery_gap.last_seq END
        WHERE delivery_gap.last_seq < excluded.last_seq OR delivery_gap.told = 0
        """,
        (profile_id, device_id, room_id, first_seq, last_seq, SkipReason.SKIP_REASON_RETENTION),
    )


def _move(transaction: Transaction, rows: Sequence[tuple[str, str, str, int]]) -> set[_Cursor]:
    """Move the cursors of (profile, device, room) to a seq; entries that are acknowledged to their
    end are deleted. Returns those that were not moved because the room's log does not go so far."""
    values, parameters = transaction.database.values("ttti", rows)
    moved = transaction.database.rows(
        f"""
        WITH v(profile_id, device_id, room_id, seq) AS ({values})
        UPDATE outbox
        SET acked_seq = CASE WHEN outbox.until_seq < v.seq THEN outbox.until_seq ELSE v.seq END
        FROM v
        WHERE outbox.profile_id = v.profile_id AND outbox.device_id = v.device_id AND outbox.room_id = v.room_id
            AND outbox.start_seq < v.seq AND outbox.acked_seq < v.seq
            AND v.seq <= (SELECT room.head_seq FROM room WHERE room.room_id = v.room_id)
        RETURNING outbox.profile_id, outbox.device_id, outbox.room_id, outbox.start_seq, outbox.acked_seq,
            outbox.until_seq
        """,
        parameters,
    )
    for *key, acked_seq, until_seq in moved:
        if acked_seq == until_seq:
            transaction.database.run(
                "DELETE FROM outbox WHERE profile_id = ? AND device_id = ? AND room_id = ? AND start_seq = ?",
                key,
            )
    keys = {row[:3] for row in moved}
    if len(keys) == len(rows):
        return set()
    return _ahead(transaction, [row for row in rows if row[:3] not in keys])


def _ahead(transaction: Transaction, rows: Sequence[tuple[str, str, str, int]]) -> set[_Cursor]:
    """Those of (profile, device, room) whose seq is past the room's head."""
    room_ids = sorted({room_id for _, _, room_id, _ in rows})
    heads: dict[str, int] = {}
    for chunk in chunks(room_ids, columns=1):
        found = transaction.database.rows(
            f"SELECT room_id, head_seq FROM room WHERE room_id IN ({placeholders(len(chunk))})", chunk
        )
        heads.update(found)
    return {row[:3] for row in rows if row[3] > heads.get(row[2], 0)}

"""The backlog of a device: everything in its rooms' logs behind its cursors, at most a window at a
time.

A marker stands in the place of events that the log no longer holds, or that the device could not
take.
"""

from dataclasses import dataclass, field
from itertools import takewhile

import structlog

from chatd.core.log_state import UNKNOWN_LOG, LogState
from chatd.core.model import Owed, OwedRun, Pull
from chatd.core.wire import delivery_record, encode_marker, replayed, tried_before
from chatd.default.dead_letters.delivery_failures import NO_FAILURES, DeliveryFailures, read_failures
from chatd.default.messages.unreadable import Unreadable, all_parse
from chatd.default.outbox.backlog_order import Range, cursors_of, in_order
from chatd.errors import Internal, StoreFailed, Unavailable
from chatd.pb.events.v1.payloads_pb2 import SkipReason
from chatd.store.command import Query
from chatd.store.database import Database

log = structlog.get_logger()

MAX_ANSWER_BYTES = 8 * 1_048_576
"""Answers to the pulls of one call together; only the first may be larger. They travel as one
frame, and sockets cut off at 16 MiB."""
MAX_REPLAY_BYTES = 2 * 1_048_576
"""Replays in one answer end here; the window does not bound their bytes."""
_CHUNK = 256  # events read at once: bounds what is read in vain when the byte limit cuts in
_SUSPECT = 2  # failures after which an event is delivered alone, so that no other is blamed for it


class _LogMoved(Exception):
    """Events were purged while they were being read."""


@dataclass(frozen=True, slots=True)
class PullOwed(Query[tuple[Owed, ...]]):
    """An Owed for each pull, MAX_ANSWER_BYTES of all together. A pull that fails by itself has its
    error in its Owed. ``log`` is the state of the log that the streams are of: an older one, or
    another log, has none of them."""

    pulls: tuple[Pull, ...]
    log: LogState = UNKNOWN_LOG
    unreadable: Unreadable = field(default_factory=Unreadable)

    def answer(self, database: Database) -> tuple[Owed, ...]:
        answers: list[Owed] = []
        left = MAX_ANSWER_BYTES
        for pull in self.pulls:
            owed = _pull(database, pull, self.log, self.unreadable)
            left -= owed.size
            if left < 0 and answers:
                break
            answers.append(owed)
        unread = (Owed(unread=True) for _ in self.pulls[len(answers) :])
        return (*answers, *unread)


def _pull(database: Database, pull: Pull, known: LogState, unreadable: Unreadable) -> Owed:
    try:
        for _ in range(3):
            try:
                return _Puller(database, pull, known, unreadable).pull()
            except _LogMoved:
                continue
        return Owed(error=Unavailable("the log is being purged"))
    except (StoreFailed, Unavailable):
        raise  # the database's, and so everybody's
    except Exception as exc:  # one pull must not take those beside it with it
        stream = pull.stream
        log.exception(
            "What a device is owed cannot be read", profile=stream.profile_id, device=stream.device_id
        )
        return Owed(error=Internal(f"what the device is owed cannot be read: {type(exc).__name__}"))


class _Puller:
    """One pull, in the making."""

    def __init__(self, database: Database, pull: Pull, known: LogState, unreadable: Unreadable) -> None:
        self._database = database
        self._unreadable = unreadable
        self._pull = pull
        self._known = known
        self._runs: list[OwedRun] = []
        self._messages, self._size = pull.max_messages, pull.max_bytes

    def pull(self) -> Owed:
        pull, stream = self._pull, self._pull.stream
        device = self._database.rows(
            """
            SELECT device.epoch, device.reset_epoch, device.has_failures, log.incarnation, log.beat
            FROM device
            CROSS JOIN log
            WHERE device.profile_id = ? AND device.device_id = ?
            """,
            (stream.profile_id, stream.device_id),
        )
        if not device:
            return Owed(unknown=True)
        epoch, reset_epoch, has_failures, *state = device[0]
        if epoch < stream.epoch or not LogState(*state).has(self._known):
            return Owed(unknown=True)
        if epoch > stream.epoch:
            return Owed(unknown=True) if epoch == reset_epoch else Owed(superseded=True)
        failures = read_failures(self._database, stream) if has_failures else NO_FAILURES
        ranges = self._ranges()
        if pull.again is not None:
            self._again(*pull.again, ranges, failures)
        more = pull.urgent_only or not self._take_replays(failures)
        if any(pull.sent.get(range_.room_id, 0) > range_.head_seq for range_ in ranges):
            return Owed(unknown=True)
        if not self._tell_skipped(failures):
            return Owed(tuple(self._runs), more=True, alone=True)
        suspect = self._suspect(ranges, failures)
        if suspect is not None:
            return suspect
        stands = {range_: range_.after(pull.sent) for range_ in ranges}
        for range_, end in in_order(
            ranges, pull.sent, urgent_within=pull.max_messages if pull.urgent_only else None
        ):
            stands[range_], full = self._take(range_, stands[range_], end, failures)
            if full:
                more = True
                break
        return Owed(tuple(self._runs), more, cursors_of(stands) if pull.want_cursors else {})

    def _ranges(self) -> list[Range]:
        # Heads are read before events: an event committed in between is the next pull's, or
        # published.
        stream = self._pull.stream
        rows = self._database.rows(
            f"""
            SELECT outbox.room_id, outbox.start_seq, outbox.acked_seq, outbox.until_seq,
                room.head_seq, room.first_seq, room.urgent_seq, room.normal_seq, outbox.replay_until
            FROM outbox
            JOIN room ON room.room_id = outbox.room_id
            WHERE outbox.profile_id = ? AND outbox.device_id = ?
                {"" if self._pull.want_cursors else "AND room.head_seq > outbox.acked_seq"}
            ORDER BY outbox.room_id, outbox.start_seq
            """,
            (stream.profile_id, stream.device_id),
        )
        return [Range(*row) for row in rows]

    def _suspect(self, ranges: list[Range], failures: DeliveryFailures) -> Owed | None:
        """When nothing is in flight and a room's next event has failed more than once: that one
        alone."""
        if not failures.attempts or self._runs or not self._pull.first_may_exceed:
            return None
        for range_ in ranges:
            seq = range_.after(self._pull.sent) + 1
            if (
                range_.first_seq <= seq <= range_.end
                and failures.attempts.get((range_.room_id, seq), 0) >= _SUSPECT
            ):
                self._messages = 1
                self._read(range_, seq - 1, seq, failures)
                return Owed(tuple(self._runs), more=True, alone=not self._runs[0].skipped)
        return None

    def _take(self, range_: Range, after: int, end: int, failures: DeliveryFailures) -> tuple[int, bool]:
        """Runs of one range behind ``after`` up to ``end``; how far they go, and whether more is
        owed than fits."""
        while after < end:
            if self._messages <= 0 or self._size <= 0:
                return after, True
            if after + 1 < range_.first_seq:
                after = self._gap(range_.room_id, after + 1, min(range_.first_seq - 1, end))
                continue
            last, full = self._read(range_, after, end, failures)
            after = max(after, last)
            if full:
                return after, True
        return after, False

    def _take_replays(self, failures: DeliveryFailures) -> bool:
        """Dead letters that are replayed and not in flight. False: there are more of them."""
        pull, size = self._pull, self._size
        for room_id, seq in failures.replays:
            if (room_id, seq) == pull.again or (room_id, seq) in pull.replays:
                continue
            if pull.urgent_only or self._messages <= 0 or size - self._size > MAX_REPLAY_BYTES:
                return False
            self._replay(room_id, seq, failures, again=False)
        return True

    def _tell_skipped(self, failures: DeliveryFailures) -> bool:
        """Markers of the events that an operator has skipped, before all that is owed of their
        rooms. False: nothing else may come with them, because they do not fit, or because a suspect
        may follow."""
        untold = [one for one in failures.skipped if self._pull.sent.get(one[0], 0) < one[2]]
        room = max(0, self._messages)
        for room_id, first_seq, last_seq in untold[:room]:
            marker = encode_marker(room_id, first_seq, last_seq, SkipReason.SKIP_REASON_OPERATOR)
            self._skip(room_id, first_seq, last_seq, marker)
        return not untold or (len(untold) <= room and not failures.attempts)

    def _gap(self, room_id: str, first_seq: int, last_seq: int) -> int:
        marker = encode_marker(room_id, first_seq, last_seq, SkipReason.SKIP_REASON_RETENTION)
        return self._skip(room_id, first_seq, last_seq, marker)

    def _skip(self, room_id: str, first_seq: int, last_seq: int, marker: bytes) -> int:
        """A run of its own: what it stands for was not delivered."""
        self._add(OwedRun(room_id, first_seq, last_seq, delivery_record(marker), skipped=True), 1)
        return last_seq

    def _add(self, run: OwedRun, count: int) -> None:
        self._runs.append(run)
        self._messages -= count
        self._size -= len(run.records)

    def _read(self, range_: Range, after: int, end: int, failures: DeliveryFailures) -> tuple[int, bool]:
        """Up to a chunk of a room's events: the last seq taken (0: none), and whether the byte
        limit was reached."""
        room_id = range_.room_id
        # Seqs have no gaps, so the end bounds the number. With LIMIT, a PostgreSQL without
        # statistics sorts the rest of the log.
        rows = self._database.rows(
            """
            SELECT seq, delivery
            FROM room_event
            WHERE room_id = ? AND seq > ? AND seq <= ?
            ORDER BY seq
            """,
            (room_id, after, min(end, after + min(self._messages, _CHUNK))),
        )
        must = self._pull.first_may_exceed and not self._runs
        size = self._size
        records: list[bytes] = []
        full = False
        for expected, (seq, stored) in enumerate(rows, after + 1):
            if seq != expected or not stored:
                raise _LogMoved
            delivery = self._plain(bytes(stored))
            if delivery is None:
                break
            if seq <= range_.replay_until:
                delivery = replayed(delivery)
            record = failures.record(room_id, seq, delivery) if failures.any else delivery_record(delivery)
            size -= len(record)
            if size < 0 and (records or not must):
                full = True
                break
            records.append(record)
        if not rows:
            raise _LogMoved
        if full and not records:
            return 0, True
        if not all_parse(records):
            records, full = list(takewhile(lambda record: all_parse([record]), records)), False
        if not records:
            return self._skip(
                room_id, after + 1, after + 1, self._unreadable.marker(room_id, after + 1)
            ), False
        last = after + len(records)
        self._add(OwedRun(room_id, after + 1, last, b"".join(records)), len(records))
        return last, full

    def _again(self, room_id: str, seq: int, ranges: list[Range], failures: DeliveryFailures) -> None:
        """The oldest delivery in flight once more, or the marker that has taken its place. Nothing
        if it has been purged or cannot be read: a marker will say so."""
        if (room_id, seq) in failures.replays:
            self._replay(room_id, seq, failures, again=True)
            return
        delivery = self._delivery(room_id, seq)
        if delivery:
            if any(one.room_id == room_id and one.start_seq < seq <= one.replay_until for one in ranges):
                delivery = replayed(delivery)
            record = failures.record(room_id, seq, delivery)
            self._runs.append(
                OwedRun(room_id, seq, seq, record, skipped=(room_id, seq) in failures.dead, again=True)
            )

    def _replay(self, room_id: str, seq: int, failures: DeliveryFailures, *, again: bool) -> None:
        delivery = self._delivery(room_id, seq)
        if delivery:
            record = delivery_record(replayed(tried_before(delivery, failures.replays[room_id, seq])))
            self._add(OwedRun(room_id, seq, seq, record, again=again, replay=True), 0 if again else 1)

    def _delivery(self, room_id: str, seq: int) -> bytes:
        rows = self._database.rows(
            "SELECT delivery FROM room_event WHERE room_id = ? AND seq = ?", (room_id, seq)
        )
        delivery = self._plain(bytes(rows[0][0])) if rows else b""
        return delivery if delivery and self._unreadable.parses(delivery) else b""

    def _plain(self, delivery: bytes) -> bytes | None:
        """As the device wants it; None if it cannot be decompressed."""
        return self._unreadable.plain(delivery) if self._pull.plain else delivery

"""Finding cuts: the seqs at which rooms' logs may begin later, by age and by count, and never past
what a device is owed within its own limits."""

from dataclasses import dataclass
from typing import NamedTuple

from chatd.default.retention.model import Cut
from chatd.default.rooms.limits import DAY_US
from chatd.store.command import Query
from chatd.store.database import Database

_LOOK = 10_000  # of the oldest events of a room are looked at in one pass; the next pass takes the next


class _Room(NamedTuple):
    """A room, its own limits (0: none), and the time of its oldest kept event (None: there is
    none)."""

    room_id: str
    head_seq: int
    published_seq: int
    first_seq: int
    purged_seq: int
    keep_days: int
    keep_events: int
    first_at_us: int | None


@dataclass(frozen=True, slots=True)
class FindCuts(Query[tuple[tuple[Cut, ...], str]]):
    """Cuts of ``limit`` rooms after ``after_room_id``, and the last room looked at, empty when
    there are no more. 0 stands for: no limit.

    A log keeps ``keep_events`` and the events since ``keep_since_us``, or fewer if its room's rules
    say so: their days end at ``now_us`` (0: a time that cannot be believed, nothing is old). It
    keeps what is owed to a device, unless that is more than ``backlog_events`` or began before
    ``backlog_since_us``. Rooms with ids to forget (before ``forget_before_us``) are cut too.
    """

    keep_events: int
    keep_since_us: int
    backlog_events: int
    backlog_since_us: int
    forget_before_us: int
    after_room_id: str
    limit: int
    now_us: int = 0

    def answer(self, database: Database) -> tuple[tuple[Cut, ...], str]:
        rows = database.rows(
            """
            SELECT room.room_id, room.head_seq, room.published_seq, room.first_seq, room.purged_seq,
                room.keep_days, room.keep_events, (
                SELECT room_event.sent_at_us
                FROM room_event
                WHERE room_event.room_id = room.room_id AND room_event.seq = room.first_seq)
            FROM room
            WHERE room.room_id > ?
            ORDER BY room.room_id
            LIMIT ?
            """,
            (self.after_room_id, self.limit),
        )
        rooms = [_Room(*row) for row in rows]
        cuts: list[Cut] = []
        for room in rooms:
            wanted = self._wanted(database, room)
            if wanted >= room.first_seq:
                wanted = min(wanted, self._floor(database, room))
            if wanted >= room.first_seq:
                cuts.append(Cut(room.room_id, wanted))
            elif room.purged_seq and self._has_ids_to_forget(database, room):
                cuts.append(Cut(room.room_id, 0))
        return tuple(cuts), rooms[-1].room_id if len(rooms) == self.limit else ""

    def _wanted(self, database: Database, room: _Room) -> int:
        """The last seq that the rules allow to go, whoever is owed it. By age, all before the first
        that is young: an event that was stored while the clock was behind takes no other with
        it."""
        keep_events = min(filter(None, (self.keep_events, room.keep_events)), default=0)
        by_count = room.head_seq - keep_events if keep_events else 0
        own_since_us = self.now_us - room.keep_days * DAY_US if room.keep_days else 0
        since_us = max(self.keep_since_us, own_since_us)
        if not since_us or room.first_at_us is None or room.first_at_us >= since_us:
            return by_count
        ((seq,),) = database.rows(
            """
            SELECT COALESCE(MIN(CASE WHEN sent_at_us >= ? THEN seq END) - 1, MAX(seq))
            FROM room_event
            WHERE room_id = ? AND seq >= ? AND seq < ?
            """,
            (since_us, room.room_id, room.first_seq, room.first_seq + _LOOK),
        )
        return max(by_count, seq or 0)

    def _floor(self, database: Database, room: _Room) -> int:
        """The last seq that may go: published, and acknowledged by every device that is within its
        own limits."""
        ((acked_seq,),) = database.rows(
            """
            SELECT MIN(outbox.acked_seq)
            FROM outbox
            WHERE outbox.room_id = ?
                AND outbox.acked_seq < COALESCE(outbox.until_seq, CAST(? AS BIGINT))
                AND NOT (CAST(? AS BIGINT) > 0
                    AND COALESCE(outbox.until_seq, CAST(? AS BIGINT)) - outbox.acked_seq > ?)
                AND NOT EXISTS (
                    SELECT 1
                    FROM room_event
                    WHERE room_event.room_id = outbox.room_id AND room_event.seq = outbox.acked_seq + 1
                        AND room_event.sent_at_us < ?)
            """,
            (
                room.room_id,
                room.head_seq,
                self.backlog_events,
                room.head_seq,
                self.backlog_events,
                self.backlog_since_us,
            ),
        )
        return room.published_seq if acked_seq is None else min(room.published_seq, acked_seq)

    def _has_ids_to_forget(self, database: Database, room: _Room) -> bool:
        rows = database.rows(
            """
            SELECT sent_at_us
            FROM room_event
            WHERE room_id = ? AND seq <= ?
            ORDER BY seq
            LIMIT 1
            """,
            (room.room_id, room.purged_seq),
        )
        return bool(rows) and rows[0][0] < self.forget_before_us

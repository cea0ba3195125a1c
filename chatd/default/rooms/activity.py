"""Counting events by room and sender, a page of the log at a time: a page is all that one call may
cost."""

from dataclasses import dataclass
from typing import NamedTuple

from chatd.store.command import Query
from chatd.store.database import Database

_ROOMS = 500
_EVENTS = 5_000
"""Rooms and events that one page looks at; 2 to 20 ms."""
_STEP = 1_000


class Count(NamedTuple):
    """The events of one sender in one room."""

    room_id: str
    sender_id: str
    events: int
    last_at_us: int


class CountPage(NamedTuple):
    """``room_id`` and ``before_seq`` are where the next page begins, if there are ``more``."""

    counts: tuple[Count, ...]
    room_id: str
    before_seq: int
    more: bool


@dataclass(frozen=True, slots=True)
class CountEvents(Query[CountPage]):
    """The events since a time. Rooms come by id, each from its newest event back; the page begins
    before ``before_seq`` of the room, or if that is 0 with the room behind it."""

    since_us: int
    room_id: str
    before_seq: int

    def answer(self, database: Database) -> CountPage:
        counts: list[Count] = []
        left = _EVENTS
        rooms = self._rooms(database)
        for room_id, before_seq in rooms:
            while before_seq:
                if left <= 0:
                    return CountPage(tuple(counts), room_id, before_seq, True)
                found, before_seq = self._step(database, room_id, before_seq)
                counts += found
                left -= _STEP
        last = rooms[-1][0] if rooms else self.room_id
        return CountPage(tuple(counts), last, 0, len(rooms) >= _ROOMS)

    def _rooms(self, database: Database) -> list[tuple[str, int]]:
        """The page's rooms, and the seq before which each is counted; 0: it has no event of the
        time."""
        first = [(self.room_id, self.before_seq)] if self.before_seq else []
        rows = database.rows(
            """
            SELECT page.room_id, CASE WHEN newest.sent_at_us >= ? THEN page.head_seq + 1 ELSE 0 END
            FROM (SELECT room_id, head_seq FROM room WHERE room_id > ? ORDER BY room_id LIMIT ?) page
            LEFT JOIN room_event newest ON newest.room_id = page.room_id AND newest.seq = page.head_seq
            ORDER BY page.room_id
            """,
            (self.since_us, self.room_id, _ROOMS),
        )
        return [*first, *((room_id, before_seq) for room_id, before_seq in rows)]

    def _step(self, database: Database, room_id: str, before_seq: int) -> tuple[list[Count], int]:
        """The counts of the next events, and where to go on; 0: the room is done."""
        rows = database.rows(
            """
            SELECT sender_id, SUM(CASE WHEN sent_at_us >= ? THEN 1 ELSE 0 END), MAX(sent_at_us), MIN(seq),
                COUNT(*)
            FROM (
                SELECT sender_id, sent_at_us, seq
                FROM room_event
                WHERE room_id = ? AND seq < ?
                ORDER BY seq DESC
                LIMIT ?) step
            GROUP BY sender_id
            ORDER BY sender_id
            """,
            (self.since_us, room_id, before_seq, _STEP),
        )
        counts = [
            Count(room_id, sender, int(events), at_us) for sender, events, at_us, _, _ in rows if events
        ]
        is_whole = sum(row[4] for row in rows) == _STEP
        return counts, min(row[3] for row in rows) if counts and is_whole else 0

"""Where each room's log may begin later, by age and by count, and never past what a device is owed within its own limits."""

from typing import NamedTuple

from chatd.store.database import Database
from chatd.store.queries import RetentionCuts

_LOOK = 10_000  # of the oldest events of a room are looked at in one pass; the next pass takes the next


class _Room(NamedTuple):
    """A room and when its oldest kept event, and its oldest row, were stored (None: there is none)."""

    room_id: str
    head_seq: int
    published_seq: int
    first_seq: int
    purged_seq: int
    first_at_us: int | None


def retention_cuts(database: Database, query: RetentionCuts) -> tuple[tuple[tuple[str, int], ...], str]:
    rooms = [
        _Room(*row)
        for row in database.rows(
            "SELECT r.room_id, r.head_seq, r.published_seq, r.first_seq, r.purged_seq, e.sent_at_us FROM room r "
            "LEFT JOIN room_event e ON e.room_id = r.room_id AND e.seq = r.first_seq WHERE r.room_id > ? ORDER BY r.room_id LIMIT ?",
            (query.after_room_id, query.limit),
        )
    ]
    cuts: dict[str, int] = {}
    for room in rooms:
        wanted = _wanted(database, room, query)
        if wanted >= room.first_seq:
            wanted = min(wanted, _floor(database, room, query))
        if wanted >= room.first_seq:
            cuts[room.room_id] = wanted
        elif room.purged_seq and _has_ids_to_forget(database, room, query.forget_before_us):
            cuts[room.room_id] = 0
    return tuple(cuts.items()), rooms[-1].room_id if len(rooms) == query.limit else ""


def _wanted(database: Database, room: _Room, query: RetentionCuts) -> int:
    """What the rules allow to go, whoever is owed it."""
    by_count = room.head_seq - query.keep_events if query.keep_events else 0
    if not query.keep_since_us or room.first_at_us is None or room.first_at_us >= query.keep_since_us:
        return by_count
    rows = database.rows(
        "SELECT MAX(seq) FROM (SELECT seq, sent_at_us FROM room_event WHERE room_id = ? AND seq >= ? ORDER BY seq LIMIT ?) AS oldest "
        "WHERE sent_at_us < ?",
        (room.room_id, room.first_seq, _LOOK, query.keep_since_us),
    )
    return max(by_count, rows[0][0] or 0)


def _floor(database: Database, room: _Room, query: RetentionCuts) -> int:
    """The last seq that may go: acknowledged by every device that is within its own limits, and fanned out."""
    rows = database.rows(
        "SELECT MIN(o.acked_seq) FROM outbox o WHERE o.room_id = ? AND o.acked_seq < COALESCE(o.until_seq, CAST(? AS BIGINT)) "
        "AND NOT (CAST(? AS BIGINT) > 0 AND COALESCE(o.until_seq, CAST(? AS BIGINT)) - o.acked_seq > ?) "
        "AND NOT EXISTS (SELECT 1 FROM room_event e WHERE e.room_id = o.room_id AND e.seq = o.acked_seq + 1 AND e.sent_at_us < ?)",
        (room.room_id, room.head_seq, query.backlog_events, room.head_seq, query.backlog_events, query.backlog_since_us),
    )
    acked_seq = rows[0][0]
    return room.published_seq if acked_seq is None else min(room.published_seq, acked_seq)


def _has_ids_to_forget(database: Database, room: _Room, before_us: int) -> bool:
    rows = database.rows(
        "SELECT sent_at_us FROM room_event WHERE room_id = ? AND seq <= ? ORDER BY seq LIMIT 1", (room.room_id, room.purged_seq)
    )
    return bool(rows) and rows[0][0] < before_us

"""Where each room's log may begin later, by age and by count, and never past what a device is owed within its own limits."""

from chatd.store.database import Database
from chatd.store.queries import RetentionCuts

_LOOK = 10_000  # of the oldest events of a room are looked at in one pass; the next pass takes the next


def retention_cuts(database: Database, query: RetentionCuts) -> tuple[tuple[str, int], ...]:
    cuts: dict[str, int] = {}
    if query.keep_events:
        rows = database.rows(
            "SELECT room_id, head_seq - ? FROM room WHERE head_seq - first_seq + 1 > ? LIMIT ?",
            (query.keep_events, query.keep_events, query.limit),
        )
        cuts.update((room_id, seq) for room_id, seq in rows)
    if query.keep_since_us:
        rows = database.rows(
            "SELECT r.room_id, r.first_seq FROM room r JOIN room_event e ON e.room_id = r.room_id AND e.seq = r.first_seq "
            "WHERE e.sent_at_us < ? LIMIT ?",
            (query.keep_since_us, query.limit),
        )
        for room_id, first_seq in rows:
            cuts[room_id] = max(cuts.get(room_id, 0), _too_old(database, room_id, first_seq, query.keep_since_us))
    floored = {room_id: min(seq, _floor(database, room_id, query)) for room_id, seq in cuts.items()}
    beginnings = _beginnings(database, floored)
    useful = {room_id: seq for room_id, seq in floored.items() if seq >= beginnings[room_id]}
    remembered = database.rows(
        "SELECT r.room_id FROM room r WHERE r.purged_seq > 0 AND EXISTS (SELECT 1 FROM room_event e WHERE e.room_id = r.room_id "
        "AND e.seq <= r.purged_seq AND e.sent_at_us < ?) LIMIT ?",
        (query.forget_before_us, query.limit),
    )
    return tuple((useful | {room_id: useful.get(room_id, 0) for (room_id,) in remembered}).items())


def _too_old(database: Database, room_id: str, first_seq: int, since_us: int) -> int:
    rows = database.rows(
        "SELECT MAX(seq) FROM (SELECT seq, sent_at_us FROM room_event WHERE room_id = ? AND seq >= ? ORDER BY seq LIMIT ?) AS oldest "
        "WHERE sent_at_us < ?",
        (room_id, first_seq, _LOOK, since_us),
    )
    return int(rows[0][0] or 0)


def _floor(database: Database, room_id: str, query: RetentionCuts) -> int:
    """The last seq that may go: acknowledged by every device that is within its own limits, and fanned out."""
    rows = database.rows(
        "SELECT r.fanned_seq, MIN(o.acked_seq) FROM room r LEFT JOIN outbox o ON o.room_id = r.room_id "
        "AND o.acked_seq < COALESCE(o.until_seq, r.head_seq) "
        "AND NOT (CAST(? AS BIGINT) > 0 AND COALESCE(o.until_seq, r.head_seq) - o.acked_seq > ?) "
        "AND NOT EXISTS (SELECT 1 FROM room_event e WHERE e.room_id = o.room_id AND e.seq = o.acked_seq + 1 AND e.sent_at_us < ?) "
        "WHERE r.room_id = ? GROUP BY r.fanned_seq",
        (query.backlog_events, query.backlog_events, query.backlog_since_us, room_id),
    )
    ((fanned_seq, acked_seq),) = rows or [(0, 0)]
    return int(fanned_seq if acked_seq is None else min(fanned_seq, acked_seq))


def _beginnings(database: Database, rooms: dict[str, int]) -> dict[str, int]:
    found: dict[str, int] = {}
    for room_id in rooms:
        found.update(database.rows("SELECT room_id, first_seq FROM room WHERE room_id = ?", (room_id,)))
    return found

"""The newest events of rooms among those that are to be enqueued."""

from chatd.default.rooms.mentions import EVERYBODY
from chatd.default.rooms.unread import is_notable_sql
from chatd.store.database import Database

Latest = tuple[str, str, int, int, int]
"""A room, the sender and the seq of its newest event, the seq of the newest one of somebody else
(0: none), and the time."""
Ranges = dict[str, tuple[int, int]]
"""Room → the seq behind which, and the seq up to which its events are enqueued."""

_MENTIONS_ALL = f"""
            AND EXISTS (
                SELECT 1
                FROM mention
                WHERE mention.profile_id = '{EVERYBODY}' AND mention.room_id = room_event.room_id
                    AND mention.seq = room_event.seq)"""


def latest_events(database: Database, ranges: Ranges, *, mention_all: bool = False) -> list[Latest]:
    """The latest event of each room; with ``mention_all`` of those that mention all members."""
    condition = _MENTIONS_ALL if mention_all else ""
    values, parameters = database.values("tii", [(room_id, *span) for room_id, span in ranges.items()])
    rows = database.rows(
        f"""
        WITH v(room_id, notified, up_to) AS ({values})
        SELECT room_event.room_id, room_event.sender_id, MAX(room_event.seq), MAX(room_event.sent_at_us)
        FROM v
        JOIN room_event ON room_event.room_id = v.room_id AND room_event.seq > v.notified AND room_event.seq <= v.up_to
            AND {is_notable_sql("room_event")}{condition}
        GROUP BY room_event.room_id, room_event.sender_id
        """,
        parameters,
    )
    newest: dict[str, list[tuple[int, str, int]]] = {}
    for room_id, sender_id, seq, at_us in rows:
        newest.setdefault(room_id, []).append((seq, sender_id, at_us))
    latest = []
    for room_id, senders in sorted(newest.items()):
        (seq, sender_id, at_us), *others = sorted(senders, reverse=True)
        latest.append((room_id, sender_id, seq, others[0][0] if others else 0, at_us))
    return latest

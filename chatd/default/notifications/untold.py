"""The event that is left to tell a device: the newest event that it is owed, that its profile has
not read, that is wanted, and that no notification has told it of."""

from collections.abc import Callable

from chatd.default.notifications.push import ALL, MENTIONS
from chatd.default.rooms.mentions import EVERYBODY
from chatd.default.rooms.unread import COUNT, MEMBERSHIPS, is_notable_sql
from chatd.store.database import Database

Told = tuple[str, int]
"""Room and seq."""

_AFTER = "CASE WHEN {a} > {b} THEN {a} ELSE {b} END"
_OUT_OF_SIGHT = _AFTER.format(
    a=_AFTER.format(a="outbox.acked_seq", b="COALESCE(read_marker.seq, 0)"),
    b=_AFTER.format(a="COALESCE(told.seq, 0)", b="room.first_seq - 1"),
)
"""The last seq that is taken, read, told or removed."""


def is_wanted(level: int | None, muted_until_us: int, now_us: int, is_mentioned: Callable[[], bool]) -> bool:
    """By a profile's wishes for a room; ``level`` None: it has said none."""
    if level is None:
        return True
    if muted_until_us > now_us:
        return False
    return level == ALL or (level == MENTIONS and is_mentioned())


def mentions(database: Database, room_id: str, seq: int, profile_id: str) -> bool:
    """The event mentions the profile."""
    rows = database.rows(
        "SELECT 1 FROM mention WHERE profile_id IN (?, ?) AND room_id = ? AND seq = ?",
        (profile_id, EVERYBODY, room_id, seq),
    )
    return bool(rows)


def find_untold(database: Database, profile_id: str, device_id: str, now_us: int) -> Told | None:
    """A few look-ups for each of the profile's rooms; asked when what a notification stood for is
    read, taken or muted."""
    rows = database.rows(
        f"""
        SELECT room.room_id, {_OUT_OF_SIGHT}, room_notification.level, COALESCE(room_notification.muted_until_us, 0)
        FROM subscription{MEMBERSHIPS}
        JOIN outbox ON outbox.profile_id = subscription.profile_id AND outbox.device_id = ?
            AND outbox.room_id = subscription.room_id AND outbox.until_seq IS NULL
        LEFT JOIN room_notification ON room_notification.profile_id = subscription.profile_id
            AND room_notification.room_id = subscription.room_id
        LEFT JOIN notification told ON told.profile_id = outbox.profile_id AND told.device_id = outbox.device_id
            AND told.slot = outbox.room_id AND told.kind = 'message'
        WHERE subscription.profile_id = ? AND subscription.left_seq IS NULL
            AND room.notified_seq > {_OUT_OF_SIGHT} AND {COUNT} > 0
        """,
        (device_id, profile_id),
    )
    best: tuple[int, str, int] | None = None
    for room_id, after, level, muted_until_us in rows:
        if not is_wanted(level, muted_until_us, now_us, lambda: True):
            continue
        newest = _newest_mention if level == MENTIONS else _newest
        found = newest(database, room_id, after, profile_id)
        if found is not None and (best is None or found > best):
            best = found
    return best[1:] if best is not None else None


def _newest(database: Database, room_id: str, after: int, profile_id: str) -> tuple[int, str, int] | None:
    """Time, room and seq of the newest event of somebody else behind ``after``."""
    rows = database.rows(
        f"""
        SELECT sent_at_us, room_id, seq
        FROM room_event
        WHERE room_id = ? AND seq > ? AND {is_notable_sql("room_event")} AND sender_id <> ?
        ORDER BY seq DESC
        LIMIT 1
        """,
        (room_id, after, profile_id),
    )
    return rows[0] if rows else None


def _newest_mention(
    database: Database, room_id: str, after: int, profile_id: str
) -> tuple[int, str, int] | None:
    """The same of one that mentions the profile."""
    rows = database.rows(
        """
        SELECT room_event.sent_at_us, room_event.room_id, room_event.seq
        FROM mention
        JOIN room_event ON room_event.room_id = mention.room_id AND room_event.seq = mention.seq
        WHERE mention.profile_id IN (?, ?) AND mention.room_id = ? AND mention.seq > ?
            AND mention.sender_id <> ?
        ORDER BY mention.seq DESC
        LIMIT 1
        """,
        (profile_id, EVERYBODY, room_id, after, profile_id),
    )
    return rows[0] if rows else None

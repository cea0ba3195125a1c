"""What the notifying stage reads: whether there is anything to do, what a notification is to say, and what operators look at."""

from chatd.core.model import NotificationContent, PushDevice, QueuedNotification
from chatd.store import queries as q
from chatd.store.database import Database
from chatd.store.push import NONE

_ROOMS = 500
PAGE = 2_000
"""Members that are noted in one transaction; a room with more of them is noted page by page."""


def notification_work(database: Database, query: q.NotificationWork) -> tuple[tuple[tuple[str, int], ...], bool]:
    rooms = database.rows(
        "SELECT r.room_id, (SELECT COUNT(*) FROM (SELECT 1 FROM subscription s WHERE s.room_id = r.room_id AND s.push = 1 "
        "AND s.left_seq IS NULL LIMIT ?) few) FROM room r WHERE r.notified_seq < r.published_seq ORDER BY r.room_id LIMIT ?",
        (PAGE + 1, _ROOMS),
    )
    due = any(
        database.rows("SELECT 1 FROM notification WHERE state = ? AND due_at_us <= ? LIMIT 1", (state, query.now_us))
        for state in ("waiting", "sent")
    )
    return tuple((room_id, size) for room_id, size in rooms), due


def notices(database: Database, query: q.GetNotificationContents) -> tuple[NotificationContent, ...]:
    """In the order of the claims. Of a room that hides previews, not even the event is read."""
    values, parameters = database.values("ttti", [(one.profile_id, one.device_id, one.room_id, one.seq) for one in query.claims])
    v = f"WITH v(profile_id, device_id, room_id, seq) AS ({values}) "
    owed = {
        (profile_id, device_id): count
        for profile_id, device_id, count in database.rows(
            f"{v}SELECT v.profile_id, v.device_id, CAST(SUM(COALESCE(o.until_seq, r.head_seq) - "
            "CASE WHEN o.acked_seq < r.first_seq THEN r.first_seq - 1 ELSE o.acked_seq END) AS BIGINT) FROM v "
            "JOIN outbox o ON o.profile_id = v.profile_id AND o.device_id = v.device_id JOIN room r ON r.room_id = o.room_id "
            "LEFT JOIN room_notification n ON n.profile_id = o.profile_id AND n.room_id = o.room_id "
            "WHERE COALESCE(o.until_seq, r.head_seq) > "
            "CASE WHEN o.acked_seq < r.first_seq THEN r.first_seq - 1 ELSE o.acked_seq END "
            f"AND (n.level IS NULL OR (n.level <> {NONE} AND n.muted_until_us <= ?)) GROUP BY v.profile_id, v.device_id",
            (*parameters, query.now_us),
        )
    }
    rows = database.rows(
        f"{v}SELECT v.profile_id, v.device_id, p.notifier, p.endpoint, p.p256dh, p.auth, COALESCE(r.name, ''), COALESCE(e.sender_id, ''), "
        "COALESCE(e.sent_at_us, 0), CASE WHEN r.hide_previews = 0 THEN e.delivery END, CASE WHEN m.seq >= v.seq THEN 1 ELSE 0 END "
        "FROM v JOIN push p ON p.profile_id = v.profile_id AND p.device_id = v.device_id LEFT JOIN room r ON r.room_id = v.room_id "
        "LEFT JOIN room_event e ON e.room_id = v.room_id AND e.seq = v.seq "
        "LEFT JOIN read_marker m ON m.profile_id = v.profile_id AND m.room_id = v.room_id",
        parameters,
    )
    found = {
        (profile_id, device_id): NotificationContent(
            PushDevice(*push), owed.get((profile_id, device_id), 0), name, sender_id, at_us, bytes(delivery or b""), bool(read)
        )
        for profile_id, device_id, *push, name, sender_id, at_us, delivery, read in rows
    }
    nobody = NotificationContent(PushDevice("", "", "", ""), 0, "", "", 0, b"")
    return tuple(found.get((one.profile_id, one.device_id), nobody) for one in query.claims)


def get_push(database: Database, query: q.GetPush) -> PushDevice | None:
    rows = database.rows(
        "SELECT notifier, endpoint, p256dh, auth FROM push WHERE profile_id = ? AND device_id = ?", (query.profile_id, query.device_id)
    )
    return PushDevice(*rows[0]) if rows else None


def list_notifications(database: Database, query: q.ListNotifications) -> tuple[tuple[QueuedNotification, ...], bool]:
    rows = database.rows(
        "SELECT n.profile_id, n.device_id, p.notifier, n.state, n.room_id, n.seq, n.attempts, n.error, "
        "CASE n.state WHEN 'waiting' THEN n.due_at_us ELSE n.at_us END AS since FROM notification n "
        "JOIN push p ON p.profile_id = n.profile_id AND p.device_id = n.device_id "
        "WHERE ? IN ('', n.state) AND ? IN ('', n.profile_id) ORDER BY since DESC, n.profile_id, n.device_id LIMIT ?",
        (query.state, query.profile_id, query.limit + 1),
    )
    return tuple(QueuedNotification(*row) for row in rows[: query.limit]), len(rows) > query.limit

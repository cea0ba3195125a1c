"""The content of notifications: what a device is owed, how much is unread, and what the newest event says."""

from dataclasses import dataclass

from chatd.core.model import NotificationContent, PushDevice
from chatd.default.notifications.model import ClaimedNotification
from chatd.default.notifications.push import NONE
from chatd.default.rooms.unread import COUNT, MEMBERSHIPS
from chatd.store.command import Query
from chatd.store.database import Database

_BEGIN = "CASE WHEN outbox.acked_seq < room.first_seq THEN room.first_seq - 1 ELSE outbox.acked_seq END"
"""The last seq before what is owed and still kept."""
_NOBODY = NotificationContent(PushDevice("", "", "", ""), 0, 0, "", "", 0, b"")


@dataclass(frozen=True, slots=True)
class GetNotificationContents(Query[tuple[NotificationContent, ...]]):
    """A content for each claim, in order; for a device that is no longer notified, one without a notifier. The event of a room that
    hides previews is not even read."""

    claims: tuple[ClaimedNotification, ...]
    now_us: int

    def answer(self, database: Database) -> tuple[NotificationContent, ...]:
        values, parameters = database.values("ttti", [(one.profile_id, one.device_id, one.room_id, one.seq) for one in self.claims])
        claims = f"WITH v(profile_id, device_id, room_id, seq) AS ({values})"
        owed = self._owed(database, claims, parameters)
        badges = self._badges(database, claims, parameters)
        rows = database.rows(
            f"""
            {claims}
            SELECT v.profile_id, v.device_id, push.notifier, push.endpoint, push.p256dh, push.auth,
                COALESCE(room.name, ''), COALESCE(room_event.sender_id, ''), COALESCE(room_event.sent_at_us, 0),
                CASE WHEN room.hide_previews = 0 THEN room_event.delivery END,
                CASE WHEN read_marker.seq >= v.seq THEN 1 ELSE 0 END
            FROM v
            JOIN push ON push.profile_id = v.profile_id AND push.device_id = v.device_id
            LEFT JOIN room ON room.room_id = v.room_id
            LEFT JOIN room_event ON room_event.room_id = v.room_id AND room_event.seq = v.seq
            LEFT JOIN read_marker ON read_marker.profile_id = v.profile_id AND read_marker.room_id = v.room_id
            """,
            parameters,
        )
        found = {
            (profile_id, device_id): NotificationContent(
                PushDevice(*push),
                owed.get((profile_id, device_id), 0),
                badges.get(profile_id, 0),
                name,
                sender_id,
                at_us,
                bytes(delivery or b""),
                bool(read),
            )
            for profile_id, device_id, *push, name, sender_id, at_us, delivery, read in rows
        }
        return tuple(found.get((one.profile_id, one.device_id), _NOBODY) for one in self.claims)

    def _owed(self, database: Database, claims: str, parameters: list[object]) -> dict[tuple[str, str], int]:
        """(profile, device) → events it is owed, of rooms that are neither muted nor set to NONE."""
        rows = database.rows(
            f"""
            {claims}
            SELECT v.profile_id, v.device_id,
                CAST(SUM(COALESCE(outbox.until_seq, room.head_seq) - {_BEGIN}) AS BIGINT)
            FROM v
            JOIN outbox ON outbox.profile_id = v.profile_id AND outbox.device_id = v.device_id
            JOIN room ON room.room_id = outbox.room_id
            LEFT JOIN room_notification ON room_notification.profile_id = outbox.profile_id
                AND room_notification.room_id = outbox.room_id
            WHERE COALESCE(outbox.until_seq, room.head_seq) > {_BEGIN}
                AND (room_notification.level IS NULL
                    OR (room_notification.level <> {NONE} AND room_notification.muted_until_us <= ?))
            GROUP BY v.profile_id, v.device_id
            """,
            (*parameters, self.now_us),
        )
        return {(profile_id, device_id): count for profile_id, device_id, count in rows}

    def _badges(self, database: Database, claims: str, parameters: list[object]) -> dict[str, int]:
        """Profile → what is unread in its rooms that are neither muted nor set to NONE."""
        rows = database.rows(f"{claims} {BADGES}", (*parameters, self.now_us))
        return dict(rows)


BADGES = f"""
            SELECT subscription.profile_id, CAST(SUM({COUNT}) AS BIGINT)
            FROM (
                SELECT DISTINCT v.profile_id
                FROM v
            ) one
            JOIN subscription ON subscription.profile_id = one.profile_id AND subscription.left_seq IS NULL{MEMBERSHIPS}
            LEFT JOIN room_notification ON room_notification.profile_id = subscription.profile_id
                AND room_notification.room_id = subscription.room_id
            WHERE room_notification.level IS NULL
                OR (room_notification.level <> {NONE} AND room_notification.muted_until_us <= ?)
            GROUP BY subscription.profile_id"""
"""A few look-ups by key for each room of a profile. Parameter: the time."""

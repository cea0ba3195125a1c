"""The content of notifications. The event that a claim stands for is looked up when it is due: it
may have been read, taken or muted since, and then another one may be left to tell
(``untold.py``)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chatd.core.model import NotificationContent, PushDevice
from chatd.default.notifications.invitations import is_to_be_told
from chatd.default.notifications.model import ClaimedNotification
from chatd.default.notifications.push import NONE
from chatd.default.notifications.untold import Told, find_untold, is_wanted, mentions
from chatd.default.rooms.unread import COUNT, MEMBERSHIPS
from chatd.store.command import Query
from chatd.store.database import Database

_Tell = tuple[str, str, str, int]
"""Profile, device, and the room and seq to tell."""
_NOBODY = NotificationContent(PushDevice("", "", "", ""))


@dataclass(frozen=True, slots=True)
class GetNotificationContents(Query[tuple[NotificationContent, ...]]):
    """A content for each claim, in order. Without a notifier: the device is no longer notified.
    Without a room: there is nothing to tell, or the device has taken what it was told. The event of
    a room that hides previews is not shown."""

    claims: tuple[ClaimedNotification, ...]
    now_us: int

    def answer(self, database: Database) -> tuple[NotificationContent, ...]:
        tells = [self._tell(database, claim) for claim in self.claims]
        rows = [
            (claim.profile_id, claim.device_id, *(told or ("", 0)))
            for claim, told in zip(self.claims, tells, strict=True)
        ]
        values, parameters = database.values("ttti", rows)
        claims = f"WITH v(profile_id, device_id, room_id, seq) AS ({values})"
        badges = dict(database.rows(f"{claims} {BADGES}", (*parameters, self.now_us)))
        found = self._contents(database, claims, parameters)
        return tuple(replace(found.get(row, _NOBODY), badge=badges.get(row[0], 0)) for row in rows)

    def _tell(self, database: Database, claim: ClaimedNotification) -> Told | None:
        """The event that a claim stands for now; None: there is none."""
        if claim.kind == "invitation":
            told = is_to_be_told(database, claim, self.now_us)
            return (claim.room_id, claim.seq) if told else None
        if claim.kind == "dismiss" or self._still_stands(database, claim):
            return claim.room_id, claim.seq
        return None if claim.sent else find_untold(database, claim.profile_id, claim.device_id, self.now_us)

    def _still_stands(self, database: Database, claim: ClaimedNotification) -> bool:
        """The device is owed the claim's event; and unless it was told of it, the event is unread
        and wanted."""
        key = (claim.profile_id, claim.device_id, claim.room_id)
        rows = database.rows(
            """
            SELECT COALESCE(read_marker.seq, 0), room_notification.level, COALESCE(room_notification.muted_until_us, 0),
                COALESCE(told.seq, 0), subscription.joined_seq
            FROM outbox
            JOIN room_event ON room_event.room_id = outbox.room_id AND room_event.seq = ?
            JOIN room ON room.room_id = outbox.room_id AND room.first_seq <= room_event.seq
            LEFT JOIN subscription ON subscription.room_id = outbox.room_id
                AND subscription.profile_id = outbox.profile_id
                AND subscription.left_seq IS NULL
            LEFT JOIN read_marker ON read_marker.profile_id = outbox.profile_id AND read_marker.room_id = outbox.room_id
            LEFT JOIN room_notification ON room_notification.profile_id = outbox.profile_id
                AND room_notification.room_id = outbox.room_id
            LEFT JOIN notification told ON told.profile_id = outbox.profile_id AND told.device_id = outbox.device_id
                AND told.slot = outbox.room_id AND told.kind = 'message'
            WHERE outbox.profile_id = ? AND outbox.device_id = ? AND outbox.room_id = ?
                AND outbox.acked_seq < room_event.seq
                AND outbox.start_seq < room_event.seq AND (outbox.until_seq IS NULL
                    OR outbox.until_seq >= room_event.seq)
            """,
            (claim.seq, *key),
        )
        if not rows or claim.sent:
            return bool(rows)
        ((read_seq, level, muted_until_us, told_seq, joined_seq),) = rows
        if joined_seq is None or claim.seq <= max(read_seq, told_seq, joined_seq):
            return False
        return is_wanted(
            level,
            muted_until_us,
            self.now_us,
            lambda: mentions(database, claim.room_id, claim.seq, claim.profile_id),
        )

    def _contents(
        self, database: Database, claims: str, parameters: Sequence[object]
    ) -> dict[_Tell, NotificationContent]:
        rows = database.rows(
            f"""
            {claims}
            SELECT v.profile_id, v.device_id, v.room_id, v.seq, push.notifier, push.endpoint, push.p256dh, push.auth,
                COALESCE(room.name, ''), COALESCE(room_event.sender_id, ''), COALESCE(room_event.sent_at_us, 0),
                CASE WHEN room.hide_previews = 0 THEN room_event.delivery END
            FROM v
            JOIN push ON push.profile_id = v.profile_id AND push.device_id = v.device_id
            LEFT JOIN room ON room.room_id = v.room_id
            LEFT JOIN room_event ON room_event.room_id = v.room_id AND room_event.seq = v.seq
            """,
            parameters,
        )
        found: dict[_Tell, NotificationContent] = {}
        for profile_id, device_id, room_id, seq, *push, name, sender_id, at_us, delivery in rows:
            content = NotificationContent(
                PushDevice(*push), room_id, seq, 0, name, sender_id, at_us, bytes(delivery or b"")
            )
            found[profile_id, device_id, room_id, seq] = content
        return found


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

"""The work of the next pass: rooms with events or invitations that are not enqueued, and whether
any notification is due."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from chatd.default.notifications.enqueue import PAGE
from chatd.default.notifications.invitations import find_untold_rooms
from chatd.default.notifications.model import DUE, STRAYED, LongestPauses
from chatd.store.command import Query
from chatd.store.database import Database

_ROOMS = 500


class NotificationWork(NamedTuple):
    """Rooms with events to enqueue, each with the number of its members that have a device to
    notify, counted up to PAGE + 1; rooms with invitations to enqueue; and whether any notification
    is due."""

    rooms: tuple[tuple[str, int], ...]
    inviting: tuple[str, ...]
    due: bool


@dataclass(frozen=True, slots=True)
class FindNotificationWork(Query[NotificationWork]):
    """The work that there is at ``now_us``; rooms with invitations behind ``inviting_after`` come
    first."""

    now_us: int
    pauses: LongestPauses
    inviting_after: str = ""

    def answer(self, database: Database) -> NotificationWork:
        rooms = database.rows(
            """
            SELECT unnotified_room.room_id, (
                SELECT COUNT(*)
                FROM (
                    SELECT 1
                    FROM subscription
                    WHERE subscription.room_id = unnotified_room.room_id AND subscription.push = 1
                        AND subscription.left_seq IS NULL
                    LIMIT ?
                ) few)
            FROM unnotified_room
            ORDER BY unnotified_room.room_id
            LIMIT ?
            """,
            (PAGE + 1, _ROOMS),
        )
        due = any(self._is_any_due(database, state) for state in ("waiting", "sent"))
        return NotificationWork(
            tuple((room_id, size) for room_id, size in rooms),
            find_untold_rooms(database, self.inviting_after),
            due,
        )

    def _is_any_due(self, database: Database, state: str) -> bool:
        return any(
            database.rows(
                f"SELECT 1 FROM notification WHERE state = ? AND {due} LIMIT 1",
                (state, *self.pauses.bounds(due, state, self.now_us)),
            )
            for due in (DUE, STRAYED)
        )

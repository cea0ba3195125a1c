"""From published events to the queue: one waiting row of the table ``notification`` for a device,
however much it is owed.

``room.notified_seq`` says how far a room's events are in the queue. It follows ``published_seq`` by
itself where no member has a device to notify (``fan_out/marks.py``); the others are found by their
partial index, also after a crash.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chatd.core.wire import link_of
from chatd.default.notifications.model import DUE, STRAYED, EnqueuedPage, LongestPauses
from chatd.default.notifications.push import ALL, MENTIONS
from chatd.default.rooms.unread import is_notable_sql
from chatd.store.command import Command, Locks, Query
from chatd.store.database import Database, chunks, placeholders
from chatd.store.transaction import Transaction

EVENTS_AT_ONCE = 1_000
"""Events of a room that one transaction enqueues; the rest waits for the next."""
PAGE = 2_000
"""Members that one transaction enqueues for; a room with more of them is enqueued page by page."""
_ROOMS = 500

_NOTABLE = is_notable_sql("room_event")

_INSERT = """
            INSERT INTO notification (profile_id, device_id, room_id, seq, kind, state, due_at_us, attempts, error,
                claimed_until_us, at_us)
            SELECT w.profile_id, w.device_id, w.room_id, w.seq, 'message', 'waiting', w.due_at_us, 0, '', 0, 0
            FROM (
"""
# A notification from the future was sent when the clock was ahead: it counts as sent now.
_NOTIFIED = "CASE WHEN push.notified_at_us > ? THEN ? ELSE push.notified_at_us END"
_DUE = f"CASE WHEN {_NOTIFIED} + ? > ? THEN {_NOTIFIED} + ? ELSE ? END AS due_at_us"
_WAITS = "notification.state = 'waiting' AND notification.kind = 'message'"
# A row that waits keeps its time and its tries. A claim stays: its holder will see that there is
# something newer. A page that is done once more, or by another node as well, brings nothing new.
_COALESCE = f"""
            ) w
            WHERE w.place = 1
            ORDER BY w.profile_id, w.device_id
            ON CONFLICT (profile_id, device_id, slot)
            DO UPDATE SET room_id = excluded.room_id, seq = excluded.seq, kind = 'message', state = 'waiting',
                due_at_us = CASE WHEN {_WAITS} THEN notification.due_at_us ELSE excluded.due_at_us END,
                attempts = CASE WHEN {_WAITS} THEN notification.attempts ELSE 0 END,
                error = CASE WHEN {_WAITS} THEN notification.error ELSE '' END
            WHERE notification.state = 'waiting' OR notification.room_id <> excluded.room_id
                OR notification.seq < excluded.seq
"""

_Ranges = dict[str, tuple[int, int]]
"""Room → the seq behind which, and the seq up to which its events are enqueued."""


@dataclass(frozen=True, slots=True)
class FindNotificationWork(Query[tuple[tuple[tuple[str, int], ...], bool]]):
    """Rooms with events to enqueue, each with the number of its members that have a device to
    notify, counted up to PAGE + 1; and whether any notification is due at ``now_us``."""

    now_us: int
    pauses: LongestPauses

    def answer(self, database: Database) -> tuple[tuple[tuple[str, int], ...], bool]:
        rooms = database.rows(
            """
            SELECT room.room_id, (
                SELECT COUNT(*)
                FROM (
                    SELECT 1
                    FROM subscription
                    WHERE subscription.room_id = room.room_id AND subscription.push = 1
                        AND subscription.left_seq IS NULL
                    LIMIT ?
                ) few)
            FROM room
            WHERE room.notified_seq < room.published_seq
            ORDER BY room.room_id
            LIMIT ?
            """,
            (PAGE + 1, _ROOMS),
        )
        due = any(self._is_any_due(database, state) for state in ("waiting", "sent"))
        return tuple((room_id, size) for room_id, size in rooms), due

    def _is_any_due(self, database: Database, state: str) -> bool:
        return any(
            database.rows(
                f"SELECT 1 FROM notification WHERE state = ? AND {due} LIMIT 1",
                (state, *self.pauses.bounds(due, state, self.now_us)),
            )
            for due in (DUE, STRAYED)
        )


@dataclass(frozen=True, slots=True)
class EnqueueNotifications(Command[EnqueuedPage]):
    """Queue notifications of events that are published and not enqueued: due after ``delay_us``,
    and ``quiet_us`` after the device's last one. With ``page``: for one room, so many of its
    members behind ``after``, events up to ``up_to`` (0: all there are); a page leaves the room's
    mark where it is, the last one moves it."""

    rooms: tuple[str, ...]
    delay_us: int
    quiet_us: int
    page: int = 0
    after: str = ""
    up_to: int = 0

    def locks(self) -> Locks:
        return Locks(rooms=self.rooms, notifications=True, partial=True)  # a room left out is found again

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[EnqueueNotifications]) -> list[EnqueuedPage]:
        return [_enqueue(transaction, command) for command in commands]


def _enqueue(transaction: Transaction, command: EnqueueNotifications) -> EnqueuedPage:
    database = transaction.database
    rows = database.rows(
        f"""
        SELECT room_id, notified_seq, published_seq, urgent_seq
        FROM room
        WHERE notified_seq < published_seq AND room_id IN ({placeholders(len(command.rooms))})
        ORDER BY room_id
        """,
        command.rooms,
    )
    ranges: _Ranges = {
        room_id: (notified, command.up_to or min(published, notified + EVENTS_AT_ONCE))
        for room_id, notified, published, _ in rows
    }
    ranges = {
        room_id: span
        for room_id, span in ranges.items()
        if span[0] < span[1] and transaction.log.find(room_id) is not None
    }
    if not ranges:
        return EnqueuedPage()
    last = _page_end(transaction, command) if command.page else ""
    _enqueue_messages(transaction, command, ranges, last)
    if last:
        return EnqueuedPage(ranges[command.rooms[0]][1], last)
    for room_id, notified, _, urgent_seq in rows:
        if room_id in ranges and urgent_seq > notified:
            _enqueue_mentions(transaction, command, room_id, *ranges[room_id])
    values, parameters = database.values("ti", [(room_id, up_to) for room_id, (_, up_to) in ranges.items()])
    database.run(
        f"""
        WITH v(room_id, seq) AS ({values})
        UPDATE room
        SET notified_seq = v.seq
        FROM v
        WHERE room.room_id = v.room_id AND notified_seq < v.seq
        """,
        parameters,
    )
    return EnqueuedPage()


def _page_end(transaction: Transaction, command: EnqueueNotifications) -> str:
    """The last profile of a page; empty when it is the room's last."""
    rows = transaction.database.rows(
        """
        SELECT profile_id
        FROM subscription
        WHERE room_id = ? AND push = 1 AND left_seq IS NULL AND profile_id > ?
        ORDER BY profile_id
        LIMIT 1 OFFSET ?
        """,
        (command.rooms[0], command.after, command.page - 1),
    )
    return str(rows[0][0]) if rows else ""


def _enqueue_messages(
    transaction: Transaction, command: EnqueueNotifications, ranges: _Ranges, last: str
) -> None:
    """For all members but its sender, the newest event of each room; for its sender, the newest of
    somebody else. ``last``: the page's last profile, empty when it has no end."""
    latest = _latest_events(transaction, ranges)
    if not latest:
        return
    values, parameters = transaction.database.values("ttiii", latest)
    now = transaction.now_us
    seq = "CASE WHEN subscription.profile_id = v.sender_id THEN v.other_seq ELSE v.seq END"
    page = ("AND subscription.profile_id > ? " if command.after else "") + (
        "AND subscription.profile_id <= ?" if last else ""
    )
    transaction.database.run(
        f"""
            WITH v(room_id, sender_id, seq, other_seq, at_us) AS ({values})
            {_INSERT}
                SELECT subscription.profile_id, push.device_id, subscription.room_id, {seq} AS seq, {_DUE},
                    ROW_NUMBER() OVER (
                        PARTITION BY subscription.profile_id, push.device_id
                        ORDER BY v.at_us DESC, v.room_id
                    ) AS place
                FROM v
                JOIN subscription ON subscription.room_id = v.room_id AND subscription.push = 1
                    AND subscription.left_seq IS NULL
                JOIN push ON push.profile_id = subscription.profile_id
                LEFT JOIN room_notification ON room_notification.profile_id = subscription.profile_id
                    AND room_notification.room_id = subscription.room_id
                WHERE subscription.joined_seq < {seq}
                    AND (room_notification.level IS NULL
                        OR (room_notification.level = {ALL} AND room_notification.muted_until_us <= ?))
                    {page}
            {_COALESCE}
        """,
        (*parameters, *_due_parameters(command, now), now, *(one for one in (command.after, last) if one)),
    )


def _latest_events(transaction: Transaction, ranges: _Ranges) -> list[tuple[str, str, int, int, int]]:
    """Room, sender, seq of its newest event, seq of the newest one of somebody else (0: none), and
    time."""
    values, parameters = transaction.database.values(
        "tii", [(room_id, *span) for room_id, span in ranges.items()]
    )
    rows = transaction.database.rows(
        f"""
        WITH v(room_id, notified, up_to) AS ({values})
        SELECT room_event.room_id, room_event.sender_id, MAX(room_event.seq), MAX(room_event.sent_at_us)
        FROM v
        JOIN room_event ON room_event.room_id = v.room_id AND room_event.seq > v.notified AND room_event.seq <= v.up_to
            AND {_NOTABLE}
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


def _enqueue_mentions(
    transaction: Transaction, command: EnqueueNotifications, room_id: str, notified: int, up_to: int
) -> None:
    """For members that are notified only when they are mentioned."""
    database, now = transaction.database, transaction.now_us
    mentioned: dict[str, int] = {}
    rows = database.rows(
        f"""
        SELECT seq, delivery
        FROM room_event
        WHERE room_id = ? AND seq > ? AND seq <= ? AND {_NOTABLE}
        ORDER BY seq
        """,
        (room_id, notified, up_to),
    )
    for seq, delivery in rows:
        event = link_of(bytes(delivery))
        mentioned.update((profile_id, seq) for profile_id in event.mentions if profile_id != event.sender_id)
    for chunk in chunks(sorted(mentioned.items()), columns=4):
        values, parameters = database.values("ti", chunk)
        database.run(
            f"""
            WITH v(profile_id, seq) AS ({values})
            {_INSERT}
                SELECT subscription.profile_id, push.device_id, subscription.room_id, v.seq, {_DUE}, 1 AS place
                FROM v
                JOIN subscription ON subscription.profile_id = v.profile_id AND subscription.room_id = ?
                    AND subscription.push = 1 AND subscription.left_seq IS NULL AND subscription.joined_seq < v.seq
                JOIN push ON push.profile_id = subscription.profile_id
                JOIN room_notification ON room_notification.profile_id = subscription.profile_id
                    AND room_notification.room_id = subscription.room_id
                    AND room_notification.level = {MENTIONS}
                    AND room_notification.muted_until_us <= ?
            {_COALESCE}
            """,
            (*parameters, *_due_parameters(command, now), room_id, now),
        )


def _due_parameters(command: EnqueueNotifications, now_us: int) -> tuple[int, ...]:
    due_us = now_us + command.delay_us
    return (now_us, now_us, command.quiet_us, due_us, now_us, now_us, command.quiet_us, due_us)

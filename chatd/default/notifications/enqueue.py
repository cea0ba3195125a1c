"""From published events to the queue: one waiting row of the table ``notification`` for a device,
however much it is owed.

``room.notified_seq`` says how far a room's events are in the queue. It follows ``published_seq`` by
itself where no member has a device to notify (``fan_out/marks.py``); the others are in the table
``unnotified_room``, also after a crash.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chatd.default.notifications.latest import Latest, Ranges, latest_events
from chatd.default.notifications.model import EnqueuedPage
from chatd.default.notifications.push import ALL, MENTIONS
from chatd.default.notifications.quiet import DUE_AT, due_parameters
from chatd.default.rooms.mentions import EVERYBODY
from chatd.store.command import Command, Locks
from chatd.store.statements import chunks, placeholders
from chatd.store.transaction import Transaction

EVENTS_AT_ONCE = 1_000
"""Events of a room that one transaction enqueues; the rest waits for the next."""
PAGE = 2_000
"""Members that one transaction enqueues for; a room with more of them is enqueued page by page."""

_INSERT = """
            INSERT INTO notification (profile_id, device_id, room_id, seq, kind, state, due_at_us, attempts, error,
                claimed_until_us, at_us)
            SELECT w.profile_id, w.device_id, w.room_id, w.seq, 'message', 'waiting', w.due_at_us, 0, '', 0, 0
            FROM (
"""
_WAITS = "notification.state = 'waiting' AND notification.kind = 'message'"
_SENT_AT = """(
                    SELECT room_event.sent_at_us
                    FROM room_event
                    WHERE room_event.room_id = {row}.room_id AND room_event.seq = {row}.seq)"""
# A row that waits keeps its time and its tries. A claim stays: its holder will see that there is
# something newer. A page that is done once more, or by another node as well, brings nothing new,
# and nothing older than what waits of another room.
_COALESCE = f"""
            ) w
            WHERE w.place = 1
            ORDER BY w.profile_id, w.device_id
            ON CONFLICT (profile_id, device_id, slot)
            DO UPDATE SET room_id = excluded.room_id, seq = excluded.seq, kind = 'message', state = 'waiting',
                due_at_us = CASE WHEN {_WAITS} THEN notification.due_at_us ELSE excluded.due_at_us END,
                attempts = CASE WHEN {_WAITS} THEN notification.attempts ELSE 0 END,
                error = CASE WHEN {_WAITS} THEN notification.error ELSE '' END
            WHERE CASE
                WHEN notification.room_id = excluded.room_id THEN notification.seq < excluded.seq
                WHEN NOT ({_WAITS}) THEN TRUE
                ELSE {_SENT_AT.format(row="excluded")} > COALESCE({_SENT_AT.format(row="notification")}, 0)
            END
"""


@dataclass(frozen=True, slots=True)
class EnqueueNotifications(Command[EnqueuedPage]):
    """Queue notifications of events that are published and not enqueued: due ``delay_us`` after
    they were sent, and ``quiet_us`` after the device's last one. With ``page``: for one room, so
    many of its members behind ``after``, events up to ``up_to`` (0: all there are); a page leaves
    the room's mark where it is, the last one moves it."""

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
        pages = [_enqueue(transaction, command) for command in commands]
        _forget_notified(transaction, [room_id for command in commands for room_id in command.rooms])
        return pages


def _forget_notified(transaction: Transaction, rooms: Sequence[str]) -> None:
    """Rooms of which everything is enqueued leave the table, and those that are gone."""
    for chunk in chunks([room_id for room_id in rooms if room_id not in transaction.held.rooms], columns=1):
        transaction.database.run(
            f"""
            DELETE FROM unnotified_room
            WHERE room_id IN ({placeholders(len(chunk))}) AND NOT EXISTS (
                SELECT 1
                FROM room
                WHERE room.room_id = unnotified_room.room_id AND room.notified_seq < room.published_seq)
            """,
            chunk,
        )


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
    ranges: Ranges = {
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
    _enqueue_latest(transaction, command, latest_events(transaction.database, ranges), ALL, last)
    urgent: Ranges = {
        room_id: ranges[room_id]
        for room_id, notified, _, urgent_seq in rows
        if room_id in ranges and urgent_seq > notified
    }
    if urgent:
        latest = latest_events(transaction.database, urgent, mention_all=True)
        _enqueue_latest(transaction, command, latest, MENTIONS, last)
        _enqueue_mentions(transaction, command, urgent, last)
    if last:
        return EnqueuedPage(ranges[command.rooms[0]][1], last)
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


def _enqueue_latest(
    transaction: Transaction, command: EnqueueNotifications, latest: Sequence[Latest], level: int, last: str
) -> None:
    """For all members but its sender, the newest event of each room; for its sender, the newest of
    somebody else. ``level``: that of the members. ``last``: the page's last profile, empty when it
    has no end."""
    if not latest:
        return
    values, parameters = transaction.database.values(
        "ttiiii", [(*one, _due_us(command, transaction, one[4])) for one in latest]
    )
    now = transaction.now_us
    seq = "CASE WHEN subscription.profile_id = v.sender_id THEN v.other_seq ELSE v.seq END"
    page = ("AND subscription.profile_id > ? " if command.after else "") + (
        "AND subscription.profile_id <= ?" if last else ""
    )
    transaction.database.run(
        f"""
            WITH v(room_id, sender_id, seq, other_seq, at_us, due_us) AS ({values})
            {_INSERT}
                SELECT subscription.profile_id, push.device_id, subscription.room_id, {seq} AS seq, {DUE_AT},
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
                    AND COALESCE(room_notification.level, {ALL}) = ?
                    AND COALESCE(room_notification.muted_until_us, 0) <= ?
                    {page}
            {_COALESCE}
        """,
        (
            *parameters,
            *due_parameters(command.quiet_us, now),
            level,
            now,
            *_bounds(command, last),
        ),
    )


def _enqueue_mentions(
    transaction: Transaction, command: EnqueueNotifications, ranges: Ranges, last: str
) -> None:
    """For members that are notified only when they are mentioned: the newest event that names
    them."""
    now = transaction.now_us
    page = ("AND mention.profile_id > ? " if command.after else "") + (
        "AND mention.profile_id <= ?" if last else ""
    )
    values, parameters = transaction.database.values(
        "tii", [(room_id, *span) for room_id, span in ranges.items()]
    )
    transaction.database.run(
        f"""
            WITH spans(room_id, notified, up_to) AS ({values}),
            v AS (
                SELECT mention.profile_id, mention.room_id, mention.seq,
                    CASE WHEN room_event.sent_at_us > ? THEN ? ELSE room_event.sent_at_us END + ? AS due_us
                FROM spans
                JOIN mention ON mention.room_id = spans.room_id AND mention.seq > spans.notified
                    AND mention.seq <= spans.up_to AND mention.profile_id <> '{EVERYBODY}' {page}
                JOIN room_event ON room_event.room_id = mention.room_id AND room_event.seq = mention.seq)
            {_INSERT}
                SELECT subscription.profile_id, push.device_id, subscription.room_id, v.seq, {DUE_AT},
                    ROW_NUMBER() OVER (
                        PARTITION BY subscription.profile_id, push.device_id
                        ORDER BY v.due_us DESC, v.seq DESC
                    ) AS place
                FROM v
                JOIN subscription ON subscription.profile_id = v.profile_id AND subscription.room_id = v.room_id
                    AND subscription.push = 1 AND subscription.left_seq IS NULL AND subscription.joined_seq < v.seq
                JOIN push ON push.profile_id = subscription.profile_id
                JOIN room_notification ON room_notification.profile_id = subscription.profile_id
                    AND room_notification.room_id = subscription.room_id
                    AND room_notification.level = {MENTIONS} AND room_notification.muted_until_us <= ?
            {_COALESCE}
        """,
        (
            *parameters,
            now,
            now,
            command.delay_us,
            *_bounds(command, last),
            *due_parameters(command.quiet_us, now),
            now,
        ),
    )


def _bounds(command: EnqueueNotifications, last: str) -> list[str]:
    """The page's ends, without those that are open."""
    return [profile_id for profile_id in (command.after, last) if profile_id]


def _due_us(command: EnqueueNotifications, transaction: Transaction, at_us: int) -> int:
    """For an event of that time. One from the future was sent when a clock was ahead: it counts as
    sent now."""
    return min(at_us, transaction.now_us) + command.delay_us

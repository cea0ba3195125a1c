"""The queue ``offline.event.delivery``: the table ``notification``, one row for a device however much it is owed.

A room's ``notified_seq`` says how far its events are in the queue. It follows ``published_seq`` by itself where no member has a device to notify
(``rooms.mark_published``); the others are found by their partial index, also after a crash.
"""

from collections.abc import Sequence

from chatd.core.model import ClaimedNotification
from chatd.pb.events.v1.payloads_pb2 import EventDelivery, EventType
from chatd.store.commands import (
    ClaimNotifications,
    DropNotifications,
    EnqueuedPage,
    EnqueueNotifications,
    NotificationOutcome,
    RetryNotifications,
    SettleNotifications,
)
from chatd.store.push import ALL, MENTIONS, forget_push
from chatd.store.transaction import MAX_ROWS, Transaction

NOTE_EVENTS = 1_000
"""Events of a room that are looked at in one transaction; the mark then waits for the next one."""
LATER_US = 60_000_000
"""A notification that was sent is looked at again after this, then when it is twice as old: has its device come and taken everything?"""
_NOTABLE = f"(e.type = {int(EventType.EVENT_TYPE_MESSAGE)} OR e.type > 15)"  # what people and applications say, not chatd itself

_INTO = (
    "INSERT INTO notification (profile_id, device_id, room_id, seq, kind, state, due_at_us, attempts, error, claimed_until_us, at_us) "
    "SELECT w.profile_id, w.device_id, w.room_id, w.seq, 'message', 'waiting', w.due_at_us, 0, '', 0, 0 FROM ("
)
_DUE = "CASE WHEN p.notified_at_us + ? > ? THEN p.notified_at_us + ? ELSE ? END AS due_at_us"
_WAITS = "notification.state = 'waiting' AND notification.kind = 'message'"
# What waits keeps its time and its tries. A claim stays: whoever holds it will see that there is something newer.
_COALESCE = (
    ") w WHERE w.place = 1 ORDER BY w.profile_id, w.device_id ON CONFLICT (profile_id, device_id) DO UPDATE SET "
    "room_id = excluded.room_id, seq = excluded.seq, kind = 'message', state = 'waiting', "
    f"due_at_us = CASE WHEN {_WAITS} THEN notification.due_at_us ELSE excluded.due_at_us END, "
    f"attempts = CASE WHEN {_WAITS} THEN notification.attempts ELSE 0 END, error = CASE WHEN {_WAITS} THEN notification.error ELSE '' END "
    # A page that is done once more, or by another node as well, brings nothing new.
    "WHERE notification.state = 'waiting' OR notification.room_id <> excluded.room_id OR notification.seq < excluded.seq"
)


def enqueue_notifications(transaction: Transaction, commands: Sequence[EnqueueNotifications]) -> list[EnqueuedPage]:
    """Queue what has been fanned out and not noted. A page leaves the mark where it is, the last one moves it."""
    return [_note(transaction, command) for command in commands]


def _note(transaction: Transaction, command: EnqueueNotifications) -> EnqueuedPage:
    database = transaction.database
    marks = ", ".join("?" * len(command.rooms))
    rows = database.rows(
        "SELECT room_id, notified_seq, published_seq, urgent_seq FROM room "
        f"WHERE notified_seq < published_seq AND room_id IN ({marks}) ORDER BY room_id",
        command.rooms,
    )
    ranges = {room_id: (noted, command.up_to or min(fanned, noted + NOTE_EVENTS)) for room_id, noted, fanned, _ in rows}
    ranges = {room_id: span for room_id, span in ranges.items() if span[0] < span[1]}
    if not ranges:
        return EnqueuedPage()
    last = ""
    if command.page:
        last = _page_end(transaction, command)
    _note_messages(transaction, command, ranges, last)
    if last:
        return EnqueuedPage(ranges[command.rooms[0]][1], last)
    for room_id, noted, _, urgent_seq in rows:
        if room_id in ranges and urgent_seq > noted:
            _note_mentions(transaction, command, room_id, *ranges[room_id])
    values, parameters = database.values("ti", [(room_id, up_to) for room_id, (_, up_to) in ranges.items()])
    database.run(
        f"WITH v(room_id, seq) AS ({values}) UPDATE room SET notified_seq = v.seq FROM v WHERE room.room_id = v.room_id AND notified_seq < v.seq",
        parameters,
    )
    return EnqueuedPage()


def _page_end(transaction: Transaction, command: EnqueueNotifications) -> str:
    """The last profile of a page; empty when it is the room's last."""
    rows = transaction.database.rows(
        "SELECT profile_id FROM subscription WHERE room_id = ? AND push = 1 AND left_seq IS NULL AND profile_id > ? "
        "ORDER BY profile_id LIMIT 1 OFFSET ?",
        (command.rooms[0], command.after, command.page - 1),
    )
    return str(rows[0][0]) if rows else ""


def _note_messages(transaction: Transaction, command: EnqueueNotifications, ranges: dict[str, tuple[int, int]], last: str) -> None:
    """For everybody but its sender, the newest event of each room; for its sender, the newest of somebody else.

    ``last``: the page's last profile, empty when it has no end.
    """
    database = transaction.database
    values, parameters = database.values("tii", [(room_id, *span) for room_id, span in ranges.items()])
    rows = database.rows(
        f"WITH v(room_id, noted, up_to) AS ({values}) SELECT e.room_id, e.sender_id, MAX(e.seq), MAX(e.sent_at_us) FROM v "
        f"JOIN room_event e ON e.room_id = v.room_id AND e.seq > v.noted AND e.seq <= v.up_to AND {_NOTABLE} GROUP BY e.room_id, e.sender_id",
        parameters,
    )
    newest: dict[str, list[tuple[int, str, int]]] = {}
    for room_id, sender_id, seq, at_us in rows:
        newest.setdefault(room_id, []).append((seq, sender_id, at_us))
    latest = []
    for room_id, senders in sorted(newest.items()):
        (seq, sender_id, at_us), *others = sorted(senders, reverse=True)
        latest.append((room_id, sender_id, seq, others[0][0] if others else 0, at_us))
    if not latest:
        return
    values, parameters = database.values("ttiii", latest)
    page = (" AND s.profile_id > ?" if command.after else "") + (" AND s.profile_id <= ?" if last else "")
    now, seq_for = transaction.now_us, "CASE WHEN s.profile_id = v.sender_id THEN v.other_seq ELSE v.seq END"
    database.run(
        f"WITH v(room_id, sender_id, seq, other_seq, at_us) AS ({values}) {_INTO}"
        f"SELECT s.profile_id, p.device_id, s.room_id, {seq_for} AS seq, {_DUE}, "
        "ROW_NUMBER() OVER (PARTITION BY s.profile_id, p.device_id ORDER BY v.at_us DESC, v.room_id) AS place "
        "FROM v JOIN subscription s ON s.room_id = v.room_id AND s.push = 1 AND s.left_seq IS NULL "
        "JOIN push p ON p.profile_id = s.profile_id "
        "LEFT JOIN room_notification n ON n.profile_id = s.profile_id AND n.room_id = s.room_id "
        f"WHERE s.joined_seq < {seq_for} AND (n.level IS NULL OR (n.level = {ALL} AND n.muted_until_us <= ?)){page}{_COALESCE}",
        (*parameters, *_due_parameters(command, now), now, *(one for one in (command.after, last) if one)),
    )


def _note_mentions(transaction: Transaction, command: EnqueueNotifications, room_id: str, noted: int, up_to: int) -> None:
    """Those who want to know only when they are meant."""
    database, now = transaction.database, transaction.now_us
    meant: dict[str, int] = {}
    rows = database.rows(
        f"SELECT e.seq, e.delivery FROM room_event e WHERE e.room_id = ? AND e.seq > ? AND e.seq <= ? AND {_NOTABLE} ORDER BY e.seq",
        (room_id, noted, up_to),
    )
    for seq, delivery in rows:
        event = EventDelivery.FromString(bytes(delivery)).event
        meant.update((profile_id, seq) for profile_id in event.mentions if profile_id != event.sender_id)
    found = [(profile_id, seq) for profile_id, seq in sorted(meant.items())]
    for start in range(0, len(found), MAX_ROWS):
        values, parameters = database.values("ti", found[start : start + MAX_ROWS])
        database.run(
            f"WITH v(profile_id, seq) AS ({values}) {_INTO}"
            f"SELECT s.profile_id, p.device_id, s.room_id, v.seq, {_DUE}, 1 AS place FROM v "
            "JOIN subscription s ON s.profile_id = v.profile_id AND s.room_id = ? AND s.push = 1 AND s.left_seq IS NULL AND s.joined_seq < v.seq "
            "JOIN push p ON p.profile_id = s.profile_id "
            f"JOIN room_notification n ON n.profile_id = s.profile_id AND n.room_id = s.room_id AND n.level = {MENTIONS} "
            f"AND n.muted_until_us <= ?{_COALESCE}",
            (*parameters, *_due_parameters(command, now), room_id, now),
        )


def _due_parameters(command: EnqueueNotifications, now_us: int) -> tuple[int, int, int, int]:
    return (command.quiet_us, now_us + command.delay_us, command.quiet_us, now_us + command.delay_us)


def withdraw(transaction: Transaction, reads: Sequence[tuple[str, str, int, str]]) -> None:
    """Profiles have read rooms up to a seq, on a device (profile, room, seq, device): what waits vanishes, what was sent is dismissed on the
    others."""
    database, where = transaction.database, "profile_id = ? AND room_id = ? AND seq <= ? AND kind = 'message'"
    values, parameters = database.values("ttit", reads)
    found = database.rows(
        f"WITH v(profile_id, room_id, seq, device_id) AS ({values}) SELECT DISTINCT v.profile_id, v.room_id, v.seq, v.device_id FROM v "
        "JOIN notification n ON n.profile_id = v.profile_id AND n.room_id = v.room_id AND n.seq <= v.seq AND n.kind = 'message'",
        parameters,
    )
    if not found:
        return
    transaction.lock_notifications()
    for profile_id, room_id, seq, read_on in found:
        key = (profile_id, room_id, seq)
        database.run(f"DELETE FROM notification WHERE {where} AND (state <> 'sent' OR device_id = ?)", (*key, read_on))
        database.run(
            f"UPDATE notification SET kind = 'dismiss', state = 'waiting', due_at_us = ?, attempts = 0, claimed_until_us = 0 WHERE {where}",
            (transaction.now_us, *key),
        )


def claim_notifications(transaction: Transaction, commands: Sequence[ClaimNotifications]) -> list[tuple[ClaimedNotification, ...]]:
    """Take what is due; nobody else gets it until the claim runs out."""
    return [_claim(transaction, command) for command in commands]


def _claim(transaction: Transaction, command: ClaimNotifications) -> tuple[ClaimedNotification, ...]:
    database, now = transaction.database, transaction.now_us
    until = now + command.lease_us
    claimed: list[ClaimedNotification] = []
    for state in ("waiting", "sent"):
        rows = database.rows(
            "SELECT profile_id, device_id, room_id, seq, kind, attempts FROM notification "
            "WHERE state = ? AND due_at_us <= ? AND claimed_until_us <= ? ORDER BY due_at_us LIMIT ?",
            (state, now, now, command.limit - len(claimed)),
        )
        claimed += [ClaimedNotification(*(*row, state == "sent", until)) for row in rows]
    if claimed:
        values, parameters = database.values("tt", [(one.profile_id, one.device_id) for one in claimed])
        database.run(
            f"WITH v(profile_id, device_id) AS ({values}) UPDATE notification SET claimed_until_us = ? FROM v "
            "WHERE notification.profile_id = v.profile_id AND notification.device_id = v.device_id",
            (*parameters, until),
        )
    return tuple(claimed)


def settle_notifications(transaction: Transaction, commands: Sequence[SettleNotifications]) -> list[None]:
    """Say what became of claims. One that ran out says nothing any more."""
    for command in commands:
        for outcome in sorted(command.outcomes, key=lambda one: (one.claim.profile_id, one.claim.device_id)):
            _SETTLE[outcome.what](transaction, outcome)
    return [None] * len(commands)


_MINE = "profile_id = ? AND device_id = ? AND claimed_until_us = ?"
_SAME = f"{_MINE} AND room_id = ? AND seq = ? AND kind = ?"  # nothing newer has come meanwhile


def _mine(outcome: NotificationOutcome) -> tuple[str, str, int]:
    return (outcome.claim.profile_id, outcome.claim.device_id, outcome.claim.claimed_until_us)


def _same(outcome: NotificationOutcome) -> tuple[str | int, ...]:
    return (*_mine(outcome), outcome.claim.room_id, outcome.claim.seq, outcome.claim.kind)


def _release(transaction: Transaction, outcome: NotificationOutcome, due_at_us: int) -> None:
    """Something newer has come: it waits, not before ``due_at_us``."""
    transaction.database.run(
        f"UPDATE notification SET claimed_until_us = 0, due_at_us = CASE WHEN due_at_us < ? THEN ? ELSE due_at_us END WHERE {_MINE}",
        (due_at_us, due_at_us, *_mine(outcome)),
    )


def _sent(transaction: Transaction, outcome: NotificationOutcome) -> None:
    database, now = transaction.database, transaction.now_us
    if outcome.claim.kind == "dismiss":
        _forgotten(transaction, outcome)
        return
    database.run(
        "UPDATE notification SET state = 'sent', at_us = ?, due_at_us = ?, attempts = attempts + 1, error = '', claimed_until_us = 0 "
        f"WHERE {_SAME}",
        (now, now + LATER_US, *_same(outcome)),
    )
    database.run("UPDATE push SET notified_at_us = ? WHERE profile_id = ? AND device_id = ?", (now, *_mine(outcome)[:2]))
    _release(transaction, outcome, now + outcome.pause_us)


def _failed(transaction: Transaction, outcome: NotificationOutcome) -> None:
    now = transaction.now_us
    transaction.database.run(
        "UPDATE notification SET state = ?, at_us = ?, due_at_us = ?, attempts = attempts + 1, error = ?, claimed_until_us = 0 "
        f"WHERE {_MINE}",
        ("dead" if outcome.what == "dead" else "waiting", now, now + outcome.pause_us, outcome.error, *_mine(outcome)),
    )


def _postponed(transaction: Transaction, outcome: NotificationOutcome) -> None:
    """A message waits on; one that was sent is looked at again when it is twice as old."""
    now = transaction.now_us
    transaction.database.run(
        f"UPDATE notification SET claimed_until_us = 0, due_at_us = CASE WHEN state = 'sent' THEN ? + (? - at_us) ELSE ? END WHERE {_MINE}",
        (now, now, now + outcome.pause_us, *_mine(outcome)),
    )


def _forgotten(transaction: Transaction, outcome: NotificationOutcome) -> None:
    transaction.database.run(f"DELETE FROM notification WHERE {_SAME}", _same(outcome))
    _release(transaction, outcome, 0)


def _gone(transaction: Transaction, outcome: NotificationOutcome) -> None:
    forget_push(transaction, outcome.claim.profile_id, outcome.claim.device_id)


_SETTLE = {
    "sent": _sent,
    "failed": _failed,
    "dead": _failed,
    "postponed": _postponed,
    "forgotten": _forgotten,
    "gone": _gone,
}
"""What became of a claim → what is noted."""


def retry_notifications(transaction: Transaction, commands: Sequence[RetryNotifications]) -> list[int]:
    """Dead ones are due again. Results: how many."""
    return [
        len(
            transaction.database.rows(
                "UPDATE notification SET state = 'waiting', due_at_us = ?, attempts = 0, claimed_until_us = 0 "
                "WHERE state = 'dead' AND ? IN ('', profile_id) AND ? IN ('', device_id) RETURNING device_id",
                (transaction.now_us, command.profile_id, command.device_id),
            )
        )
        for command in commands
    ]


def drop_notifications(transaction: Transaction, commands: Sequence[DropNotifications]) -> list[int]:
    """Dead ones are forgotten. Results: how many."""
    return [
        len(
            transaction.database.rows(
                "DELETE FROM notification WHERE state = 'dead' AND ? IN ('', profile_id) AND ? IN ('', device_id) RETURNING device_id",
                (command.profile_id, command.device_id),
            )
        )
        for command in commands
    ]

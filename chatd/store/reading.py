"""Everything people ask to see: history, rooms, the outbox, connections. Pages ask for one row more than they show, to know of a next one."""

from typing import Any

from chatd.core.model import Connection, DeadLetter, Device, Member, OutboxEntry, OutboxSummary, Recipient, Room
from chatd.core.wire import plain_delivery
from chatd.errors import EventNotFound, NotAMember, RoomNotFound
from chatd.store import queries as q
from chatd.store.database import Database

MAX_PAGE_BYTES = 1_048_576
"""A page of history ends here, however many events were asked for: it travels as one frame."""
MAX_MEMBERS = 10_000
"""Rows of a room's members or an event's recipients: likewise."""

_ROOM = "room_id, name, head_seq, published_seq, membership_version, created_at_us, created_by, member_count, first_seq, hide_previews"


def history(database: Database, query: q.History) -> tuple[tuple[bytes, ...], bool]:
    if not database.rows("SELECT 1 FROM room WHERE room_id = ?", (query.room_id,)):
        raise RoomNotFound(f"no room {query.room_id!r}")
    within, parameters = "", list[Any]()
    if not query.operator:
        if not database.rows("SELECT 1 FROM subscription WHERE room_id = ? AND profile_id = ?", (query.room_id, query.profile_id)):
            raise NotAMember(f"{query.profile_id!r} was never a member of room {query.room_id!r}")
        within = (
            " AND EXISTS (SELECT 1 FROM subscription s WHERE s.room_id = e.room_id AND s.profile_id = ?"
            " AND s.joined_seq <= e.seq AND (s.left_seq IS NULL OR s.left_seq >= e.seq))"
        )
        parameters = [query.profile_id]
    before = query.before_seq or 2**62
    rows = database.rows(
        "SELECT e.delivery FROM room r JOIN room_event e ON e.room_id = r.room_id AND e.seq >= r.first_seq "
        f"WHERE r.room_id = ? AND e.seq < ?{within} ORDER BY e.seq DESC LIMIT ?",
        (query.room_id, before, *parameters, query.limit + 1),
    )
    page: list[bytes] = []
    size = 0
    for (stored,) in rows[: query.limit]:
        delivery = plain_delivery(bytes(stored)) if query.plain else bytes(stored)
        size += len(delivery)
        if page and size > MAX_PAGE_BYTES:
            break
        page.append(delivery)
    return tuple(reversed(page)), len(rows) > len(page)


def list_rooms(database: Database, query: q.ListRooms) -> tuple[tuple[Room, ...], bool]:
    rows = database.rows(f"SELECT {_ROOM} FROM room WHERE room_id > ? ORDER BY room_id LIMIT ?", (query.after_room_id, query.limit + 1))
    return tuple(Room(*row) for row in rows[: query.limit]), len(rows) > query.limit


def get_room(database: Database, query: q.GetRoom) -> tuple[Room, tuple[Member, ...]]:
    rooms = database.rows(f"SELECT {_ROOM} FROM room WHERE room_id = ?", (query.room_id,))
    if not rooms:
        raise RoomNotFound(f"no room {query.room_id!r}")
    members = database.rows(
        "SELECT s.profile_id, s.owner, s.joined_seq, COUNT(d.device_id) FROM subscription s "
        "LEFT JOIN device d ON d.profile_id = s.profile_id WHERE s.room_id = ? AND s.left_seq IS NULL "
        "GROUP BY s.profile_id, s.owner, s.joined_seq ORDER BY s.profile_id LIMIT ?",
        (query.room_id, MAX_MEMBERS),
    )
    return Room(*rooms[0]), tuple(Member(profile, bool(owner), joined, devices) for profile, owner, joined, devices in members)


def _filter(query: q.ListOutbox | q.ListOutboxEntries) -> tuple[str, list[str]]:
    wanted = {"profile_id": query.profile_id, "device_id": query.device_id, "room_id": query.room_id}
    given = {column: value for column, value in wanted.items() if value}
    return "".join(f" AND o.{column} = ?" for column in given), list(given.values())


def list_outbox(database: Database, query: q.ListOutbox) -> tuple[tuple[OutboxSummary, ...], bool]:
    where, parameters = _filter(query)
    rows = database.rows(
        "SELECT o.profile_id, o.device_id, o.room_id, o.acked_seq, COALESCE(o.until_seq, r.head_seq) AS owed_until, "
        "COALESCE(o.until_seq, r.head_seq) - o.acked_seq AS owed, COALESCE(e.sent_at_us, o.created_at_us) AS oldest, COALESCE(a.attempts, 0) "
        "FROM outbox o JOIN room r ON r.room_id = o.room_id LEFT JOIN room_event e ON e.room_id = o.room_id AND e.seq = o.acked_seq + 1 "
        "LEFT JOIN delivery_attempt a ON a.profile_id = o.profile_id AND a.device_id = o.device_id AND a.room_id = o.room_id "
        "AND a.seq = o.acked_seq + 1 "
        f"WHERE o.acked_seq < COALESCE(o.until_seq, r.head_seq){where} "
        "ORDER BY oldest, o.profile_id, o.device_id, o.room_id LIMIT ?",
        (*parameters, query.limit + 1),
    )
    return tuple(OutboxSummary(*row) for row in rows[: query.limit]), len(rows) > query.limit


def list_outbox_entries(database: Database, query: q.ListOutboxEntries) -> tuple[tuple[OutboxEntry, ...], bool]:
    where, parameters = _filter(query)
    rows = database.rows(
        "SELECT o.profile_id, o.device_id, o.room_id, o.seq, o.event_id, o.sender_id, o.type, o.sent_at_us, o.attempts "
        f"FROM outbox_entry o WHERE 1 = 1{where} ORDER BY o.profile_id, o.device_id, o.room_id, o.seq LIMIT ?",
        (*parameters, query.limit + 1),
    )
    return tuple(OutboxEntry(*row) for row in rows[: query.limit]), len(rows) > query.limit


def get_broadcast(database: Database, query: q.GetBroadcast) -> tuple[bytes, tuple[Recipient, ...]]:
    events = database.rows("SELECT delivery FROM room_event WHERE room_id = ? AND seq = ?", (query.room_id, query.seq))
    if not events or not events[0][0]:
        raise EventNotFound(f"room {query.room_id!r} has no event {query.seq}")
    # An entry that is gone was acknowledged to its end; one that began later never owed the event.
    rows = database.rows(
        "SELECT d.profile_id, d.device_id, o.acked_seq, COALESCE(a.attempts, 0) FROM subscription s "
        "JOIN room_event e ON e.room_id = s.room_id AND e.seq = ? JOIN device d ON d.profile_id = s.profile_id "
        "LEFT JOIN outbox o ON o.profile_id = d.profile_id AND o.device_id = d.device_id "
        "AND o.room_id = s.room_id AND o.start_seq < ? AND (o.until_seq IS NULL OR o.until_seq >= ?) "
        "LEFT JOIN delivery_attempt a ON a.profile_id = d.profile_id AND a.device_id = d.device_id AND a.room_id = e.room_id AND a.seq = e.seq "
        "WHERE s.room_id = ? AND s.joined_seq <= ? AND (s.left_seq IS NULL OR s.left_seq >= ?) "
        "AND (o.start_seq IS NOT NULL OR (s.left_seq IS NOT NULL AND d.created_at_us <= e.sent_at_us)) ORDER BY d.profile_id, d.device_id LIMIT ?",
        (query.seq, query.seq, query.seq, query.room_id, query.seq, query.seq, MAX_MEMBERS),
    )
    recipients = tuple(
        Recipient(
            profile,
            device,
            acked=acked is None or acked >= query.seq,
            attempts=attempts,
        )
        for profile, device, acked, attempts in rows
    )
    return bytes(events[0][0]), recipients


def list_connections(database: Database, query: q.ListConnections) -> tuple[tuple[Connection, ...], bool]:
    rows = database.rows(
        "SELECT profile_id, device_id, epoch, gateway_id, client, since_us, seen_us FROM connection "
        "WHERE ? IN ('', profile_id) ORDER BY profile_id, device_id LIMIT ?",
        (query.profile_id, query.limit + 1),
    )
    return tuple(Connection(*row) for row in rows[: query.limit]), len(rows) > query.limit


def list_devices(database: Database, query: q.ListDevices) -> tuple[tuple[Device, ...], bool]:
    given = {column: value for column, value in (("profile_id", query.profile_id), ("device_id", query.device_id)) if value}
    rows = database.rows(
        "SELECT d.profile_id, d.device_id, d.epoch, d.created_at_us, d.seen_at_us, "
        "CAST(COALESCE(SUM(COALESCE(o.until_seq, r.head_seq) - o.acked_seq), 0) AS BIGINT), COUNT(o.room_id), COALESCE(p.notifier, '') "
        "FROM (SELECT * FROM device WHERE (profile_id, device_id) > (?, ?)"
        + "".join(f" AND {column} = ?" for column in given)
        + " ORDER BY profile_id, device_id LIMIT ?) d LEFT JOIN (outbox o JOIN room r ON r.room_id = o.room_id) "
        "ON o.profile_id = d.profile_id AND o.device_id = d.device_id AND o.acked_seq < COALESCE(o.until_seq, r.head_seq) "
        "LEFT JOIN push p ON p.profile_id = d.profile_id AND p.device_id = d.device_id "
        "GROUP BY d.profile_id, d.device_id, d.epoch, d.created_at_us, d.seen_at_us, p.notifier ORDER BY d.profile_id, d.device_id",
        (*query.after, *given.values(), query.limit + 1),
    )
    return tuple(Device(*row) for row in rows[: query.limit]), len(rows) > query.limit


def list_dead_letters(database: Database, query: q.ListDeadLetters) -> tuple[tuple[DeadLetter, ...], bool]:
    wanted = {"letter_id": query.letter_id, "profile_id": query.profile_id, "device_id": query.device_id, "room_id": query.room_id}
    given = {column: value for column, value in wanted.items() if value}
    rows = database.rows(
        "SELECT letter_id, profile_id, device_id, room_id, seq, event_id, sender_id, type, sent_at_us, reason, text, attempts, "
        "first_failed_at_us, dead_at_us, CASE state WHEN 'replaying' THEN 1 ELSE 0 END FROM dead_letter WHERE state <> 'dropped'"
        + "".join(f" AND {column} = ?" for column in given)
        + " ORDER BY dead_at_us DESC, letter_id LIMIT ?",
        (*given.values(), query.limit + 1),
    )
    return tuple(DeadLetter(*row) for row in rows[: query.limit]), len(rows) > query.limit

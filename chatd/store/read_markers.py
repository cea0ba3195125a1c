"""How far profiles have read: a row for each profile and room, which only moves forward. What is unread is a subtraction."""

from collections.abc import Sequence
from typing import NamedTuple

from chatd.core.model import DeliveryStatus, ReadMarker, RecipientStatus, UnreadRoom
from chatd.errors import ChatdError, EventNotFound, NotAMember, RoomNotFound
from chatd.store.commands import SetReadMarker
from chatd.store.database import Database
from chatd.store.notifications import withdraw
from chatd.store.queries import GetDeliveryStatus, ListUnread
from chatd.store.transaction import Transaction

_Place = tuple[str, str]
"""Profile and room."""


class _Standing(NamedTuple):
    """A profile in a room: up to where it may read, and from where a member counts as unread."""

    last_seq: int
    joined_seq: int | None


def set_read_markers(transaction: Transaction, commands: Sequence[SetReadMarker]) -> list[ReadMarker | ChatdError]:
    """All of a batch in five statements, as long as no notification is withdrawn."""
    places = sorted({(command.profile_id, command.room_id) for command in commands})
    known, standings = _standings(transaction, places)
    wanted: dict[_Place, tuple[int, str]] = {}
    for command in commands:
        place = (command.profile_id, command.room_id)
        if place in standings:
            seq = min(command.seq, standings[place].last_seq)
            if seq > wanted.get(place, (0, ""))[0]:
                wanted[place] = (seq, command.device_id)
    before = _markers(transaction, places)
    moving = {place: new for place, new in wanted.items() if new[0] > before.get(place, (0, 0))[0]}
    if moving:
        rows = [(*place, seq, transaction.now_us, device_id) for place, (seq, device_id) in sorted(moving.items())]
        values, parameters = transaction.database.values("ttiit", rows)
        transaction.database.run(
            f"INSERT INTO read_marker (profile_id, room_id, seq, read_at_us, device_id) {values} ON CONFLICT (profile_id, room_id) "
            "DO UPDATE SET seq = excluded.seq, read_at_us = excluded.read_at_us, device_id = excluded.device_id "
            "WHERE read_marker.seq < excluded.seq",
            parameters,
        )
        withdraw(transaction, [(*place, seq, device_id) for place, (seq, device_id) in sorted(moving.items())])
    after = _markers(transaction, places) if moving else before
    results: list[ReadMarker | ChatdError] = []
    for command in commands:
        place = (command.profile_id, command.room_id)
        if place not in standings:
            error = NotAMember(f"{command.profile_id!r} was never a member of room {command.room_id!r}")
            results.append(error if command.room_id in known else RoomNotFound(f"no room {command.room_id!r}"))
            continue
        seq, read_at_us = after.get(place, (0, 0))
        joined = standings[place].joined_seq
        unread = 0 if joined is None else max(0, standings[place].last_seq - max(seq, joined))
        results.append(ReadMarker(*place, seq, read_at_us, moved=seq > before.get(place, (0, 0))[0], unread=unread))
    return results


def _standings(transaction: Transaction, places: Sequence[_Place]) -> tuple[set[str], dict[_Place, _Standing]]:
    """Which of the rooms there are, and who has a place in them."""
    values, parameters = transaction.database.values("tt", places)
    rows = transaction.database.rows(
        f"WITH v(profile_id, room_id) AS ({values}) SELECT v.profile_id, v.room_id, r.head_seq, s.joined_seq, s.left_seq FROM v "
        "JOIN room r ON r.room_id = v.room_id LEFT JOIN subscription s ON s.room_id = v.room_id AND s.profile_id = v.profile_id",
        parameters,
    )
    known = {room_id for _, room_id, *_ in rows}
    found: dict[_Place, _Standing] = {}
    for profile_id, room_id, head_seq, joined_seq, left_seq in rows:
        if joined_seq is None:
            continue
        one = _Standing(head_seq, joined_seq) if left_seq is None else _Standing(left_seq, None)
        other = found.get((profile_id, room_id))
        if other is None or one.last_seq > other.last_seq or one.joined_seq is not None:
            found[profile_id, room_id] = one
    return known, found


def _markers(transaction: Transaction, places: Sequence[_Place]) -> dict[_Place, tuple[int, int]]:
    values, parameters = transaction.database.values("tt", places)
    rows = transaction.database.rows(
        f"WITH v(profile_id, room_id) AS ({values}) SELECT m.profile_id, m.room_id, m.seq, m.read_at_us FROM v "
        "JOIN read_marker m ON m.profile_id = v.profile_id AND m.room_id = v.room_id",
        parameters,
    )
    return {(profile_id, room_id): (seq, read_at_us) for profile_id, room_id, seq, read_at_us in rows}


UNREAD = (
    "SELECT s.room_id, COALESCE(m.seq, 0), COALESCE(m.read_at_us, 0), r.head_seq, s.joined_seq FROM subscription s "
    "JOIN room r ON r.room_id = s.room_id LEFT JOIN read_marker m ON m.profile_id = s.profile_id AND m.room_id = s.room_id "
    "WHERE s.profile_id = ? AND s.left_seq IS NULL AND s.room_id > ?"
)
"""One look-up by key in each of three tables for each room."""


def list_unread(database: Database, query: ListUnread) -> tuple[tuple[UnreadRoom, ...], bool]:
    among = f" AND s.room_id IN ({', '.join('?' * len(query.room_ids))})" if query.room_ids else ""
    rows = database.rows(
        f"{UNREAD}{among} ORDER BY s.room_id LIMIT ?", (query.profile_id, query.after_room_id, *query.room_ids, query.limit + 1)
    )
    return (
        tuple(
            UnreadRoom(room_id, read_seq, read_at_us, head_seq, max(0, head_seq - max(read_seq, joined_seq)))
            for room_id, read_seq, read_at_us, head_seq, joined_seq in rows[: query.limit]
        ),
        len(rows) > query.limit,
    )


_RECIPIENTS = (
    "FROM subscription s JOIN room_event e ON e.room_id = s.room_id AND e.seq = ? "
    "LEFT JOIN read_marker m ON m.profile_id = s.profile_id AND m.room_id = s.room_id AND m.seq >= e.seq "
    "WHERE s.room_id = ? AND s.joined_seq <= e.seq AND (s.left_seq IS NULL OR s.left_seq >= e.seq) AND s.profile_id <> e.sender_id"
)
_DEVICES = (
    "FROM device d LEFT JOIN outbox o ON o.profile_id = d.profile_id AND o.device_id = d.device_id AND o.room_id = e.room_id "
    "AND o.start_seq < e.seq AND (o.until_seq IS NULL OR o.until_seq >= e.seq) WHERE d.profile_id = s.profile_id "
    # An entry that is gone was acknowledged to its end; one that began later never owed the event.
    "AND (o.start_seq IS NOT NULL OR (s.left_seq IS NOT NULL AND d.created_at_us <= e.sent_at_us))"
)
_HAS_IT = "(o.start_seq IS NULL OR o.acked_seq >= e.seq)"


def get_delivery_status(database: Database, query: GetDeliveryStatus) -> DeliveryStatus:
    place = (query.seq, query.room_id)
    if not database.rows("SELECT 1 FROM room WHERE room_id = ?", (query.room_id,)):
        raise RoomNotFound(f"no room {query.room_id!r}")
    if not query.operator and not database.rows(
        "SELECT 1 FROM subscription WHERE room_id = ? AND profile_id = ? AND joined_seq <= ? AND (left_seq IS NULL OR left_seq >= ?)",
        (query.room_id, query.profile_id, query.seq, query.seq),
    ):
        raise NotAMember(f"event {query.seq} of room {query.room_id!r} is not for {query.profile_id!r}")
    if not database.rows("SELECT 1 FROM room_event WHERE seq = ? AND room_id = ?", place):
        raise EventNotFound(f"room {query.room_id!r} has no event {query.seq}")
    ((recipients, delivered, read),) = database.rows(
        f"SELECT COUNT(*), COALESCE(SUM(CASE WHEN EXISTS (SELECT 1 {_DEVICES} AND {_HAS_IT}) THEN 1 ELSE 0 END), 0), "
        f"COUNT(m.seq) {_RECIPIENTS}",
        place,
    )
    rows = database.rows(
        f"SELECT s.profile_id, COALESCE(m.read_at_us, 0) {_RECIPIENTS} AND s.profile_id > ? ORDER BY s.profile_id LIMIT ?",
        (*place, query.after_profile_id, query.limit + 1),
    )
    page = [row[0] for row in rows[: query.limit]]
    devices: dict[str, list[tuple[str, bool]]] = {profile_id: [] for profile_id in page}
    if page:
        marks = ", ".join("?" * len(page))
        for profile_id, device_id, has_it in database.rows(
            f"SELECT d.profile_id, d.device_id, CASE WHEN {_HAS_IT} THEN 1 ELSE 0 END FROM subscription s "
            "JOIN room_event e ON e.room_id = s.room_id AND e.seq = ? JOIN device d ON d.profile_id = s.profile_id "
            "LEFT JOIN outbox o ON o.profile_id = d.profile_id AND o.device_id = d.device_id AND o.room_id = e.room_id "
            "AND o.start_seq < e.seq AND (o.until_seq IS NULL OR o.until_seq >= e.seq) "
            "WHERE s.room_id = ? AND s.joined_seq <= e.seq AND (s.left_seq IS NULL OR s.left_seq >= e.seq) "
            "AND (o.start_seq IS NOT NULL OR (s.left_seq IS NOT NULL AND d.created_at_us <= e.sent_at_us)) "
            f"AND s.profile_id IN ({marks}) ORDER BY d.profile_id, d.device_id",
            (*place, *page),
        ):
            devices[profile_id].append((device_id, bool(has_it)))
    profiles = tuple(RecipientStatus(profile_id, read_at_us, tuple(devices[profile_id])) for profile_id, read_at_us in rows[: query.limit])
    return DeliveryStatus(recipients, int(delivered), read, profiles, more=len(rows) > query.limit)

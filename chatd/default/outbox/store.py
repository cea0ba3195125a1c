"""The outbox as operators look at it. Pages read one row more than they show, to know of a next
one."""

from dataclasses import dataclass

from chatd.default.dead_letters.delivery_state import JOINS, STATE, WAS_OWED
from chatd.default.limits import MAX_LIMIT
from chatd.default.outbox.model import OutboxEntry, OutboxSummary, Recipient
from chatd.default.pages import Order, Place
from chatd.default.rooms.access import require_room
from chatd.errors import EventNotFound
from chatd.pb.events.v1.payloads_pb2 import DeliveryState, SkipReason
from chatd.store.command import Query
from chatd.store.database import Database

_ENTRY_STATE = f"""CASE
                    WHEN o.letter = 'delivered' THEN {int(DeliveryState.DELIVERY_STATE_ACKNOWLEDGED)}
                    WHEN o.letter IS NULL THEN {int(DeliveryState.DELIVERY_STATE_OWED)}
                    WHEN o.reason = {int(SkipReason.SKIP_REASON_REJECTED)}
                        THEN {int(DeliveryState.DELIVERY_STATE_REJECTED)}
                    WHEN o.reason = {int(SkipReason.SKIP_REASON_OPERATOR)}
                        THEN {int(DeliveryState.DELIVERY_STATE_SKIPPED)}
                    ELSE {int(DeliveryState.DELIVERY_STATE_UNDELIVERABLE)}
                END"""


ORDERS = {
    "oldest_at_us": "COALESCE(room_event.sent_at_us, o.created_at_us)",
    "owed": "COALESCE(o.until_seq, room.head_seq) - o.acked_seq",
    "attempts": "COALESCE(delivery_attempt.attempts, 0)",
}
"""The SQL of each order of ListOutbox. All rows are read for any of them."""
LONGEST_OWED = Order("oldest_at_us", ORDERS["oldest_at_us"], ("o.profile_id", "o.device_id", "o.room_id"))


def _where(profile_id: str, device_id: str, room_id: str) -> tuple[str, list[str]]:
    """Conditions on the table ``o`` for the ids that are given, and their parameters."""
    given = {"profile_id": profile_id, "device_id": device_id, "room_id": room_id}
    given = {column: value for column, value in given.items() if value}
    return "".join(f" AND o.{column} = ?" for column in given), list(given.values())


@dataclass(frozen=True, slots=True)
class ListOutbox(Query[tuple[tuple[OutboxSummary, ...], bool]]):
    """A row for each device and room with something owed, behind a place; and whether there are
    more. Empty ids match all."""

    profile_id: str
    device_id: str
    room_id: str
    limit: int
    order: Order = LONGEST_OWED
    after: Place = ()

    def answer(self, database: Database) -> tuple[tuple[OutboxSummary, ...], bool]:
        where, parameters = _where(self.profile_id, self.device_id, self.room_id)
        behind, place = self.order.behind(self.after)
        rows = database.rows(
            f"""
            SELECT o.profile_id, o.device_id, o.room_id, o.acked_seq,
                COALESCE(o.until_seq, room.head_seq),
                {ORDERS["owed"]},
                {ORDERS["oldest_at_us"]},
                {ORDERS["attempts"]}
            FROM outbox o
            JOIN room ON room.room_id = o.room_id
            LEFT JOIN room_event ON room_event.room_id = o.room_id AND room_event.seq = o.acked_seq + 1
            LEFT JOIN delivery_attempt ON delivery_attempt.profile_id = o.profile_id
                AND delivery_attempt.device_id = o.device_id
                AND delivery_attempt.room_id = o.room_id
                AND delivery_attempt.seq = o.acked_seq + 1
            WHERE o.acked_seq < COALESCE(o.until_seq, room.head_seq){where}{behind}
            ORDER BY {self.order.by}
            LIMIT ?
            """,
            (*parameters, *place, self.limit + 1),
        )
        return tuple(OutboxSummary(*row) for row in rows[: self.limit]), len(rows) > self.limit


@dataclass(frozen=True, slots=True)
class ListOutboxEntries(Query[tuple[tuple[OutboxEntry, ...], bool]]):
    """A row for each device and event that is owed, behind a place (profile, device, room, seq);
    and whether there are more. Empty ids match all."""

    profile_id: str
    device_id: str
    room_id: str
    limit: int
    after: Place = ()

    def answer(self, database: Database) -> tuple[tuple[OutboxEntry, ...], bool]:
        where, parameters = _where(self.profile_id, self.device_id, self.room_id)
        behind = " AND (o.profile_id, o.device_id, o.room_id, o.seq) > (?, ?, ?, ?)" if self.after else ""
        rows = database.rows(
            f"""
            SELECT o.profile_id, o.device_id, o.room_id, o.seq, o.event_id, o.sender_id, o.type,
                o.sent_at_us, o.attempts,
                {_ENTRY_STATE}
            FROM outbox_entry o
            WHERE 1 = 1{where}{behind}
            ORDER BY o.profile_id, o.device_id, o.room_id, o.seq
            LIMIT ?
            """,
            (*parameters, *self.after, self.limit + 1),
        )
        return tuple(OutboxEntry(*row) for row in rows[: self.limit]), len(rows) > self.limit


@dataclass(frozen=True, slots=True)
class GetBroadcast(Query[tuple[bytes, tuple[Recipient, ...], bool]]):
    """An encoded EventDelivery, how far it has come to each device it is for, and whether there are
    more of them. Raises RoomNotFound, EventNotFound."""

    room_id: str
    seq: int
    after_profile_id: str = ""
    after_device_id: str = ""
    limit: int = MAX_LIMIT

    def answer(self, database: Database) -> tuple[bytes, tuple[Recipient, ...], bool]:
        events = database.rows(
            "SELECT delivery FROM room_event WHERE room_id = ? AND seq = ?", (self.room_id, self.seq)
        )
        if not events:
            require_room(database, self.room_id)
        if not events or not events[0][0]:
            raise EventNotFound(f"room '{self.room_id}' has no event {self.seq}")
        rows = database.rows(
            f"""
            SELECT device.profile_id, device.device_id, {STATE}, COALESCE(delivery_attempt.attempts,
                dead_letter.attempts, 0)
            FROM subscription
            JOIN room ON room.room_id = subscription.room_id
            JOIN room_event ON room_event.room_id = subscription.room_id AND room_event.seq = ?
            JOIN device ON device.profile_id = subscription.profile_id{JOINS}
            LEFT JOIN delivery_attempt ON delivery_attempt.profile_id = device.profile_id
                AND delivery_attempt.device_id = device.device_id
                AND delivery_attempt.room_id = room_event.room_id
                AND delivery_attempt.seq = room_event.seq
            WHERE subscription.room_id = ?
                AND subscription.joined_seq <= room_event.seq
                AND (subscription.left_seq IS NULL OR subscription.left_seq >= room_event.seq)
                AND subscription.profile_id >= ?
                AND (device.profile_id > ? OR device.device_id > ?)
                AND {WAS_OWED}
            ORDER BY device.profile_id, device.device_id
            LIMIT ?
            """,
            (
                self.seq,
                self.room_id,
                self.after_profile_id,
                self.after_profile_id,
                self.after_device_id,
                self.limit + 1,
            ),
        )
        page = tuple(Recipient(*row) for row in rows[: self.limit])
        return bytes(events[0][0]), page, len(rows) > self.limit

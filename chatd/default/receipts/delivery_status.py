"""The progress of an event to the profiles it is for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from chatd.default.dead_letters.delivery_state import IS_DELIVERED, JOINS, STATE, WAS_OWED
from chatd.default.receipts.model import DeliveryStatus, RecipientStatus
from chatd.default.rooms.access import require_recipient, require_room
from chatd.default.rooms.participation import takes_part_sql
from chatd.errors import EventNotFound
from chatd.pb.events.v1.payloads_pb2 import DeliveryState
from chatd.store.command import Query
from chatd.store.database import Database
from chatd.store.slices import Slice, Unfinished
from chatd.store.statements import placeholders

_RECIPIENTS = """
            FROM subscription
            JOIN room ON room.room_id = subscription.room_id
            JOIN room_event ON room_event.room_id = subscription.room_id AND room_event.seq = ?
            LEFT JOIN read_marker ON read_marker.profile_id = subscription.profile_id
                AND read_marker.room_id = subscription.room_id
                AND read_marker.seq >= room_event.seq
            WHERE subscription.room_id = ?
                AND subscription.joined_seq <= room_event.seq
                AND (subscription.left_seq IS NULL OR subscription.left_seq >= room_event.seq)"""
"""Everybody the event is for. Parameters: seq, room."""
_FURTHEST_FIRST = (
    DeliveryState.DELIVERY_STATE_ACKNOWLEDGED,
    DeliveryState.DELIVERY_STATE_OWED,
    DeliveryState.DELIVERY_STATE_REJECTED,
    DeliveryState.DELIVERY_STATE_UNDELIVERABLE,
    DeliveryState.DELIVERY_STATE_SKIPPED,
    DeliveryState.DELIVERY_STATE_REMOVED,
)
_BUT_THE_SENDER = " AND subscription.profile_id <> room_event.sender_id"
COUNTED_AT_ONCE = 500
"""Memberships that one statement looks at to count recipients: a few milliseconds."""
_KEY = "(subscription.profile_id, subscription.joined_seq)"


class _Page(NamedTuple):
    """A page of recipients, and whether there are more."""

    profiles: tuple[RecipientStatus, ...]
    more: bool


class _Count(NamedTuple):
    """Recipients, those that have the event on a device, those that have read it, among the
    memberships up to the key ``after``; None: among all."""

    after: tuple[str, int] | None = ("", 0)
    recipients: int = 0
    delivered: int = 0
    read: int = 0


_NOTHING_COUNTED = _Count()


@dataclass(frozen=True, slots=True)
class GetDeliveryStatus(Query[DeliveryStatus]):
    """Asked by a member that the event was for, or by an operator, who sees more: devices, and
    deliveries to profiles that take no part in the room. Recipients are counted in slices, behind
    ``count``, when ``page`` has been read. Raises EventNotFound, and NotAMember, for operators
    RoomNotFound."""

    room_id: str
    seq: int
    profile_id: str
    operator: bool
    after_profile_id: str
    limit: int
    page: _Page | None = None
    count: _Count = _NOTHING_COUNTED

    def answer(self, database: Database) -> DeliveryStatus:
        page = self.page or self._read_page(database)
        count, share = self.count, Slice()
        while count.after is not None:
            count = self._go_on_counting(database, count, count.after)
            if share.is_over and count.after is not None:
                raise Unfinished(replace(self, page=page, count=count))
        return DeliveryStatus(count.recipients, count.delivered, count.read, page.profiles, page.more)

    def _read_page(self, database: Database) -> _Page:
        """If the caller may ask."""
        if self.operator:
            require_room(database, self.room_id)
        else:
            require_recipient(database, self.room_id, self.profile_id, self.seq)
        if not database.rows(
            "SELECT 1 FROM room_event WHERE seq = ? AND room_id = ?", (self.seq, self.room_id)
        ):
            raise EventNotFound(f"room '{self.room_id}' has no event {self.seq}")
        rows = database.rows(
            f"""
            SELECT subscription.profile_id, COALESCE(read_marker.read_at_us, 0),
                CASE WHEN {takes_part_sql("subscription")} THEN 1 ELSE 0 END
            {_RECIPIENTS}{_BUT_THE_SENDER} AND subscription.profile_id > ?
            ORDER BY subscription.profile_id
            LIMIT ?
            """,
            (self.seq, self.room_id, self.after_profile_id, self.limit + 1),
        )
        page = rows[: self.limit]
        devices = self._devices(database, [row[0] for row in page])
        profiles = tuple(
            self._recipient(profile_id, read_at_us, devices[profile_id], takes_part=bool(takes_part))
            for profile_id, read_at_us, takes_part in page
        )
        return _Page(profiles, more=len(rows) > self.limit)

    def _recipient(
        self, profile_id: str, read_at_us: int, devices: list[tuple[str, int]], *, takes_part: bool
    ) -> RecipientStatus:
        """The part of it that the asker may know."""
        if self.operator or profile_id == self.profile_id:
            return RecipientStatus(profile_id, read_at_us, tuple(devices), _furthest(devices))
        return RecipientStatus(profile_id, read_at_us, (), _furthest(devices) if takes_part else 0)

    def _go_on_counting(self, database: Database, count: _Count, after: tuple[str, int]) -> _Count:
        """Count the recipients among COUNTED_AT_ONCE memberships behind ``after``."""
        last = database.rows(
            f"""
            SELECT profile_id, joined_seq
            FROM subscription
            WHERE room_id = ? AND {_KEY} > (?, ?)
            ORDER BY profile_id, joined_seq
            LIMIT 1 OFFSET {COUNTED_AT_ONCE - 1}
            """,
            (self.room_id, *after),
        )
        end: tuple[str, int] | None = (last[0][0], last[0][1]) if last else None
        seen = "1 = 1" if self.operator else takes_part_sql("subscription")
        ((recipients, delivered, read),) = database.rows(
            f"""
            SELECT COUNT(*),
                COALESCE(SUM(CASE WHEN {seen} AND EXISTS (
                    SELECT 1
                    FROM device{JOINS}
                    WHERE device.profile_id = subscription.profile_id AND {WAS_OWED} AND {IS_DELIVERED}
                ) THEN 1 ELSE 0 END), 0),
                COUNT(read_marker.seq)
            {_RECIPIENTS}{_BUT_THE_SENDER}
                AND {_KEY} > (?, ?){"" if end is None else f" AND {_KEY} <= (?, ?)"}
            """,
            (self.seq, self.room_id, *after, *(end or ())),
        )
        return _Count(end, count.recipients + recipients, count.delivered + int(delivered), count.read + read)

    def _devices(self, database: Database, profile_ids: Sequence[str]) -> dict[str, list[tuple[str, int]]]:
        """Profile → its devices that are or were owed the event, and the DeliveryState of each."""
        devices: dict[str, list[tuple[str, int]]] = {profile_id: [] for profile_id in profile_ids}
        if not profile_ids:
            return devices
        rows = database.rows(
            f"""
            SELECT device.profile_id, device.device_id, {STATE}
            FROM subscription
            JOIN room ON room.room_id = subscription.room_id
            JOIN room_event ON room_event.room_id = subscription.room_id AND room_event.seq = ?
            JOIN device ON device.profile_id = subscription.profile_id{JOINS}
            WHERE subscription.room_id = ?
                AND subscription.joined_seq <= room_event.seq
                AND (subscription.left_seq IS NULL OR subscription.left_seq >= room_event.seq)
                AND {WAS_OWED}
                AND subscription.profile_id IN ({placeholders(len(profile_ids))})
            ORDER BY device.profile_id, device.device_id
            """,
            (self.seq, self.room_id, *profile_ids),
        )
        for profile_id, device_id, state in rows:
            devices[profile_id].append((device_id, state))
        return devices


def _furthest(devices: Sequence[tuple[str, int]]) -> int:
    """The state at one of a profile's devices; 0 if it has none."""
    return min((state for _, state in devices), key=_FURTHEST_FIRST.index, default=0)

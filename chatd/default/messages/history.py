"""Reading a room's log backwards, a page at a time, within the reader's memberships."""

from dataclasses import dataclass

from chatd.core.wire import plain_delivery
from chatd.default.rooms.access import require_past_member, require_room
from chatd.store.command import Query
from chatd.store.database import Database

MAX_PAGE_BYTES = 1_048_576
"""A page ends here, however many events were asked for: it travels as one frame."""
_NO_END = 2**62

_WITHIN_MEMBERSHIPS = """
                AND EXISTS (
                    SELECT 1
                    FROM subscription
                    WHERE subscription.room_id = room_event.room_id AND subscription.profile_id = ?
                        AND subscription.joined_seq <= room_event.seq
                        AND (subscription.left_seq IS NULL OR subscription.left_seq >= room_event.seq))"""


@dataclass(frozen=True, slots=True)
class GetHistory(Query[tuple[tuple[bytes, ...], bool]]):
    """Encoded EventDeliveries before ``before_seq`` (0: the newest), ascending, within the profile's memberships (operators: all);
    and whether there are older ones. ``plain``: nothing in them compressed. Raises RoomNotFound, NotAMember."""

    room_id: str
    profile_id: str
    operator: bool
    before_seq: int
    limit: int
    plain: bool = False

    def answer(self, database: Database) -> tuple[tuple[bytes, ...], bool]:
        if self.operator:
            require_room(database, self.room_id)
        else:
            require_past_member(database, self.room_id, self.profile_id)
        rows = database.rows(
            f"""
            SELECT room_event.delivery
            FROM room
            JOIN room_event ON room_event.room_id = room.room_id AND room_event.seq >= room.first_seq
            WHERE room.room_id = ? AND room_event.seq < ?{"" if self.operator else _WITHIN_MEMBERSHIPS}
            ORDER BY room_event.seq DESC
            LIMIT ?
            """,
            (
                self.room_id,
                self.before_seq or _NO_END,
                *(() if self.operator else (self.profile_id,)),
                self.limit + 1,
            ),
        )
        page: list[bytes] = []
        size = 0
        for (stored,) in rows[: self.limit]:
            delivery = plain_delivery(bytes(stored)) if self.plain else bytes(stored)
            size += len(delivery)
            if page and size > MAX_PAGE_BYTES:
                break
            page.append(delivery)
        return tuple(reversed(page)), len(rows) > len(page)

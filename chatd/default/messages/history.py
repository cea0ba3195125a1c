"""Reading a room's log backwards, a page at a time, within the reader's memberships."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from chatd.default.messages.unreadable import Unreadable
from chatd.default.rooms.access import require_past_member, require_room
from chatd.store.command import Query
from chatd.store.database import Database

MAX_PAGE_BYTES = 1_048_576
"""A page ends here, however many events were asked for: it travels as one frame."""
_CHUNK = 64  # events read at once: bounds what is read in vain when the byte limit cuts in


@dataclass(frozen=True, slots=True)
class GetHistory(Query[tuple[tuple[bytes, ...], bool]]):
    """Encoded EventDeliveries before ``before_seq`` (0: the newest), ascending, within the
    profile's memberships (operators: all); and whether there are older ones. ``plain``: nothing in
    them compressed. A marker stands for an event that cannot be read. Raises NotAMember, for
    operators RoomNotFound."""

    room_id: str
    profile_id: str
    operator: bool
    before_seq: int
    limit: int
    plain: bool = False
    unreadable: Unreadable = field(default_factory=Unreadable)

    def answer(self, database: Database) -> tuple[tuple[bytes, ...], bool]:
        if self.operator:
            require_room(database, self.room_id)
        else:
            require_past_member(database, self.room_id, self.profile_id)
        spans = self._spans(database)
        page: list[bytes] = []
        size = 0
        for seq, stored in _read(database, self.room_id, spans):
            delivery = self._delivery(seq, bytes(stored))
            size += len(delivery)
            if len(page) == self.limit or (page and size > MAX_PAGE_BYTES):
                return tuple(reversed(page)), True
            page.append(delivery)
        return tuple(reversed(page)), False

    def _delivery(self, seq: int, stored: bytes) -> bytes:
        delivery = self.unreadable.plain(stored) if self.plain else stored
        if delivery is None or not self.unreadable.parses(delivery):
            return self.unreadable.marker(self.room_id, seq)
        return delivery

    def _spans(self, database: Database) -> list[tuple[int, int]]:
        """First and last seqs, the newest first, of ``limit`` events and one more. Seqs have no
        gaps, so a span says how many events it has: without both its ends, a PostgreSQL that has no
        statistics yet reads the rest of the log to sort it."""
        ((first_seq, head_seq),) = database.rows(
            "SELECT first_seq, head_seq FROM room WHERE room_id = ?", (self.room_id,)
        )
        end = min(self.before_seq - 1, head_seq) if self.before_seq else head_seq
        left = self.limit + 1
        within = [(first_seq, None)] if self.operator else self._memberships(database, end, left)
        spans: list[tuple[int, int]] = []
        for joined_seq, left_seq in within:
            high = end if left_seq is None else min(left_seq, end)
            low = max(joined_seq, first_seq, high - left + 1)
            if low <= high and left > 0:
                spans.append((low, high))
                left -= high - low + 1
        return spans

    def _memberships(self, database: Database, end: int, most: int) -> list[tuple[int, int | None]]:
        """The newest that began up to ``end``. Each holds an event, so ``most`` of them will do."""
        return database.rows(
            """
            SELECT joined_seq, left_seq
            FROM subscription
            WHERE room_id = ? AND profile_id = ? AND joined_seq <= ?
            ORDER BY joined_seq DESC
            LIMIT ?
            """,
            (self.room_id, self.profile_id, end, most),
        )


def _read(database: Database, room_id: str, spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, bytes]]:
    """Seq and delivery of the spans' events, the newest first, as far as they are asked for."""
    for low, high in spans:
        for end in range(high, low - 1, -_CHUNK):
            yield from database.rows(
                """
                SELECT seq, delivery
                FROM room_event
                WHERE room_id = ? AND seq >= ? AND seq <= ?
                ORDER BY seq DESC
                """,
                (room_id, max(low, end - _CHUNK + 1), end),
            )

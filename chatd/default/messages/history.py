"""Reading a room's log, a page at a time either way, around an event, or one event, within the
reader's memberships."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from chatd.default.limits import MAX_PAGE_BYTES
from chatd.default.messages.event_times import first_since
from chatd.default.messages.unreadable import Unreadable
from chatd.default.rooms.access import require_past_member, require_room
from chatd.errors import EventNotFound
from chatd.store.command import Query
from chatd.store.database import Database

_CHUNK = 64  # events read at once: bounds what is read in vain when the byte limit cuts in


@dataclass(frozen=True, slots=True)
class GetHistory(Query[tuple[tuple[bytes, ...], bool]]):
    """Encoded EventDeliveries before ``before_seq`` (0: any), ascending, within the profile's
    memberships (operators: all). They are the newest, or if ``after_seq`` is given the first behind
    it. Whether there are older ones, or newer ones in that case. Only those from ``since_us`` on
    and from before ``until_us`` (0: no limit). ``plain``: nothing in them compressed. A marker
    stands for an event that cannot be read. Raises NotAMember, for operators RoomNotFound."""

    room_id: str
    profile_id: str
    operator: bool
    before_seq: int
    limit: int
    plain: bool = False
    unreadable: Unreadable = field(default_factory=Unreadable)
    after_seq: int | None = None
    since_us: int = 0
    until_us: int = 0
    most_bytes: int = MAX_PAGE_BYTES

    def answer(self, database: Database) -> tuple[tuple[bytes, ...], bool]:
        if self.operator:
            require_room(database, self.room_id)
        else:
            require_past_member(database, self.room_id, self.profile_id)
        forward = self.after_seq is not None
        page: list[bytes] = []
        size, more = 0, False
        for seq, stored in _read(database, self.room_id, self._spans(database), forward=forward):
            delivery = self._delivery(seq, bytes(stored))
            size += len(delivery)
            more = len(page) == self.limit or (bool(page) and size > self.most_bytes)
            if more:
                break
            page.append(delivery)
        return tuple(page if forward else reversed(page)), more

    def _delivery(self, seq: int, stored: bytes) -> bytes:
        delivery = self.unreadable.plain(stored) if self.plain else stored
        if delivery is None or not self.unreadable.parses(delivery):
            return self.unreadable.marker(self.room_id, seq)
        return delivery

    def _spans(self, database: Database) -> list[tuple[int, int]]:
        """First and last seqs of ``limit`` events and one more, in the order they are read. Seqs
        have no gaps, so a span says how many events it has: without both its ends, a PostgreSQL
        that has no statistics yet reads the rest of the log to sort it."""
        ((first_seq, head_seq),) = database.rows(
            "SELECT first_seq, head_seq FROM room WHERE room_id = ?", (self.room_id,)
        )
        begin = max(first_seq, (self.after_seq or 0) + 1)
        end = min(self.before_seq - 1, head_seq) if self.before_seq else head_seq
        if self.since_us:
            begin = first_since(database, self.room_id, begin, end, self.since_us)
        if self.until_us:
            end = first_since(database, self.room_id, begin, end, self.until_us) - 1
        if begin > end:
            return []
        left = self.limit + 1
        spans: list[tuple[int, int]] = []
        for joined_seq, left_seq in self._memberships(database, begin, end, left):
            low = max(joined_seq, begin)
            high = end if left_seq is None else min(left_seq, end)
            if self.after_seq is None:
                low = max(low, high - left + 1)
            else:
                high = min(high, low + left - 1)
            if low <= high and left > 0:
                spans.append((low, high))
                left -= high - low + 1
        return spans

    def _memberships(
        self, database: Database, begin: int, end: int, most: int
    ) -> list[tuple[int, int | None]]:
        """Those that may hold events from ``begin`` to ``end``, in the order they are read. Each
        holds one at least, so ``most`` of them will do; but the first may have ended before
        ``begin``."""
        if self.operator:
            return [(begin, None)]
        first, order = "0", "DESC"
        given: tuple[object, ...] = (self.room_id, self.profile_id, end)
        if self.after_seq is not None:
            first, order = _LAST_BEGUN, "ASC"
            given += (self.room_id, self.profile_id, begin)
        return database.rows(
            f"""
            SELECT joined_seq, left_seq
            FROM subscription
            WHERE room_id = ? AND profile_id = ? AND joined_seq <= ? AND joined_seq >= {first}
            ORDER BY joined_seq {order}
            LIMIT ?
            """,
            (*given, most + 1),
        )


@dataclass(frozen=True, slots=True)
class GetHistoryAround(Query[tuple[tuple[bytes, ...], bool, bool]]):
    """Encoded EventDeliveries around ``seq``, half of ``page.limit`` up to it and half behind it,
    each within half of a page's bytes; whether there are older ones, and newer ones. ``page`` says
    all else, and what it raises."""

    page: GetHistory
    seq: int

    def answer(self, database: Database) -> tuple[tuple[bytes, ...], bool, bool]:
        half = replace(self.page, most_bytes=MAX_PAGE_BYTES // 2)
        up_to = replace(half, before_seq=self.seq + 1, limit=(self.page.limit + 1) // 2)
        behind = replace(half, after_seq=self.seq, limit=self.page.limit // 2)
        older, more_older = up_to.answer(database)
        newer, more_newer = behind.answer(database)
        return (*older, *newer), more_older, more_newer


@dataclass(frozen=True, slots=True)
class GetEvent(Query[bytes]):
    """One encoded EventDelivery: that of ``seq``, or if it is 0 the one that ``sender_id`` gave
    ``event_id``. ``page`` says all else, and what it raises; EventNotFound as well."""

    page: GetHistory
    seq: int
    sender_id: str
    event_id: str

    def answer(self, database: Database) -> bytes:
        seq = self.seq or self._find(database)
        # Its page is read in any case: a stranger is refused in the same words whatever there is.
        found, _ = replace(self.page, before_seq=seq + 1, after_seq=max(seq, 1) - 1, limit=1).answer(database)
        if not found:
            raise EventNotFound(f"room '{self.page.room_id}' has no such event")
        return found[0]

    def _find(self, database: Database) -> int:
        """The event's seq; 0: there is none."""
        # With the room among the conditions, a PostgreSQL without statistics reads all of the
        # sender's events of the room.
        rows = database.rows(
            "SELECT room_id, seq FROM room_event WHERE sender_id = ? AND event_id = ?",
            (self.sender_id, self.event_id),
        )
        return next((int(seq) for room_id, seq in rows if room_id == self.page.room_id), 0)


_LAST_BEGUN = """
    COALESCE(
        (
            SELECT MAX(joined_seq)
            FROM subscription
            WHERE room_id = ? AND profile_id = ? AND joined_seq <= ?
        ), 0
    )
"""
"""Memberships do not overlap: none before the last one that has begun reaches any further."""


def _read(
    database: Database, room_id: str, spans: Sequence[tuple[int, int]], *, forward: bool
) -> Iterator[tuple[int, bytes]]:
    """Seq and delivery of the spans' events in the order of reading, as far as they are asked
    for."""
    order = "ASC" if forward else "DESC"
    for low, high in spans:
        for chunk in _chunks(low, high, forward=forward):
            yield from database.rows(
                f"""
                SELECT seq, delivery
                FROM room_event
                WHERE room_id = ? AND seq >= ? AND seq <= ?
                ORDER BY seq {order}
                """,
                (room_id, *chunk),
            )


def _chunks(low: int, high: int, *, forward: bool) -> Iterator[tuple[int, int]]:
    if forward:
        return ((begin, min(high, begin + _CHUNK - 1)) for begin in range(low, high + 1, _CHUNK))
    return ((max(low, end - _CHUNK + 1), end) for end in range(high, low - 1, -_CHUNK))

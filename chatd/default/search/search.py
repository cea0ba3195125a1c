"""Searching: pages of what is found, newest first over all rooms, within the profile's
memberships."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chatd.default.limits import MAX_PAGE_BYTES
from chatd.default.rooms.access import require_past_member, require_room
from chatd.default.search.index import text_of
from chatd.default.search.model import Found, FoundPage, first_number
from chatd.default.search.snippet import make_snippet
from chatd.default.search.terms import Term, fts5, room_word, sender_word, tsquery
from chatd.errors import LimitReached
from chatd.store.command import Query
from chatd.store.database import Database
from chatd.store.database_errors import Interrupted
from chatd.store.statements import placeholders

SECONDS = 1.0
"""A search takes no longer in the database: SQLite's only reader answers others behind it."""
LOOK = 1_000
"""Matches looked at for one page."""
MAX_ROOM_WORDS = 200
"""Rooms that are looked for as words. If a profile is in more of them, all matches are looked
at."""

_NO_END = 2**63 - 1
_CHUNK = 16  # events read at once: bounds what is read in vain when the byte limit cuts in

_Place = tuple[int, str, int]
"""Number in the index, room, seq."""

# The sum keeps the planner from reading all documents in their order until enough match.
POSTGRES = """
            SELECT document_id, room_id, seq
            FROM search_document
            WHERE words @@ CAST(? AS tsquery) AND document_id >= ? AND document_id < ?
            ORDER BY document_id + 0 DESC
            LIMIT ?
            """


@dataclass(frozen=True, slots=True)
class SearchEvents(Query[FoundPage]):
    """Messages that have all ``terms``, of ``rooms`` (none: all that the profile is or was in, for
    operators all there are), of ``sender_id`` (empty: anybody), from ``since_us`` on and from
    before ``until_us`` (0: no limit), behind ``after`` (0: from the newest). A page may have fewer
    than ``limit``, even none, and another one behind it. Raises NotAMember, LimitReached if it
    would take long, for operators RoomNotFound."""

    terms: tuple[Term, ...]
    profile_id: str
    operator: bool
    rooms: tuple[str, ...] = ()
    sender_id: str = ""
    since_us: int = 0
    until_us: int = 0
    after: int = 0
    limit: int = 20
    plain: bool = False

    def answer(self, database: Database) -> FoundPage:
        for room_id in self.rooms:
            if self.operator:
                require_room(database, room_id)
            else:
                require_past_member(database, room_id, self.profile_id)
        rooms = self.rooms or (() if self.operator else self._own_rooms(database))
        if not rooms and not self.operator:
            return FoundPage((), 0, 0)
        unindexed = self._unindexed(database)  # first: what is indexed meanwhile may be missing below
        try:
            with database.limited(SECONDS):
                looked = self._matches(database, rooms)
        except Interrupted as exc:
            raise LimitReached(
                "the search takes too long: give more words, a room, or a shorter time"
            ) from exc
        found, last = self._found(database, looked)
        behind = last if last else looked[-1][0] if len(looked) == LOOK else 0
        return FoundPage(tuple(found), behind, unindexed)

    def _own_rooms(self, database: Database) -> tuple[str, ...]:
        rows = database.rows(
            "SELECT DISTINCT room_id FROM subscription WHERE profile_id = ?", (self.profile_id,)
        )
        return tuple(room_id for (room_id,) in rows)

    def _matches(self, database: Database, rooms: Sequence[str]) -> list[_Place]:
        """The newest LOOK of all that match, whoever may read them."""
        terms = self.terms
        if self.sender_id:
            terms += (Term((sender_word(self.sender_id),)),)
        room_words = [room_word(room_id) for room_id in rooms] if len(rooms) <= MAX_ROOM_WORDS else []
        first = first_number(self.since_us)
        end = first_number(self.until_us + 999) if self.until_us else _NO_END
        span = (first, min(end, self.after or _NO_END), LOOK)
        if database.engine == "sqlite":
            return database.rows(
                """
                SELECT search_document.document_id, search_document.room_id, search_document.seq
                FROM search_index
                JOIN search_document ON search_document.document_id = search_index.rowid
                WHERE search_index MATCH ? AND search_index.rowid >= ? AND search_index.rowid < ?
                ORDER BY search_index.rowid DESC
                LIMIT ?
                """,
                (fts5(terms, room_words), *span),
            )
        return database.rows(POSTGRES, (tsquery(terms, room_words), *span))

    def _found(self, database: Database, looked: Sequence[_Place]) -> tuple[list[Found], int]:
        """Those that the profile may read, as far as a page goes; and where it ended, 0 if it took
        all."""
        found: list[Found] = []
        size = 0
        for number, stored in self._read(database, self._readable(database, looked)):
            one = self._show(stored)
            if one is None:
                continue
            size += len(one.delivery)
            if len(found) == self.limit or (found and size > MAX_PAGE_BYTES):
                return found, number + 1
            found.append(one)
        return found, 0

    def _readable(self, database: Database, looked: Sequence[_Place]) -> list[_Place]:
        """Those that are kept, and are of the profile's memberships."""
        if not looked:
            return []
        values, parameters = database.values("iti", looked)
        return database.rows(
            f"""
            WITH v(document_id, room_id, seq) AS ({values})
            SELECT v.document_id, v.room_id, v.seq
            FROM v
            JOIN room ON room.room_id = v.room_id AND room.first_seq <= v.seq
            WHERE ? = 1 OR EXISTS (
                SELECT 1
                FROM subscription
                WHERE subscription.room_id = v.room_id AND subscription.profile_id = ?
                    AND subscription.joined_seq <= v.seq
                    AND (subscription.left_seq IS NULL OR subscription.left_seq >= v.seq))
            ORDER BY v.document_id DESC
            """,
            (*parameters, int(self.operator), self.profile_id),
        )

    def _read(self, database: Database, places: Sequence[_Place]) -> Iterator[tuple[int, bytes]]:
        """Numbers and stored deliveries, as far as they are asked for."""
        for begin in range(0, len(places), _CHUNK):
            values, parameters = database.values("iti", places[begin : begin + _CHUNK])
            yield from database.rows(
                f"""
                WITH v(document_id, room_id, seq) AS ({values})
                SELECT v.document_id, room_event.delivery
                FROM v
                JOIN room_event ON room_event.room_id = v.room_id AND room_event.seq = v.seq
                ORDER BY v.document_id DESC
                """,
                parameters,
            )

    def _show(self, stored: bytes) -> Found | None:
        """None: the event is not among those asked for, or cannot be read."""
        read = text_of(bytes(stored))
        if read is None:
            return None
        delivery, text = read
        link = delivery.event
        if (self.rooms and link.room_id not in self.rooms) or self.sender_id not in ("", link.sender_id):
            return None
        if link.sent_at_us < self.since_us or 0 < self.until_us <= link.sent_at_us:
            return None
        snippet = make_snippet(text, self.terms)
        return Found(delivery.SerializeToString() if self.plain else bytes(stored), snippet)

    def _unindexed(self, database: Database) -> int:
        """Events of the rooms that are not indexed yet. One that has left a room learns nothing of
        it."""
        conditions, parameters = ["1 = 1"], list[object]()
        if self.rooms:
            conditions.append(f"room.room_id IN ({placeholders(len(self.rooms))})")
            parameters += self.rooms
        if not self.operator:
            conditions.append(_OWN)
            parameters.append(self.profile_id)
        ((unindexed,),) = database.rows(
            f"""
            SELECT CAST(COALESCE(SUM(room.head_seq - {_INDEXED}), 0) AS BIGINT)
            FROM room
            LEFT JOIN search_mark ON search_mark.room_id = room.room_id
            WHERE {" AND ".join(conditions)}
            """,
            parameters,
        )
        return int(unindexed)


_OWN = "room.room_id IN (SELECT room_id FROM subscription WHERE profile_id = ? AND left_seq IS NULL)"
_INDEXED = "CASE WHEN search_mark.seq >= room.first_seq THEN search_mark.seq ELSE room.first_seq - 1 END"

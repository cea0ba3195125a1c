"""The index of texts: ``search_document`` has a row for each message, whose words PostgreSQL
indexes by GIN, SQLite by the FTS5 table ``search_index``. ``search_mark`` says how far each room's
log is in it.

It is written behind the log, by ``indexer.py``. An event that is removed from the log is removed
from it in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from google.protobuf.message import DecodeError

from chatd.core.wire import plain_delivery
from chatd.default.search.model import PLACES_A_MS, Document, Indexed, first_number
from chatd.default.search.terms import room_word, sender_word, tsvector
from chatd.default.search.words import indexed_words
from chatd.errors import ChatdError
from chatd.pb.events.v1.payloads_pb2 import EventDelivery, EventType
from chatd.store.command import NO_LOCKS, Command, Locks, Query, Turn
from chatd.store.database import Database
from chatd.store.statements import chunks, placeholders
from chatd.store.transaction import Transaction

LOCK = 0x73656172  # "sear"

# Nothing but the tokenizer ascii: words are folded already, and each is letters, digits or others.
_MAKE_FTS5 = """
        CREATE VIRTUAL TABLE IF NOT EXISTS search_index USING fts5 (
            words, content = 'search_document', content_rowid = 'document_id', columnsize = 0, tokenize = 'ascii'
        )
"""


@dataclass(frozen=True, slots=True)
class MakeIndex(Command[None]):
    """Make SQLite's index if there is none; PostgreSQL has its own from the first. Refused with
    StoreFailed by a SQLite without FTS5."""

    def locks(self) -> Locks:
        return NO_LOCKS

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[MakeIndex]) -> list[None]:
        if transaction.database.engine == "sqlite":
            transaction.database.run(_MAKE_FTS5)
        return [None for _ in commands]


@dataclass(frozen=True, slots=True)
class FindUnindexedRooms(Query[tuple[tuple[str, ...], str]]):
    """Rooms with events that are not indexed, among ``limit`` rooms after ``after_room_id``; and
    the last room looked at, empty when there are no more."""

    after_room_id: str
    limit: int

    def answer(self, database: Database) -> tuple[tuple[str, ...], str]:
        rows = database.rows(
            """
            SELECT room.room_id, room.head_seq, COALESCE(search_mark.seq, 0)
            FROM room
            LEFT JOIN search_mark ON search_mark.room_id = room.room_id
            WHERE room.room_id > ?
            ORDER BY room.room_id
            LIMIT ?
            """,
            (self.after_room_id, self.limit),
        )
        behind = tuple(room_id for room_id, head_seq, mark in rows if mark < head_seq)
        return behind, rows[-1][0] if len(rows) == self.limit else ""


@dataclass(frozen=True, slots=True)
class ReadUnindexed(Query[Indexed]):
    """The next part of the logs of ``rooms``, ``limit`` events at most."""

    rooms: tuple[str, ...]
    limit: int

    def answer(self, database: Database) -> Indexed:
        rows = database.rows(
            f"""
            SELECT room.room_id, room.first_seq, room.head_seq, COALESCE(search_mark.seq, 0)
            FROM room
            LEFT JOIN search_mark ON search_mark.room_id = room.room_id
            WHERE room.room_id IN ({placeholders(len(self.rooms))})
            ORDER BY room.room_id
            """,
            self.rooms,
        )
        left = self.limit
        spans: list[tuple[str, int, int]] = []
        more: list[str] = []
        for room_id, first_seq, head_seq, mark in rows:
            begin = max(mark + 1, first_seq)
            end = min(head_seq, begin + left - 1)
            if begin <= end:
                spans.append((room_id, begin, end))
                left -= end - begin + 1
            if end < head_seq:
                more.append(room_id)
        documents = [one for span in spans for one in self._documents(database, *span)]
        return Indexed(tuple(documents), tuple((room_id, end) for room_id, _, end in spans), tuple(more))

    def _documents(self, database: Database, room_id: str, begin: int, end: int) -> list[Document]:
        rows = database.rows(
            """
            SELECT seq, type, delivery
            FROM room_event
            WHERE room_id = ? AND seq >= ? AND seq <= ?
            ORDER BY seq
            """,
            (room_id, begin, end),
        )
        made = (
            _document(bytes(delivery)) for _, kind, delivery in rows if kind == EventType.EVENT_TYPE_MESSAGE
        )
        return [document for document in made if document is not None]


def text_of(delivery: bytes) -> tuple[EventDelivery, str] | None:
    """A stored delivery and its text; None if it cannot be read, or has none."""
    try:
        parsed = EventDelivery.FromString(plain_delivery(delivery))
    except (ChatdError, IndexError, DecodeError):
        return None
    fields = parsed.payload.fields
    return (parsed, fields["text"].string_value) if "text" in fields else None


def _document(delivery: bytes) -> Document | None:
    read = text_of(delivery)
    if read is None:
        return None
    link, text = read[0].event, read[1]
    ours = (room_word(link.room_id), sender_word(link.sender_id))
    return Document(link.room_id, link.seq, link.sent_at_us, (*ours, *indexed_words(text)))


@dataclass(frozen=True, slots=True)
class IndexEvents(Command[bool]):
    """Add a part of some logs to the index. False: another node is adding, and nothing was done."""

    part: Indexed

    def locks(self) -> Locks:
        return NO_LOCKS  # rows that another session holds are being removed: they are left out

    def turn(self) -> Turn:
        return Turn.BACKGROUND

    def weight(self) -> int:
        return max(1, len(self.part.documents))

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[IndexEvents]) -> list[bool]:
        database = transaction.database
        if database.engine == "postgres":
            # One at a time: numbers are given once, and no two wait for each other's rows.
            ((free,),) = database.rows("SELECT pg_try_advisory_xact_lock(?)", (LOCK,))
            if not free:
                return [False for _ in commands]
        for command in commands:
            _index(database, command.part)
        return [True for _ in commands]


def _index(database: Database, part: Indexed) -> None:
    wanted = _unindexed(database, part.documents)
    for chunk in chunks(_numbered(database, wanted), columns=4):
        if database.engine == "postgres":
            values, parameters = database.values(
                "itit", [(number, one.room_id, one.seq, tsvector(one.words)) for number, one in chunk]
            )
            database.run(
                f"""
                WITH v(document_id, room_id, seq, words) AS ({values})
                INSERT INTO search_document (document_id, room_id, seq, words)
                SELECT v.document_id, v.room_id, v.seq, CAST(v.words AS tsvector)
                FROM v
                """,
                parameters,
            )
        else:
            values, parameters = database.values(
                "itit", [(number, one.room_id, one.seq, " ".join(one.words)) for number, one in chunk]
            )
            database.run(
                f"INSERT INTO search_document (document_id, room_id, seq, words) {values}", parameters
            )
            database.run(
                f"""
                INSERT INTO search_index (rowid, words)
                SELECT document_id, words
                FROM search_document
                WHERE document_id IN ({placeholders(len(chunk))})
                """,
                [number for number, _ in chunk],
            )
    for marks in chunks(part.marks, columns=2):
        values, parameters = database.values("ti", marks)
        database.run(
            f"""
            INSERT INTO search_mark (room_id, seq)
            {values}
            ON CONFLICT (room_id) DO UPDATE SET seq = excluded.seq
            WHERE search_mark.seq < excluded.seq
            """,
            parameters,
        )


def _unindexed(database: Database, documents: Sequence[Document]) -> list[Document]:
    """Those whose events still have their text, and that no other node has indexed. A command that
    removes their text from now on waits for this transaction, and so finds them in the index."""
    kept: set[tuple[str, int]] = set()
    hold = " FOR SHARE OF room_event SKIP LOCKED" if database.for_update else ""
    for chunk in chunks(documents, columns=2):
        values, parameters = database.values("ti", [(one.room_id, one.seq) for one in chunk])
        rows = database.rows(
            f"""
            WITH v(room_id, seq) AS ({values})
            SELECT room_event.room_id, room_event.seq
            FROM v
            JOIN room_event ON room_event.room_id = v.room_id AND room_event.seq = v.seq
            WHERE room_event.type = {int(EventType.EVENT_TYPE_MESSAGE)} AND LENGTH(room_event.delivery) > 0
                AND NOT EXISTS (
                    SELECT 1
                    FROM search_document
                    WHERE search_document.room_id = v.room_id AND search_document.seq = v.seq){hold}
            """,
            parameters,
        )
        kept.update((room_id, seq) for room_id, seq in rows)
    return [one for one in documents if (one.room_id, one.seq) in kept]


def _numbered(database: Database, documents: Sequence[Document]) -> list[tuple[int, Document]]:
    """Each document with a number of its own, in the order of their times."""
    starts = sorted({first_number(one.sent_at_us) for one in documents})
    following: dict[int, int] = {}
    for chunk in chunks(starts, columns=1):
        values, parameters = database.values("i", [(start,) for start in chunk])
        rows = database.rows(
            f"""
            WITH v(start) AS ({values})
            SELECT v.start, (
                SELECT MAX(document_id)
                FROM search_document
                WHERE document_id >= v.start AND document_id < v.start + {PLACES_A_MS})
            FROM v
            """,
            parameters,
        )
        following.update((start, start if last is None else last + 1) for start, last in rows)
    numbered = []
    for one in sorted(documents, key=lambda one: (one.sent_at_us, one.room_id, one.seq)):
        start = first_number(one.sent_at_us)
        numbered.append((following[start], one))
        following[start] += 1
    return numbered

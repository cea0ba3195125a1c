"""Events that a dead node left behind: committed and not published, for the members at each of
them."""

from dataclasses import dataclass
from typing import NamedTuple

from chatd.core.model import CommittedRun, Members
from chatd.core.priority import BULK, NORMAL, URGENT
from chatd.core.wire import delivery_record
from chatd.pb.events.v1.payloads_pb2 import EventType
from chatd.store.command import Query
from chatd.store.database import Database
from chatd.store.statements import placeholders

_ROOMS = 200  # in one search; the next one takes the next


class Unpublished(NamedTuple):
    """``runs`` to publish; ``after``: the search goes on behind this room, empty: it is at its
    end."""

    runs: tuple[CommittedRun, ...]
    after: str


@dataclass(frozen=True, slots=True)
class FindUnpublished(Query[Unpublished]):
    """Events behind the fan-out marks of rooms whose oldest such event is from before
    ``before_us``, at most ``limit`` of each. One search looks at _ROOMS active rooms behind
    ``after``."""

    before_us: int
    limit: int
    after: str = ""

    def answer(self, database: Database) -> Unpublished:
        active = [
            row[0]
            for row in database.rows(
                f"SELECT room_id FROM active_room WHERE room_id > ? ORDER BY room_id LIMIT {_ROOMS}",
                (self.after,),
            )
        ]
        if not active:
            return Unpublished((), "")
        rooms = database.rows(
            # A purge moves the mark along: the events behind it are gone. A join would read the log
            # without PostgreSQL's statistics.
            f"""
            SELECT room.room_id, room.published_seq, room.urgent_seq, room.normal_seq
            FROM room
            WHERE room.room_id IN ({placeholders(len(active))}) AND room.published_seq < room.head_seq AND ? > (
                SELECT room_event.sent_at_us
                FROM room_event
                WHERE room_event.room_id = room.room_id AND room_event.seq = room.published_seq + 1)
            ORDER BY room.room_id
            """,
            (*active, self.before_us),
        )
        runs = tuple(
            run
            for room_id, published_seq, urgent_seq, normal_seq in rooms
            for run in _runs(
                database, room_id, published_seq, self.limit, _priority(published_seq, urgent_seq, normal_seq)
            )
        )
        return Unpublished(runs, active[-1] if len(active) == _ROOMS else "")


@dataclass(frozen=True, slots=True)
class CountUnpublished(Query[int]):
    """Rooms with events behind their fan-out marks."""

    def answer(self, database: Database) -> int:
        ((count,),) = database.rows(
            """
            SELECT COUNT(*)
            FROM active_room
            JOIN room ON room.room_id = active_room.room_id AND room.published_seq < room.head_seq
            """
        )
        return int(count)


def _priority(published_seq: int, urgent_seq: int, normal_seq: int) -> int:
    """The highest priority behind the mark: the whole room's, since its order is one."""
    if urgent_seq > published_seq:
        return URGENT
    return NORMAL if normal_seq > published_seq else BULK


def _runs(
    database: Database, room_id: str, published_seq: int, limit: int, priority: int
) -> list[CommittedRun]:
    """``priority`` is the whole room's: its order is one."""
    events = database.rows(
        """
        SELECT seq, type, delivery
        FROM room_event
        WHERE room_id = ? AND seq > ? AND seq <= ?
        ORDER BY seq
        """,
        (room_id, published_seq, published_seq + limit),
    )
    intervals = database.rows(
        """
        SELECT profile_id, joined_seq, left_seq
        FROM subscription
        WHERE room_id = ? AND (left_seq IS NULL OR left_seq > ?)
        """,
        (room_id, published_seq),
    )
    runs: list[CommittedRun] = []
    first, records = 0, list[bytes]()

    def end_run() -> None:
        if records:
            last = first + len(records) - 1
            there = frozenset(
                profile
                for profile, joined, left in intervals
                if joined <= first and (left is None or left >= last)
            )
            runs.append(
                CommittedRun(room_id, first, last, b"".join(records), Members(room_id, 0, there), priority)
            )
            records.clear()

    for seq, kind, delivery in events:
        # Memberships change only with such an event: between two of them the recipients are the
        # same.
        if kind == EventType.EVENT_TYPE_MEMBERSHIP or not records:
            end_run()
            first = seq
        records.append(delivery_record(bytes(delivery)))
        if kind == EventType.EVENT_TYPE_MEMBERSHIP:
            end_run()
    end_run()
    return runs

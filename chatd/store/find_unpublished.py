"""What a node that died left behind: events committed and never marked as fanned out, for whoever was a member at each of them."""

from chatd.core.model import CommittedRun, Members
from chatd.core.priority import BULK, NORMAL, URGENT
from chatd.core.wire import delivery_record
from chatd.pb.events.v1.payloads_pb2 import EventType
from chatd.store.database import Database
from chatd.store.queries import FindUnpublished

_ROOMS = 200  # in one sweep; the next one takes the next


def find_unpublished(database: Database, query: FindUnpublished) -> tuple[CommittedRun, ...]:
    rooms = database.rows(
        # A purge moves the mark along: what is behind it is gone.
        "SELECT r.room_id, r.published_seq, r.urgent_seq, r.normal_seq FROM room r "
        "JOIN room_event e ON e.room_id = r.room_id AND e.seq = r.published_seq + 1 WHERE r.published_seq < r.head_seq AND e.sent_at_us < ? LIMIT ?",
        (query.before_us, _ROOMS),
    )
    return tuple(
        run
        for room_id, published_seq, urgent_seq, normal_seq in rooms
        for run in _runs(
            database,
            room_id,
            published_seq,
            query.limit,
            URGENT if urgent_seq > published_seq else NORMAL if normal_seq > published_seq else BULK,
        )
    )


def _runs(database: Database, room_id: str, published_seq: int, limit: int, priority: int) -> list[CommittedRun]:
    """``priority`` is the whole room's: its order is one."""
    events = database.rows(
        "SELECT seq, type, delivery FROM room_event WHERE room_id = ? AND seq > ? ORDER BY seq LIMIT ?", (room_id, published_seq, limit)
    )
    intervals = database.rows(
        "SELECT profile_id, joined_seq, left_seq FROM subscription WHERE room_id = ? AND (left_seq IS NULL OR left_seq > ?)",
        (room_id, published_seq),
    )
    runs: list[CommittedRun] = []
    first, records = 0, list[bytes]()

    def end_run() -> None:
        if records:
            last = first + len(records) - 1
            there = frozenset(profile for profile, joined, left in intervals if joined <= first and (left is None or left >= last))
            runs.append(CommittedRun(room_id, first, last, b"".join(records), Members(room_id, 0, there), priority))
            records.clear()

    for seq, kind, delivery in events:
        # Memberships change only with such an event: between two of them the recipients are the same.
        if kind == EventType.EVENT_TYPE_MEMBERSHIP or not records:
            end_run()
            first = seq
        records.append(delivery_record(bytes(delivery)))
        if kind == EventType.EVENT_TYPE_MEMBERSHIP:
            end_run()
    end_run()
    return runs

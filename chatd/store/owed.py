"""What a device is owed: everything in its rooms' logs behind its cursors, at most a window at a time."""

from typing import NamedTuple

from chatd.core.model import Owed, OwedRun, Pull
from chatd.core.wire import delivery_record
from chatd.store.database import Database
from chatd.store.queries import PullOwed

_CHUNK = 256  # events read at once: bounds what is read in vain when the byte limit cuts in


class _Range(NamedTuple):
    """An outbox entry with the room's head."""

    room_id: str
    start_seq: int
    acked_seq: int
    until_seq: int | None
    head_seq: int


def pull_owed(database: Database, query: PullOwed) -> tuple[Owed, ...]:
    return tuple(_pull(database, pull) for pull in query.pulls)


def _pull(database: Database, pull: Pull) -> Owed:
    stream = pull.stream
    device = database.rows("SELECT epoch FROM device WHERE profile_id = ? AND device_id = ?", (stream.profile_id, stream.device_id))
    if not device or device[0][0] != stream.epoch:
        return Owed(superseded=True)
    # Heads are read before events: whatever is committed in between is the next pull's, or published.
    ranges = [
        _Range(*row)
        for row in database.rows(
            "SELECT o.room_id, o.start_seq, o.acked_seq, o.until_seq, r.head_seq FROM outbox o JOIN room r ON r.room_id = o.room_id "
            "WHERE o.profile_id = ? AND o.device_id = ?"
            + ("" if pull.want_cursors else " AND r.head_seq > o.acked_seq")
            + " ORDER BY o.room_id, o.start_seq",
            (stream.profile_id, stream.device_id),
        )
    ]
    runs: list[OwedRun] = []
    cursors: dict[str, int] = {}
    messages, size = pull.max_messages, pull.max_bytes
    for range_ in ranges:
        after = max(range_.acked_seq, pull.sent.get(range_.room_id, 0))
        end = range_.head_seq if range_.until_seq is None else min(range_.until_seq, range_.head_seq)
        while after < end:
            if messages <= 0 or size <= 0:
                return Owed(tuple(runs), more=True)
            run, read, full = _read(database, range_.room_id, after, end, messages, size, must=pull.first_may_exceed and not runs)
            if run is not None:
                runs.append(run)
                messages -= read
                size -= len(run.records)
                after = run.last_seq
            if full:
                return Owed(tuple(runs), more=True)
        cursors[range_.room_id] = max(after, cursors.get(range_.room_id, 0))
    return Owed(tuple(runs), cursors=cursors if pull.want_cursors else {})


def _read(
    database: Database, room_id: str, after: int, end: int, messages: int, size: int, *, must: bool
) -> tuple[OwedRun | None, int, bool]:
    """Up to a chunk of a room's events, how many, and whether the byte limit was reached. ``must``: the first one is taken whatever its size."""
    rows = database.rows(
        "SELECT delivery FROM room_event WHERE room_id = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
        (room_id, after, end, min(messages, _CHUNK)),
    )
    records: list[bytes] = []
    for (delivery,) in rows:
        record = delivery_record(bytes(delivery))
        size -= len(record)
        if size < 0 and (records or not must):
            break
        records.append(record)
    if not records:
        return None, 0, True
    return OwedRun(room_id, after + 1, after + len(records), b"".join(records)), len(records), len(records) < len(rows)

"""The row that says which log the database holds. It is in the database itself, so a copy of the
database has it too; others who have seen the log remember how far it had come (``LogState``)."""

import secrets
from collections.abc import Sequence
from typing import NamedTuple

from chatd.core.ids import ERASED
from chatd.core.log_state import LogState
from chatd.store.database import Database
from chatd.store.statements import chunks


class EventPlace(NamedTuple):
    """An event and its place in its room's log."""

    room_id: str
    seq: int
    event_id: str


def read_log(database: Database) -> LogState:
    """The log's state."""
    ((incarnation, beat),) = database.rows("SELECT incarnation, beat FROM log")
    return LogState(incarnation, beat)


def is_behind(database: Database, room_id: str, seq: int) -> bool:
    """True if a room's log does not go as far as ``seq``, or there is no such room."""
    rows = database.rows("SELECT head_seq FROM room WHERE room_id = ?", (room_id,))
    return not rows or rows[0][0] < seq


def raise_beat(database: Database, known: LogState, *, wait: bool = False) -> LogState:
    """Raise the beat, and give the log a new incarnation if it is behind the state that is
    ``known``. A row that another node is changing stays as it is, unless ``wait``: a node that
    stands still there would hold up all others. Returns the new state."""
    skip = "" if wait or not database.for_update else " SKIP LOCKED"
    rows = database.rows(f"SELECT incarnation, beat FROM log{database.for_update}{skip}")
    if not rows:
        return read_log(database)
    found = LogState(*rows[0])
    if found.beat < known.beat:
        return renew_log(database, known)
    return _write(database, LogState(found.incarnation, found.beat + 1))


def renew_log(database: Database, known: LogState) -> LogState:
    """Give the log a new incarnation: events that it had are lost. Its beat goes on behind the one
    that is ``known``. Returns the new state."""
    beat = max(known.beat, read_log(database).beat) + 1
    return _write(database, LogState(secrets.token_hex(8), beat))


def _write(database: Database, state: LogState) -> LogState:
    database.run("UPDATE log SET incarnation = ?, beat = ?", state)
    return state


def find_lost(database: Database, places: Sequence[EventPlace]) -> set[EventPlace]:
    """Those of ``places`` at which surely another event stands, or none yet. Without an id only the
    second is looked for. An event whose id is
    forgotten (a week after it was removed), or was erased with its sender, is not among them."""
    lost: set[EventPlace] = set()
    for chunk in chunks(sorted(set(places)), columns=3):
        values, parameters = database.values("tit", chunk)
        rows = database.rows(
            f"""
            WITH v(room_id, seq, event_id) AS ({values})
            SELECT v.room_id, v.seq, v.event_id
            FROM v
            LEFT JOIN room ON room.room_id = v.room_id
            LEFT JOIN room_event ON room_event.room_id = v.room_id AND room_event.seq = v.seq
            WHERE room.head_seq IS NULL OR room.head_seq < v.seq
                OR (v.event_id <> '' AND room_event.event_id <> v.event_id AND room_event.sender_id <> ?)
            """,
            (*parameters, ERASED),
        )
        lost.update(EventPlace(*row) for row in rows)
    return lost

"""The senders of a room's new events: the counts of what they said before, and their read
markers."""

from collections.abc import Mapping, Sequence

from chatd.core.notable import is_notable
from chatd.store.database import Database
from chatd.store.statements import chunks

Sender = tuple[str, str]
"""Room and profile."""


def read_senders(
    database: Database, senders: Sequence[Sender]
) -> tuple[dict[Sender, int], dict[Sender, int]]:
    """The notable events of each that are stored already; and where the read markers stand, of
    those that have one."""
    counts: dict[Sender, int] = {}
    markers: dict[Sender, int] = {}
    for chunk in chunks(senders, columns=2):
        values, parameters = database.values("tt", chunk)
        rows = database.rows(f"WITH v(room_id, sender_id) AS ({values}) {SENDERS}", parameters)
        for room_id, sender_id, own, kind, seq in rows:
            if own is not None:
                counts[room_id, sender_id] = own + is_notable(kind)
            if seq is not None:
                markers[room_id, sender_id] = seq
    return counts, markers


SENDERS = """
            SELECT v.room_id, v.sender_id, last.own, last.type, read_marker.seq
            FROM v
            LEFT JOIN room_event last ON last.room_id = v.room_id AND last.seq = (
                SELECT MAX(seq)
                FROM room_event
                WHERE room_event.room_id = v.room_id AND room_event.sender_id = v.sender_id)
            LEFT JOIN read_marker ON read_marker.profile_id = v.sender_id AND read_marker.room_id = v.room_id"""
"""Three look-ups by key for each sender."""


def move_markers(
    database: Database, sent: Sequence[tuple[str, int, str]], markers: Mapping[Sender, int], now_us: int
) -> None:
    """Senders that had read all before their events, (room, seq, sender) in the log's order, have
    read these, too. A marker that another session is setting is left to it: to wait for it here
    would be out of the order of locks. If that one does not move it, it stays until it is set
    again, behind events of the sender's own, which are never unread."""
    moved: dict[Sender, int] = {}
    for room_id, seq, sender_id in sent:
        key = (room_id, sender_id)
        if moved.get(key, markers.get(key)) == seq - 1:
            moved[key] = seq
    hold = " FOR UPDATE OF read_marker SKIP LOCKED" if database.for_update else ""
    for chunk in chunks([(*key, markers[key], seq) for key, seq in moved.items()], columns=4):
        values, parameters = database.values("ttii", chunk)
        database.run(
            f"""
            WITH v(room_id, profile_id, before_seq, seq) AS ({values}),
            free AS (
                SELECT v.room_id, v.profile_id, v.seq
                FROM v
                JOIN read_marker ON read_marker.profile_id = v.profile_id AND read_marker.room_id = v.room_id
                    AND read_marker.seq = v.before_seq{hold})
            UPDATE read_marker
            SET seq = free.seq, read_at_us = ?
            FROM free
            WHERE read_marker.profile_id = free.profile_id AND read_marker.room_id = free.room_id
            """,
            (*parameters, now_us),
        )

"""Finding an event by its time. Times ascend with seqs, save where the clock was stepped: the place
is found by dividing, and the log needs no index for it."""

from chatd.store.database import Database
from chatd.store.statements import placeholders

_PROBES = 32
"""Events looked at in one statement: four of them find a place among a million."""


def first_since(database: Database, room_id: str, first_seq: int, last_seq: int, at_us: int) -> int:
    """The first seq from ``first_seq`` to ``last_seq`` with an event of ``at_us`` or later;
    ``last_seq + 1`` if there is none."""
    low, high = first_seq, last_seq + 1
    while low < high:
        probes = range(low, high, -((low - high) // _PROBES))
        rows = database.rows(
            f"""
            SELECT seq, sent_at_us
            FROM room_event
            WHERE room_id = ? AND seq IN ({placeholders(len(probes))})
            """,
            (room_id, *probes),
        )
        late = [seq for seq, sent_at_us in rows if sent_at_us >= at_us]
        high = min(late, default=high)
        low = max((seq + 1 for seq in probes if seq < high), default=low)
    return high

"""Rows of proposals, and of the profiles that each names: with one that is erased it goes."""

import os
from collections.abc import Iterable

from chatd.core.ids import ERASED
from chatd.store.database import Database
from chatd.store.statements import chunks
from chatd.store.transaction import Transaction

Place = tuple[str, str]
"""Room and proposal."""
_TIME_DIGITS = 14
STEP = 10
"""Proposals that one transaction deletes: each may name 1,000 profiles."""
NAMES = 2_000
"""Rows of what a room's proposals name, after which the transaction ends with that proposal."""


def add_proposal(
    transaction: Transaction, room_id: str, by: str, method: str, request: bytes, named: Iterable[str]
) -> str:
    """Store a proposal that is pending, in the locked room. The result: its id."""
    database = transaction.database
    proposal_id = _next_id(database, room_id, transaction.now_us)
    database.run(
        """
        INSERT INTO room_proposal (room_id, proposal_id, proposed_by, proposed_at_us, method, request)
        VALUES (?, ?, ?, ?, ?, ?)
        """,
        (room_id, proposal_id, by, transaction.now_us, method, request),
    )
    for part in chunks(sorted({by, *named}), columns=3):
        values, parameters = database.values("ttt", [(room_id, proposal_id, one) for one in part])
        database.run(f"INSERT INTO named_in_proposal (room_id, proposal_id, profile_id) {values}", parameters)
    return proposal_id


def _next_id(database: Database, room_id: str, now_us: int) -> str:
    """An id higher than all of the room, also if another has the same time, or one of a node whose
    clock is ahead."""
    ((last,),) = database.rows("SELECT MAX(proposal_id) FROM room_proposal WHERE room_id = ?", (room_id,))
    at_us = max(now_us, int(last[:_TIME_DIGITS], 16) + 1) if last else now_us
    return f"{at_us:0{_TIME_DIGITS}x}{os.urandom(6).hex()}"


def delete_oldest_decided(database: Database, room_id: str, most: int) -> None:
    """Leave ``most`` decided proposals of the locked room, or more if there are many to delete (0:
    all)."""
    if not most:
        return
    ((decided,),) = database.rows(
        "SELECT COUNT(*) FROM room_proposal WHERE room_id = ? AND decided_at_us > 0", (room_id,)
    )
    if decided > most:
        rows = database.rows(_OLDEST_DECIDED, (room_id, min(decided - most, STEP)))
        delete_proposals(database, [(room_id, proposal_id) for (proposal_id,) in rows])


_OLDEST_DECIDED = """
    SELECT proposal_id
    FROM room_proposal
    WHERE room_id = ? AND decided_at_us > 0
    ORDER BY decided_at_us, proposal_id
    LIMIT ?
"""


def delete_proposals(database: Database, places: Iterable[Place]) -> None:
    """Delete proposals of locked rooms."""
    for place in places:
        for table in ("room_proposal", "named_in_proposal"):
            database.run(f"DELETE FROM {table} WHERE room_id = ? AND proposal_id = ?", place)


def delete_names(database: Database, room_id: str) -> bool:
    """Delete what a deleted room's proposals have named; True if there is more of it."""
    among = "room_id = ?"
    parameters: tuple[str, ...] = (room_id,)
    next_step = database.rows(
        """
        SELECT proposal_id
        FROM named_in_proposal
        WHERE room_id = ?
        ORDER BY proposal_id
        LIMIT 1 OFFSET ?
        """,
        (room_id, NAMES),
    )
    if next_step:
        among, parameters = "room_id = ? AND proposal_id <= ?", (room_id, next_step[0][0])
    database.run(f"DELETE FROM named_in_proposal WHERE {among}", parameters)
    return bool(next_step)


NAMING = """
    SELECT room_id, proposal_id
    FROM named_in_proposal
    WHERE profile_id = ?
    ORDER BY room_id, proposal_id
    LIMIT ?
"""
DECIDED_BY = """
    SELECT room_id, proposal_id
    FROM room_proposal
    WHERE decided_by = ? AND decided_by <> ''
    ORDER BY room_id, proposal_id
    LIMIT ?
"""


def find_proposal_rooms(database: Database, profile_id: str, limit: int) -> tuple[str, ...]:
    """Rooms of proposals that name a profile or that it has decided, as many as one step of its
    erasure changes, and ``limit`` at most."""
    most = min(limit, STEP)
    places = [place for sql in (NAMING, DECIDED_BY) for place in database.rows(sql, (profile_id, most))]
    return tuple(dict.fromkeys(room_id for room_id, _ in places))


def erase_from_proposals(database: Database, profile_id: str, rooms: Iterable[str]) -> None:
    """One step: delete proposals of these rooms, which are locked, that name a profile, and take it
    out of decisions."""
    locked = set(rooms)

    def found(sql: str) -> list[Place]:
        rows = database.rows(sql, (profile_id, STEP))
        return [(room_id, proposal_id) for room_id, proposal_id in rows if room_id in locked]

    delete_proposals(database, found(NAMING))
    for place in found(DECIDED_BY):
        database.run(
            "UPDATE room_proposal SET decided_by = ? WHERE room_id = ? AND proposal_id = ?", (ERASED, *place)
        )

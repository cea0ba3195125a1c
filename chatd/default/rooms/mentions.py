"""Mentions of members in events that count as unread: rows beside the log, as long as their events
are kept. ``unread.py`` counts them behind the read markers."""

from collections.abc import Sequence
from typing import NamedTuple

from chatd.store.database import Database
from chatd.store.statements import chunks

EVERYBODY = ""
"""In place of a profile: all who are members then."""


class Mention(NamedTuple):
    """An event mentions a profile that is a member, and not its sender."""

    profile_id: str
    room_id: str
    seq: int
    sender_id: str


def record_mentions(database: Database, mentions: Sequence[Mention]) -> None:
    """Those of events that are stored in this transaction."""
    for chunk in chunks(mentions, columns=4):
        values, parameters = database.values("ttit", chunk)
        database.run(f"INSERT INTO mention (profile_id, room_id, seq, sender_id) {values}", parameters)


def forget_mentions(database: Database, room_id: str, first_seq: int, last_seq: int) -> None:
    """These events of a room are removed."""
    database.run(
        "DELETE FROM mention WHERE room_id = ? AND seq >= ? AND seq <= ?", (room_id, first_seq, last_seq)
    )

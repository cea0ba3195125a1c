"""Read markers: a row for each profile and room, which only moves forward. The unread count is a
subtraction (``rooms/unread.py``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chatd.default.notifications.queue import withdraw
from chatd.default.receipts.model import ReadMarker, UnreadRoom
from chatd.default.rooms.access import Place, Standing, find_standings, not_a_member
from chatd.default.rooms.unread import COUNT, MEMBERSHIPS, MENTIONS, Counts, read_unread
from chatd.errors import ChatdError
from chatd.store.command import Command, Locks, Query
from chatd.store.database import Database
from chatd.store.statements import placeholders
from chatd.store.transaction import Transaction

_Marker = tuple[int, int]
"""Seq and time of reading."""
_UNREAD_MARKER: _Marker = (0, 0)


@dataclass(frozen=True, slots=True)
class SetReadMarker(Command[ReadMarker]):
    """Record how far a profile has read. Refused with NotAMember unless it is or was a member."""

    profile_id: str
    room_id: str
    seq: int
    device_id: str

    @property
    def place(self) -> Place:
        return (self.profile_id, self.room_id)

    def locks(self) -> Locks:
        return Locks(notifications=True)

    def owner(self) -> str:
        return self.profile_id

    @classmethod
    def apply(
        cls, transaction: Transaction, commands: Sequence[SetReadMarker]
    ) -> list[ReadMarker | ChatdError]:
        """All of a batch in six statements, as long as no notification is withdrawn."""
        database = transaction.database
        places = sorted({command.place for command in commands})
        standings = find_standings(database, places)
        before = _read_markers(database, places)
        moving = _moving(commands, standings, before)
        if moving:
            _move(transaction, moving)
        after = _read_markers(database, places) if moving else before
        unread = read_unread(database, places)
        return [_result(command, standings, before, after, unread) for command in commands]


def _moving(
    commands: Sequence[SetReadMarker], standings: dict[Place, Standing], before: dict[Place, _Marker]
) -> dict[Place, tuple[int, str]]:
    """Markers that move: to which seq, and the device that read."""
    wanted: dict[Place, tuple[int, str]] = {}
    for command in commands:
        standing = standings.get(command.place)
        if standing is not None:
            seq = min(command.seq, standing.last_seq)
            if seq > wanted.get(command.place, (0, ""))[0]:
                wanted[command.place] = (seq, command.device_id)
    return {place: new for place, new in wanted.items() if new[0] > before.get(place, _UNREAD_MARKER)[0]}


def _move(transaction: Transaction, moving: dict[Place, tuple[int, str]]) -> None:
    values, parameters = transaction.database.values(
        "ttiit",
        [(*place, seq, transaction.now_us, device_id) for place, (seq, device_id) in sorted(moving.items())],
    )
    transaction.database.run(
        f"""
        INSERT INTO read_marker (profile_id, room_id, seq, read_at_us, device_id)
        {values}
        ON CONFLICT (profile_id, room_id)
        DO UPDATE SET seq = excluded.seq, read_at_us = excluded.read_at_us, device_id = excluded.device_id
        WHERE read_marker.seq < excluded.seq
        """,
        parameters,
    )
    withdraw(transaction, [(*place, seq, device_id) for place, (seq, device_id) in sorted(moving.items())])


def _result(
    command: SetReadMarker,
    standings: dict[Place, Standing],
    before: dict[Place, _Marker],
    after: dict[Place, _Marker],
    unread: dict[Place, Counts],
) -> ReadMarker | ChatdError:
    standing = standings.get(command.place)
    if standing is None:
        return not_a_member(*command.place)
    seq, read_at_us = after.get(command.place, _UNREAD_MARKER)
    moved = seq > before.get(command.place, _UNREAD_MARKER)[0]
    counts = unread.get(command.place, Counts())
    return ReadMarker(*command.place, seq, read_at_us, moved, *counts)


def _read_markers(database: Database, places: Sequence[Place]) -> dict[Place, _Marker]:
    values, parameters = database.values("tt", places)
    rows = database.rows(
        f"""
        WITH v(profile_id, room_id) AS ({values})
        SELECT read_marker.profile_id, read_marker.room_id, read_marker.seq, read_marker.read_at_us
        FROM v
        JOIN read_marker ON read_marker.profile_id = v.profile_id AND read_marker.room_id = v.room_id
        """,
        parameters,
    )
    return {(profile_id, room_id): (seq, read_at_us) for profile_id, room_id, seq, read_at_us in rows}


UNREAD = f"""
            SELECT subscription.room_id, COALESCE(read_marker.seq, 0), COALESCE(read_marker.read_at_us, 0),
                room.head_seq, {COUNT}, room.name, {MENTIONS}
            FROM subscription{MEMBERSHIPS}
            WHERE subscription.profile_id = ? AND subscription.left_seq IS NULL AND subscription.room_id > ?"""
"""A few look-ups by key for each room."""


@dataclass(frozen=True, slots=True)
class ListUnread(Query[tuple[tuple[UnreadRoom, ...], bool]]):
    """The profile's rooms (or those of them that are named), by id; and whether there are more."""

    profile_id: str
    room_ids: tuple[str, ...]
    after_room_id: str
    limit: int

    def answer(self, database: Database) -> tuple[tuple[UnreadRoom, ...], bool]:
        named = f"AND subscription.room_id IN ({placeholders(len(self.room_ids))})" if self.room_ids else ""
        rows = database.rows(
            f"""{UNREAD} {named}
            ORDER BY subscription.room_id
            LIMIT ?
            """,
            (self.profile_id, self.after_room_id, *self.room_ids, self.limit + 1),
        )
        return tuple(UnreadRoom(*row) for row in rows[: self.limit]), len(rows) > self.limit

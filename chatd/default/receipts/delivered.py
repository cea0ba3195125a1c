"""Stretches of rooms' logs that devices have acknowledged, without what they refused, could not
take or found removed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chatd.core.model import Members
from chatd.default.rooms.members import FindMembers
from chatd.default.rooms.participation import takes_part_sql
from chatd.store.command import Query
from chatd.store.database import Database
from chatd.store.room_log import MembersCache

MAX_EXCEPTIONS = 3
"""The newest of one device and room: what lies before older ones was told when it was
acknowledged."""

_Place = tuple[str, str, str]
"""Profile, device and room."""


class Stretch(NamedTuple):
    """Events ``first_seq`` to ``last_seq``, both included: each is delivered to the device."""

    profile_id: str
    device_id: str
    room_id: str
    first_seq: int
    last_seq: int


@dataclass(frozen=True, slots=True)
class FindDelivered(Query[tuple[dict[str, Members], tuple[Stretch, ...]]]):
    """The members of rooms that are not larger than ``limit``, and what has been delivered there to
    those that take part. ``acked``: profile, device, room and the seq up to which the device has
    acknowledged, or that of a replay."""

    cache: MembersCache
    acked: tuple[tuple[str, str, str, int], ...]
    limit: int

    def answer(self, database: Database) -> tuple[dict[str, Members], tuple[Stretch, ...]]:
        room_ids = tuple(sorted({room_id for _, _, room_id, _ in self.acked}))
        members = FindMembers(self.cache, room_ids, "", self.limit).answer(database)
        acked = [one for one in self.acked if one[2] in members]
        if not acked:
            return members, ()
        values, parameters = database.values("ttti", acked)
        rows = database.rows(
            f"WITH v(profile_id, device_id, room_id, seq) AS ({values}) {BOUNDS}", parameters
        )
        stretches: list[Stretch] = []
        for profile_id, device_id, room_id, seq, start_seq, excepted in rows:
            place = (profile_id, device_id, room_id)
            # An entry that has ended is gone: of its last event alone it is certain that it was
            # owed.
            after = seq - 1 if start_seq is None else start_seq
            exceptions = _exceptions(database, place, seq) if excepted else []
            stretches += [Stretch(*place, first, last) for first, last in _without(after, seq, exceptions)]
        return members, tuple(stretches)


BOUNDS = f"""
            SELECT v.profile_id, v.device_id, v.room_id, v.seq, (
                    SELECT MAX(outbox.start_seq)
                    FROM outbox
                    WHERE outbox.profile_id = v.profile_id AND outbox.device_id = v.device_id
                        AND outbox.room_id = v.room_id
                        AND outbox.start_seq < v.seq),
                CASE WHEN EXISTS (
                    SELECT 1
                    FROM dead_letter
                    WHERE dead_letter.profile_id = v.profile_id AND dead_letter.device_id = v.device_id
                        AND dead_letter.room_id = v.room_id AND dead_letter.seq <= v.seq)
                    OR EXISTS (
                    SELECT 1
                    FROM delivery_gap
                    WHERE delivery_gap.profile_id = v.profile_id AND delivery_gap.device_id = v.device_id
                        AND delivery_gap.room_id = v.room_id AND delivery_gap.first_seq <= v.seq)
                    THEN 1 ELSE 0 END
            FROM v
            JOIN subscription ON subscription.room_id = v.room_id AND subscription.profile_id = v.profile_id
                AND subscription.left_seq IS NULL
            WHERE {takes_part_sql("subscription")}"""
"""The last seq before what a device is owed, and whether it missed anything: a few look-ups by
key."""


def _exceptions(database: Database, place: _Place, seq: int) -> list[tuple[int, int]]:
    """First and last seqs that were not delivered, the newest first."""
    rows: list[tuple[int, int]] = []
    for table, first, last, more in (
        ("dead_letter", "seq", "seq", " AND state <> 'delivered'"),
        ("delivery_gap", "first_seq", "last_seq", ""),
    ):
        rows += database.rows(
            f"""
            SELECT {first}, {last}
            FROM {table}
            WHERE profile_id = ? AND device_id = ? AND room_id = ? AND {first} <= ?{more}
            ORDER BY {first} DESC
            LIMIT {MAX_EXCEPTIONS}
            """,
            (*place, seq),
        )
    return sorted(rows, reverse=True)[:MAX_EXCEPTIONS]


def _without(after: int, seq: int, exceptions: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The stretches behind ``after`` up to ``seq`` that hold no exception, the newest first."""
    stretches = []
    for first, last in exceptions:
        stretches.append((max(last, after) + 1, seq))
        seq = min(seq, first - 1)
    if len(exceptions) < MAX_EXCEPTIONS:
        stretches.append((after + 1, seq))
    return [(first, last) for first, last in stretches if first <= last]

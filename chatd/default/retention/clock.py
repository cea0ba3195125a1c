"""The last time that was believed, kept for the next start: a node that starts with a wrong clock
has nothing else to compare it with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chatd.store.command import NO_LOCKS, Command, Locks, Query
from chatd.store.database import Database
from chatd.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class RecordTime(Command[None]):
    """``now_us`` is believed."""

    now_us: int

    def locks(self) -> Locks:
        return NO_LOCKS

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[RecordTime]) -> list[None]:
        transaction.database.run(
            """
            INSERT INTO known_time (id, at_us)
            VALUES (1, ?)
            ON CONFLICT (id) DO UPDATE SET at_us = excluded.at_us
            """,
            (commands[-1].now_us,),
        )
        return [None] * len(commands)


@dataclass(frozen=True, slots=True)
class GetKnownTime(Query[int]):
    """Microseconds since the Unix epoch; 0: none is known."""

    def answer(self, database: Database) -> int:
        rows = database.rows("SELECT at_us FROM known_time")
        return int(rows[0][0]) if rows else 0

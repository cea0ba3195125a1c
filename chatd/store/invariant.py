"""Invariants: what is true of each row of a table, as SQL. A check walks through all tables by
their keys, so that no statement takes long and none keeps many rows in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chatd.store.database import Database
from chatd.store.statements import placeholders
from chatd.store.tables import Table, read_tables

PAGE = 1_000
"""Rows that one statement looks at. So few cost less than PostgreSQL takes to compile a statement
for (``jit_above_cost``): that would take longer than the statement."""


@dataclass(frozen=True, slots=True)
class Invariant:
    """``broken`` is a condition on a row of ``table``: true for one that must not be. ``means`` is
    the same for people."""

    name: str
    table: str
    broken: str
    means: str


class Finding(NamedTuple):
    """``rows`` break an invariant; ``example`` is the key of the first one."""

    name: str
    means: str
    rows: int
    example: str


def check(
    database: Database, invariants: Sequence[Invariant], progress: Callable[[str, int, int], None]
) -> list[Finding]:
    """Look at all rows for which there are invariants, on this thread's connection. Each statement
    sees one state of the database; between two of them others may write. ``progress`` is told of
    rows. Raises StoreFailed, Unavailable."""
    tables = {table.name: table for table in read_tables(database)}
    wanted = [tables[name] for name in dict.fromkeys(one.table for one in invariants)]
    total = sum(_estimate(database, table) for table in wanted)
    found, done = [], 0
    for table in wanted:
        walk = _Walk(database, table, [one for one in invariants if one.table == table.name])
        while walk.step():
            progress("check", done + walk.rows, total)
        done += walk.rows
        found += walk.findings()
    progress("check", done, done)
    return found


def _estimate(database: Database, table: Table) -> int:
    """Its number of rows; PostgreSQL knows it nearly, unless it has never looked at the table."""
    if database.engine == "postgres":
        rows = database.rows(
            "SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(?)", (table.name,)
        )
        if (known := int(rows[0][0])) >= 0:
            return known
    return int(database.rows(f"SELECT COUNT(*) FROM {table.name}")[0][0])


class _Walk:
    """A table, a page at a time. A page is a part of its own statement, with the number of its rows
    in view: PostgreSQL guesses too many for a range of keys, and would then read whole tables for
    each page."""

    def __init__(self, database: Database, table: Table, invariants: Sequence[Invariant]) -> None:
        self._database = database
        self._table = table
        self._invariants = invariants
        self._key = ", ".join(table.key)
        self._after: tuple[object, ...] = ()
        self._is_done = False
        self.rows = 0
        self._counts = [0] * len(invariants)
        self._examples = [""] * len(invariants)

    def step(self) -> bool:
        """Look at the next page; False behind the last one."""
        if self._is_done:
            return False
        backwards = ", ".join(f"{name} DESC" for name in self._table.key)
        last = ", ".join(
            f"(SELECT {name} FROM page ORDER BY {backwards} LIMIT 1)" for name in self._table.key
        )
        sums = ", ".join(f"SUM(CASE WHEN {one.broken} THEN 1 ELSE 0 END)" for one in self._invariants)
        ((rows, *found),) = self._database.rows(
            f"{self._page} SELECT COUNT(*), {sums}, {last} FROM page AS {self._table.name}", self._after
        )
        for number, one in enumerate(self._invariants):
            if found[number] and not self._examples[number]:
                self._examples[number] = self._example(one.broken)
            self._counts[number] += int(found[number] or 0)
        self.rows += rows
        self._is_done = rows < PAGE
        self._after = tuple(found[len(self._invariants) :])
        return True

    @property
    def _page(self) -> str:
        behind = f"WHERE ({self._key}) > ({placeholders(len(self._after))})" if self._after else ""
        return f"""
            WITH page AS MATERIALIZED (
                SELECT *
                FROM {self._table.name}
                {behind}
                ORDER BY {self._key}
                LIMIT {PAGE})"""

    def _example(self, broken: str) -> str:
        rows = self._database.rows(
            f"""
            {self._page}
            SELECT {self._key}
            FROM page AS {self._table.name}
            WHERE {broken}
            ORDER BY {self._key}
            LIMIT 1
            """,
            self._after,
        )
        values = rows[0] if rows else ["(mended meanwhile)"] * len(self._table.key)
        return ", ".join(f"{name} {value}" for name, value in zip(self._table.key, values, strict=True))

    def findings(self) -> list[Finding]:
        return [
            Finding(one.name, one.means, count, example)
            for one, count, example in zip(self._invariants, self._counts, self._examples, strict=True)
            if count
        ]

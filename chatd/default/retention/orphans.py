"""Orphans: rows that are kept for a device or profile that is gone. No command leaves any, but a
database outlives its programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from chatd.store.command import Command, Locks, Query
from chatd.store.database import Database
from chatd.store.invariant import Invariant
from chatd.store.transaction import Transaction

Owner = tuple[str, str]
"""Profile and device; for tables of profiles alone, profile and room."""

_DEVICE = "device.device_id = {table}.device_id AND device.profile_id = {table}.profile_id"
_PUSH = "push.device_id = {table}.device_id AND push.profile_id = {table}.profile_id"
_PROFILE = "profile.profile_id = {table}.profile_id"

_TABLES = {
    "outbox": ("device_id", "device", _DEVICE),
    "delivery_attempt": ("device_id", "device", _DEVICE),
    "dead_letter": ("device_id", "device", _DEVICE),
    "delivery_gap": ("device_id", "device", _DEVICE),
    "connection": ("device_id", "device", _DEVICE),
    # A device is registered for notifications before it connects, too.
    "push": ("device_id", "profile", _PROFILE),
    "notification": ("device_id", "push", _PUSH),
    "room_notification": ("room_id", "profile", _PROFILE),
    "read_marker": ("room_id", "profile", _PROFILE),
}
"""Table → the second column of its key, the table that its rows depend on, and the condition."""

TABLES = tuple(_TABLES)


def _is_orphan_sql(table: str, name: str = "") -> str:
    """A condition on the table's rows, by another ``name`` if there is one."""
    _, parent, condition = _TABLES[table]
    return f"""NOT EXISTS (
                SELECT 1
                FROM {parent}
                WHERE {condition.format(table=name or table)})"""


INVARIANTS = tuple(
    Invariant(
        f"{table}.orphan", table, _is_orphan_sql(table), f"a row of {table} is of a {parent} that is gone"
    )
    for table, (_, parent, _) in _TABLES.items()
)
"""The same for a check of the whole database."""


@dataclass(frozen=True, slots=True)
class CountOrphans(Query[dict[str, int]]):
    """Table → orphans; tables without any are left out. It reads all of them: for checks, not for
    every day."""

    def answer(self, database: Database) -> dict[str, int]:
        counts = {
            table: database.rows(f"SELECT COUNT(*) FROM {table} WHERE {_is_orphan_sql(table)}")[0][0]
            for table in TABLES
        }
        return {table: count for table, count in counts.items() if count}


@dataclass(frozen=True, slots=True)
class FindOrphans(Query[tuple[tuple[Owner, ...], Owner]]):
    """The owners of orphans among the next ``limit`` rows of a table behind ``after``; and where to
    go on, ("", ""): at its start."""

    table: str
    after: Owner
    limit: int

    def answer(self, database: Database) -> tuple[tuple[Owner, ...], Owner]:
        second = _TABLES[self.table][0]
        rows = database.rows(
            f"""
            SELECT profile_id, {second}, CASE WHEN {_is_orphan_sql(self.table, "page")} THEN 1 ELSE 0 END
            FROM (
                SELECT profile_id, {second}
                FROM {self.table}
                WHERE (profile_id, {second}) > (?, ?)
                ORDER BY profile_id, {second}
                LIMIT ?
            ) page
            ORDER BY profile_id, {second}
            """,
            (*self.after, self.limit),
        )
        owners = dict.fromkeys((profile_id, other) for profile_id, other, orphan in rows if orphan)
        return tuple(owners), (rows[-1][0], rows[-1][1]) if len(rows) == self.limit else ("", "")


@dataclass(frozen=True, slots=True)
class DeleteOrphans(Command[int]):
    """Delete a table's rows of ``owners`` that are orphans still. The result: how many."""

    table: str
    owners: tuple[Owner, ...]

    def locks(self) -> Locks:
        if _TABLES[self.table][1] == "device":
            entries = (
                [(profile_id, device_id, "") for profile_id, device_id in self.owners]
                if self.table == "outbox"
                else ()
            )
            return Locks(
                profiles=[profile_id for profile_id, _ in self.owners], notifications=True, entries=entries
            )
        return Locks(notifications=True)

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[DeleteOrphans]) -> list[int]:
        return [
            sum(_delete(transaction, command.table, owner) for owner in sorted(command.owners))
            for command in commands
        ]


def _delete(transaction: Transaction, table: str, owner: Owner) -> int:
    second, parent, _ = _TABLES[table]
    rows = transaction.database.rows(
        f"""
        DELETE FROM {table}
        WHERE profile_id = ? AND {second} = ? AND {_is_orphan_sql(table)}
        RETURNING profile_id
        """,
        owner,
    )
    if parent == "device":
        transaction.at_end(partial(delete_unused_profile, transaction, owner[0]))
    return len(rows)


def delete_unused_profile(transaction: Transaction, profile_id: str) -> None:
    """Delete a profile that the transaction has locked, and so made if it was gone, unless it is
    there for something."""
    transaction.database.run(
        """
        DELETE FROM profile
        WHERE profile_id = ?
            AND NOT EXISTS (SELECT 1 FROM device WHERE device.profile_id = profile.profile_id)
            AND NOT EXISTS (SELECT 1 FROM subscription WHERE subscription.profile_id = profile.profile_id)
            AND NOT EXISTS (SELECT 1 FROM push WHERE push.profile_id = profile.profile_id)
            AND NOT EXISTS (SELECT 1 FROM block WHERE block.profile_id = profile.profile_id)
            AND NOT EXISTS (SELECT 1 FROM invitation WHERE invitation.profile_id = profile.profile_id)
        """,
        (profile_id,),
    )

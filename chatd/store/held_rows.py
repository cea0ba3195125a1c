"""Rows that another session holds, found without waiting for any of them (PostgreSQL).

A row that is there and is skipped by FOR UPDATE SKIP LOCKED is held. Rows that are not held are
locked on the way, sorted.
"""

from dataclasses import dataclass

from chatd.store.command import Locks
from chatd.store.database import Database
from chatd.store.database_errors import LockHeld
from chatd.store.statements import chunks, placeholders

Entry = tuple[str, str, str]
"""An outbox entry: profile, device, room."""

_MAX_WAITS = 3
"""Profiles that are waited for, SHORT_LOCK_MS each, because another session is making them."""


@dataclass(frozen=True, slots=True)
class HeldRows:
    """Names of rows, by kind."""

    rooms: frozenset[str] = frozenset()
    profiles: frozenset[str] = frozenset()
    entries: frozenset[Entry] = frozenset()
    notifications: bool = False

    def __bool__(self) -> bool:
        return bool(self.rooms or self.profiles or self.entries or self.notifications)

    def stop(self, locks: Locks) -> bool:
        """True if a command with these locks has to wait."""
        return (
            (self.notifications and locks.notifications)
            or (not locks.partial and not self.rooms.isdisjoint(locks.rooms))
            or not self.profiles.isdisjoint(locks.profiles)
            or (bool(self.entries) and any(self._has(entry) for entry in locks.entries))
        )

    def _has(self, entry: Entry) -> bool:
        """True if the entry is held, or one of those that its empty parts stand for."""
        if all(entry):
            return entry in self.entries
        return any(
            all(part in ("", known) for part, known in zip(entry, held, strict=True)) for held in self.entries
        )


def find_held_rooms(database: Database, missing: set[str]) -> set[str]:
    """Those of the rooms that could not be locked which are there."""
    held: set[str] = set()
    for chunk in chunks(sorted(missing), columns=1):
        held.update(
            row[0]
            for row in database.rows(
                f"SELECT room_id FROM room WHERE room_id IN ({placeholders(len(chunk))})", chunk
            )
        )
    return held


def find_held_profiles(database: Database, profile_ids: set[str]) -> set[str]:
    """Lock profiles, making those that are missing; the ones that cannot be had."""
    unlocked = set(profile_ids)
    for chunk in chunks(sorted(profile_ids), columns=1):
        rows = database.rows(
            f"""
            SELECT profile_id
            FROM profile
            WHERE profile_id IN ({placeholders(len(chunk))})
            ORDER BY profile_id FOR UPDATE SKIP LOCKED
            """,
            chunk,
        )
        unlocked.difference_update(row[0] for row in rows)
    held: set[str] = set()
    for chunk in chunks(sorted(unlocked), columns=1):
        rows = database.rows(
            f"SELECT profile_id FROM profile WHERE profile_id IN ({placeholders(len(chunk))})", chunk
        )
        held.update(row[0] for row in rows)
    waits = 0
    for profile_id in sorted(unlocked - held):
        # One that another session is making cannot be seen: its name can only be waited for.
        if waits >= _MAX_WAITS or not _make(database, profile_id):
            waits += 1
            held.add(profile_id)
    return held


def _make(database: Database, profile_id: str) -> bool:
    """Make a profile and lock it; False when another session is at it, or has just deleted it."""
    database.run("SAVEPOINT making")
    try:
        database.run(
            "INSERT INTO profile (profile_id) VALUES (?) ON CONFLICT (profile_id) DO NOTHING", (profile_id,)
        )
        locked = database.rows("SELECT 1 FROM profile WHERE profile_id = ? FOR UPDATE", (profile_id,))
    except LockHeld:
        database.run("ROLLBACK TO SAVEPOINT making")
        return False
    database.run("RELEASE SAVEPOINT making")
    return bool(locked)


def find_held_entries(database: Database, entries: set[Entry]) -> set[Entry]:
    """Lock outbox entries; the ones that cannot be had."""
    held: set[Entry] = set()
    for chunk in chunks(sorted(entries), columns=3):
        values, parameters = database.values("ttt", chunk)
        ranges = f"""
            WITH v(profile_id, device_id, room_id) AS ({values})
            SELECT outbox.profile_id, outbox.device_id, outbox.room_id, outbox.start_seq
            FROM outbox
            JOIN v ON v.profile_id = outbox.profile_id AND v.device_id = outbox.device_id AND v.room_id = outbox.room_id
            """
        order = "ORDER BY outbox.profile_id, outbox.device_id, outbox.room_id, outbox.start_seq"
        locked = set(database.rows(f"{ranges}{order} FOR UPDATE OF outbox SKIP LOCKED", parameters))
        held.update(row[:3] for row in database.rows(ranges, parameters) if row not in locked)
    return held

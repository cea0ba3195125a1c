"""Transaction: all that the commands of one transaction share. It takes their locks, in one order
for all nodes."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import peewee

from chatd.store.command import Locks
from chatd.store.database import Database
from chatd.store.held_rows import Entry, HeldRows, find_held_entries, find_held_profiles, find_held_rooms
from chatd.store.room_log import MembersCache, RoomLog
from chatd.store.statements import chunks, placeholders

_NOTIFICATIONS_LOCK = 0x70757368  # "push"


class Transaction:
    """``now_us`` is the time of everything committed in it, in microseconds since the Unix
    epoch."""

    def __init__(self, database: Database, cache: MembersCache, now_us: int) -> None:
        self.database = database
        self.now_us = now_us
        self.log = RoomLog(database, cache, now_us)
        self.held = HeldRows()
        """Rows that another session holds, after ``lock_free``; commands that need one of them are
        not applied."""
        self._profiles: set[str] = set()
        self._notifications = False
        self._last: list[Callable[[], None]] = []

    def lock(self, locks: Iterable[Locks]) -> None:
        """Take all locks of the transaction's commands, before the first is applied. Raises
        LockHeld."""
        wanted = list(locks)
        self.log.lock({room_id for one in wanted for room_id in one.rooms})
        self._lock_profiles({profile_id for one in wanted for profile_id in one.profiles})
        if any(one.notifications for one in wanted):
            self._lock_notifications()
        self._lock_entries({entry for one in wanted for entry in one.entries})

    def lock_free(self, locks: Iterable[Locks]) -> HeldRows:
        """Take those that no other session holds, waiting for none (PostgreSQL); ``held`` has the
        rest."""
        wanted = list(locks)
        rooms = {room_id for one in wanted for room_id in one.rooms}
        self.log.lock(rooms, skip_held=True)
        profiles = {profile_id for one in wanted for profile_id in one.profiles}
        held_profiles = find_held_profiles(self.database, profiles)
        self._profiles = profiles - held_profiles
        self.held = HeldRows(
            frozenset(
                find_held_rooms(
                    self.database, {room_id for room_id in rooms if self.log.find(room_id) is None}
                )
            ),
            frozenset(held_profiles),
            frozenset(
                find_held_entries(
                    self.database, self._expanded({entry for one in wanted for entry in one.entries})
                )
            ),
            any(one.notifications for one in wanted) and not self._try_notifications(),
        )
        return self.held

    @contextmanager
    def trial(self, locks: Locks) -> Iterator[None]:
        """Undo all that a command with these locks does within."""
        self.log.flush()
        log = self.log
        self.log = log.trial(locks.rooms)
        self.database.run("SAVEPOINT trial")
        try:
            yield
        finally:
            self.log = log
        self.database.run("ROLLBACK TO SAVEPOINT trial")
        self.database.run("RELEASE SAVEPOINT trial")

    def at_end(self, act: Callable[[], None]) -> None:
        """Do this when all commands have been applied: what others of them may still need goes
        only then."""
        self._last.append(act)

    def end(self) -> None:
        """All commands have been applied."""
        for act in self._last:
            act()

    def _lock_profiles(self, profile_ids: set[str]) -> None:
        """Make sure that the profiles exist, and hold them. Raises OperationalError if one of them
        is gone again: the commands are to be tried anew, as after a deadlock."""
        self._profiles = profile_ids
        parts = list(chunks(sorted(profile_ids), columns=1))
        for part in parts:
            values, parameters = self.database.values("t", [(profile_id,) for profile_id in part])
            self.database.run(
                f"""
                INSERT INTO profile (profile_id)
                {values}
                ON CONFLICT (profile_id) DO NOTHING
                """,
                parameters,
            )
        if not self.database.for_update:
            return
        # After all are made: to make one may mean to wait for another session that has made it and
        # waits for those that are locked here.
        for part in parts:
            rows = self.database.rows(
                f"""
                SELECT 1
                FROM profile
                WHERE profile_id IN ({placeholders(len(part))})
                ORDER BY profile_id FOR UPDATE
                """,
                part,
            )
            if len(rows) < len(part):
                # To make it anew here would be out of order: those behind it are locked already.
                raise peewee.OperationalError("another session has deleted a profile that was waited for")

    def _lock_entries(self, entries: set[Entry]) -> None:
        """Hold outbox entries; SQLite's writer is alone anyway."""
        if not self.database.for_update:
            return
        for chunk in chunks(sorted(self._expanded(entries)), columns=3):
            values, parameters = self.database.values("ttt", chunk)
            self.database.rows(
                f"""
                WITH v(profile_id, device_id, room_id) AS ({values})
                SELECT 1
                FROM outbox
                JOIN v ON v.profile_id = outbox.profile_id AND v.device_id = outbox.device_id
                    AND v.room_id = outbox.room_id
                ORDER BY outbox.profile_id, outbox.device_id, outbox.room_id, outbox.start_seq
                FOR UPDATE OF outbox
                """,
                parameters,
            )

    def _expanded(self, entries: set[Entry]) -> set[Entry]:
        """The entries with all that the patterns among them stand for."""
        patterns = {entry for entry in entries if not all(entry)}
        return (entries - patterns).union(*(self._matching(pattern) for pattern in sorted(patterns)))

    def _matching(self, pattern: tuple[str, str, str]) -> list[tuple[str, str, str]]:
        """The entries that there are of a profile, a device or a room."""
        given = {
            column: value
            for column, value in zip(("profile_id", "device_id", "room_id"), pattern, strict=True)
            if value
        }
        rows = self.database.rows(
            f"""
            SELECT DISTINCT profile_id, device_id, room_id
            FROM outbox
            WHERE {" AND ".join(f"{column} = ?" for column in given)}
            """,
            tuple(given.values()),
        )
        return [(profile_id, device_id, room_id) for profile_id, device_id, room_id in rows]

    def _lock_notifications(self) -> None:
        """Hold the queue of notifications as a whole: its rows are changed by room, by device and
        by profile, in no common order, and by each node about once a second."""
        self._notifications = True
        if self.database.for_update:
            self.database.rows("SELECT pg_advisory_xact_lock(?)", (_NOTIFICATIONS_LOCK,))

    def _try_notifications(self) -> bool:
        self._notifications = self.database.rows(
            "SELECT pg_try_advisory_xact_lock(?)", (_NOTIFICATIONS_LOCK,)
        ) == [(True,)]
        return self._notifications

    def must_hold(self, *, profile_id: str = "", notifications: bool = False) -> None:
        """Called by code that relies on a lock. Raises AssertionError when the command's
        ``locks()`` did not name it."""
        assert not profile_id or profile_id in self._profiles, "the command's locks() do not name the profile"
        assert not notifications or self._notifications, "the command's locks() do not name the notifications"

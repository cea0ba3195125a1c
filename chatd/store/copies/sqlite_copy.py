"""One SQLite file copied to another while others write, and a copy looked through."""

import hashlib
import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from chatd.errors import StartFailed, os_error

Progress = Callable[[str, int, int], None]
"""Told of the step's name, and how much of it is done, of how much."""

SQLITE_HEADER = b"SQLite format 3\0"
"""The beginning of each database file."""
LOGS = ("-wal", "-shm", "-journal")
"""Files that SQLite has beside a database, and would bring into any database of that name."""
STEP_PAGES = 256
"""Pages (4 KiB) copied at once."""
SYNC_BYTES = 8 * 1_048_576
"""So much is given to the disk at a time: a gigabyte at once would hold up the commits of those who
serve."""
_BLOCK = 1_048_576
_WAIT_SECONDS = 0.2
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_ERROR)


def copy_database(file: Path, target: Path, progress: Progress) -> None:
    """Copy the database as it is now to the file ``target``, which exists and is empty. The copy
    holds a snapshot of its own: whoever writes goes on, and SQLite's log grows meanwhile. Raises
    StartFailed."""
    try:
        source = sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True, isolation_level=None)
        copy = sqlite3.connect(target, isolation_level=None)
        handle = os.open(target, os.O_RDWR | os.O_CLOEXEC)
    except (sqlite3.Error, OSError) as exc:
        raise StartFailed(f"{file} cannot be copied: {exc}") from exc
    try:
        _copy(source, copy, handle, progress)
    except (sqlite3.Error, OSError) as exc:
        raise StartFailed(f"{file} cannot be copied: {exc}{_why(exc)}") from exc
    finally:
        copy.close()
        source.close()
        os.close(handle)


def _copy(source: sqlite3.Connection, copy: sqlite3.Connection, handle: int, progress: Progress) -> None:
    # Without a transaction of its own the copy would begin anew at each commit of another.
    source.execute("PRAGMA busy_timeout = 5000")
    source.execute("BEGIN")
    source.execute("SELECT 1 FROM sqlite_master").fetchall()
    (page,) = source.execute("PRAGMA page_size").fetchone()
    copy.execute("PRAGMA journal_mode = OFF")
    copy.execute("PRAGMA synchronous = OFF")  # fdatasync below
    unsynced = 0

    def step(status: int, remaining: int, total: int) -> None:
        nonlocal unsynced
        unsynced += STEP_PAGES * page
        if unsynced >= SYNC_BYTES or not remaining:
            unsynced = 0
            os.fdatasync(handle)
        progress("copy", (total - remaining) * page, total * page)

    source.backup(copy, pages=STEP_PAGES, progress=step)
    source.rollback()


def _why(exc: Exception) -> str:
    """The usual reason of an error whose words name none."""
    return ", for SQLite makes files beside it and cannot" if _code(exc) == sqlite3.SQLITE_CANTOPEN else ""


def _code(exc: Exception) -> int:
    """SQLite's code. Texts that are no UTF-8 are found by Python, whose errors have none."""
    return (getattr(exc, "sqlite_errorcode", None) or sqlite3.SQLITE_ERROR) & 0xFF


def log_beside(file: Path) -> Path | None:
    """SQLite's log beside a file, if there is something in it."""
    for end in LOGS:
        log = Path(f"{file}{end}")
        if end != "-shm" and log.exists() and log.stat().st_size:
            return log
    return None


class Snapshot:
    """A SQLite file opened for reading. Nothing is made beside it, unless it ``is_live``: others
    may write it meanwhile. ``copy_of`` is what errors name in its place."""

    def __init__(self, path: Path, *, is_live: bool = False, copy_of: Path | None = None) -> None:
        self.path = path
        self._name = copy_of or path
        immutable = "" if is_live else "&immutable=1"
        try:
            self._db = sqlite3.connect(
                f"file:{quote(str(path))}?mode=ro{immutable}", uri=True, check_same_thread=False
            )
        except sqlite3.Error as exc:
            raise StartFailed(f"{self._name} cannot be opened: {exc}") from exc

    def close(self) -> None:
        self._db.close()

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """Run one statement; its rows. Raises StartFailed."""
        try:
            return self._db.execute(sql).fetchall()
        except sqlite3.Error as exc:
            raise StartFailed(f"{self._name} is no database of chatd's: {exc}") from exc

    def check(self, progress: Progress) -> None:
        """Look through the whole file. Raises StartFailed with the first of what is wrong."""
        if damages := self.find_damage(progress):
            raise StartFailed(f"{self._name} is damaged: {damages[0]}")

    def find_damage(self, progress: Progress) -> list[str]:
        """The faults that SQLite finds in the whole file, a hundred lines at most. The check is
        one call of SQLite's: it runs beside, so that a signal is heard. Raises StartFailed if the
        file cannot be looked through."""
        found: list[str] = []
        failed: list[sqlite3.Error] = []

        def check() -> None:
            try:
                found.extend(row[0] for row in self._db.execute("PRAGMA integrity_check"))
            except sqlite3.Error as exc:
                if _code(exc) in _DAMAGE:
                    found.append(str(exc))
                else:
                    failed.append(exc)

        thread = threading.Thread(target=check, daemon=True)
        thread.start()
        size = self.path.stat().st_size
        try:
            while thread.is_alive():
                progress("check", 0, size)
                thread.join(_WAIT_SECONDS)
        except BaseException:
            self._db.interrupt()
            thread.join()
            raise
        if failed:
            raise StartFailed(f"{self._name} cannot be looked through: {failed[0]}{_why(failed[0])}")
        progress("check", size, size)
        return [] if found == ["ok"] else found

    def log(self) -> str:
        """The name of the log that it holds. Raises StartFailed."""
        rows = self.rows("SELECT incarnation FROM log")
        if len(rows) != 1 or not self.rows("SELECT name FROM schema_migration"):
            raise StartFailed(f"{self._name} is no database of chatd's: it names no log")
        return str(rows[0][0])

    def count(self) -> dict[str, int]:
        """Table → its number of rows."""
        tables = [str(row[0]) for row in self.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
        counts = {}
        for table in sorted(tables):
            counts[table] = int(str(self.rows(f'SELECT COUNT(*) FROM "{table}"')[0][0]))
        return counts


def hash_file(path: Path, progress: Progress, copy: Path | None = None) -> str:
    """The SHA-256 of a file, in hexadecimal; written to ``copy`` as well, if there is one. Raises
    StartFailed."""
    digest, done = hashlib.sha256(), 0
    try:
        size = path.stat().st_size
        with path.open("rb") as source, (copy or Path(os.devnull)).open("wb") as target:
            while block := source.read(_BLOCK):
                digest.update(block)
                if copy is not None:
                    target.write(block)
                done += len(block)
                if copy is not None and done % SYNC_BYTES == 0:
                    target.flush()
                    os.fdatasync(target.fileno())
                progress("copy" if copy else "hash", done, size)
            if copy is not None:
                target.flush()
                os.fsync(target.fileno())
    except OSError as exc:
        raise os_error(f"{path} cannot be copied" if copy else f"{path} cannot be read", exc) from exc
    return digest.hexdigest()

"""SQLite's file as the file system sees it: its lock, its log (WAL), and whether it is still where
the next start will look."""

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from chatd.errors import Unavailable, os_error
from chatd.files.claim import Claim
from chatd.files.durable import make_folder, sync_folder
from chatd.store.database_errors import CommitUnknown

log = structlog.get_logger()

WAL_KEPT_BYTES = 16 * 1_048_576
"""The log is cut back to this size when it begins anew. A checkpoint is due each 1,000 pages, 4
MiB."""
WAL_STARVED_BYTES = 4 * WAL_KEPT_BYTES
"""At this size no checkpoint has come through for long: another process reads the file all the
time."""
_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ESTALE)
_LOGGED_SECONDS = 60.0

_Identity = tuple[int, int]  # device and inode


class SqliteFile:
    """``path`` is compared with the file that was opened: commits to a file that was moved are lost
    at the next start, and nothing fails. No descriptor of the file is opened here while SQLite has
    it: closing one would drop SQLite's own locks."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._name = str(path)
        """A text, because it is looked up at each commit."""
        self._real = Path(os.path.realpath(path))
        """SQLite follows links, and has its log beside the file that they lead to."""
        self._wal = f"{self._real}-wal"
        self._opened: _Identity | None = None
        self._opened_wal: _Identity | None = None
        self._starved_at = 0.0

    def create(self) -> None:
        """Make an empty file with its folder when there is none. Raises ConfigError,
        StartFailed."""
        try:
            make_folder(self.path.parent)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            sync_folder(self.path.parent)
        except OSError as exc:
            raise os_error(f"DB_URI: {self.path}", exc) from exc

    def is_missing(self) -> bool:
        """True if there is no file, or nothing in it. Raises ConfigError, StartFailed."""
        try:
            return os.stat(self.path).st_size == 0
        except FileNotFoundError:
            return True
        except OSError as exc:
            raise os_error(f"DB_URI: {self.path}", exc) from exc

    def claim(self, holder: str) -> Claim:
        """Keep other default nodes off the file. Raises StartFailed."""
        return Claim(self._real.with_name(f"{self._real.name}.owner"), f"the database {self._real}", holder)

    @contextmanager
    def lock(self, waiting: str = "") -> Iterator[None]:
        """Held by one process at a time, for opening and migrating. ``waiting``: a line for the log
        when another one has it."""
        try:
            handle = os.open(f"{self._real}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as exc:
            raise Unavailable(
                "the database's lock file cannot be opened", detail=f"{self._real}.lock: {exc.strerror}"
            ) from exc
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if waiting:
                    log.info(waiting)
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def before_open(self) -> None:
        """Called before each connection: all must be of one file. Raises CommitUnknown."""
        if self._opened is not None:
            self._compare(self._name, self._opened)

    def opened(self) -> None:
        """A connection was opened; the first one says which file it is."""
        if self._opened is None:
            self._opened = _identity(os.stat(self.path))

    def writer_opened(self) -> None:
        """The writer's connection was opened: its log, which the last connection of all removes, is
        the one of its first commit."""
        self._opened_wal = None

    def check(self) -> None:
        """Called after each COMMIT, before anybody is told of it. Raises CommitUnknown when the
        file or its log is not what ``path`` leads to, so that nothing is acknowledged which the
        next start would not find. Two calls of stat, some 2 µs."""
        assert self._opened is not None
        self._compare(self._name, self._opened)
        size, self._opened_wal = self._compare(self._wal, self._opened_wal)
        if size > WAL_STARVED_BYTES:
            self._starved(size)
        elif self._starved_at and size <= WAL_KEPT_BYTES:
            self._starved_at = 0.0
            log.info("SQLite's log is checkpointed again", bytes=size)

    def _compare(self, path: str, known: _Identity | None) -> tuple[int, _Identity]:
        """The size and identity of a file that is still ``known``."""
        try:
            found = os.stat(path)
        except OSError as exc:
            if exc.errno not in _GONE:
                return 0, known or (0, 0)  # it is there, and cannot be looked at for the moment
            raise CommitUnknown(
                "the database is gone: it was moved or removed while in use", detail=path
            ) from exc
        if known is not None and _identity(found) != known:
            raise CommitUnknown(
                "the database is another file: the one in use was moved or removed", detail=path
            )
        return found.st_size, _identity(found)

    def _starved(self, size: int) -> None:
        if time.monotonic() - self._starved_at >= _LOGGED_SECONDS:
            self._starved_at = time.monotonic()
            log.warning(
                "SQLite's log grows: another process keeps it from being checkpointed",
                path=self._wal,
                bytes=size,
            )


def _identity(found: os.stat_result) -> _Identity:
    return found.st_dev, found.st_ino

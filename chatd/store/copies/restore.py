"""A backup put in the place of a SQLite file. Nothing is replaced before the copy was looked
through and its log has another name."""

import os
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from chatd.core.log_state import UNKNOWN_LOG, LogState
from chatd.errors import ConfigError, StartFailed, os_error
from chatd.files.durable import make_folder, sync_folder
from chatd.store.copies.manifest import Manifest, read_manifest
from chatd.store.copies.sqlite_copy import LOGS, Progress, Snapshot, hash_file, log_beside
from chatd.store.database import Database
from chatd.store.log_row import renew_log

_UNSEEN_BEATS = 1 << 32
"""A gateway may have seen a newer state than is known here. It would give the log a name of its own
once more; it has not seen so many beats."""


@dataclass(frozen=True, slots=True)
class Restored:
    """``kept`` is where the old database is now, if there was one. Without a ``manifest`` no hash
    was compared."""

    log: LogState
    kept: Path | None
    manifest: Manifest | None


def mark(database: Database, known: Iterable[LogState]) -> LogState:
    """Give the database's log a new incarnation: events are lost, and all who have seen it are to
    know. ``known``: states in which it was seen. Returns the new one."""
    newest = max(known, key=lambda state: state.beat, default=UNKNOWN_LOG)
    newest = newest._replace(beat=newest.beat + _UNSEEN_BEATS)
    with database.connection(readonly=False):
        database.begin()
        database.rows(f"SELECT 1 FROM log{database.for_update}")
        state = renew_log(database, newest)
        database.commit()
    return state


def restore(file: Path, backup: Path, known: Iterable[LogState], progress: Progress) -> Restored:
    """Replace the database ``file``, which no process has, by a backup. Raises ConfigError and
    StartFailed; then the old database is unharmed."""
    file, backup = Path(os.path.realpath(file)), Path(os.path.realpath(backup))
    if not backup.is_file():
        raise ConfigError(f"{backup} is no file")
    if file.exists() and backup.samefile(file):
        raise ConfigError(f"{backup} is the database itself")
    copy = file.with_name(f"{file.name}.restoring")
    if copy.exists() and backup.samefile(copy):
        raise ConfigError(f"{backup} has the name of a restore's own copy: rename it")
    _require_whole(backup)
    manifest = read_manifest(backup)
    make_folder(file.parent)
    try:
        _remove(copy)  # SQLite would bring the log that a killed restore left into this copy
        os.close(os.open(copy, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        digest = hash_file(backup, progress, copy)
        if manifest is not None and digest != manifest.sha256:
            raise StartFailed(f"{backup} is not what its manifest says: its SHA-256 is {digest}")
        _check(copy, backup, progress)
        log = _renew(copy, [*known, *_old_state(file)])
        kept = _exchange(copy, file)
    except OSError as exc:
        raise os_error(f"{file} cannot be replaced", exc) from exc
    finally:
        _remove(copy)
    try:
        sync_folder(file.parent)
    except OSError as exc:
        raise StartFailed(
            f"{file} is the backup now{f', and {kept} the old database' if kept else ''}; but a power cut may "
            f"take that back, because {file.parent} cannot be synced: {exc.strerror}"
        ) from exc
    return Restored(log, kept, manifest)


def _require_whole(backup: Path) -> None:
    """Raise ConfigError for a database with a part of it in SQLite's log, such as one that was
    kept."""
    if log := log_beside(backup):
        raise ConfigError(
            f"{backup} is not whole without {log}: let CHATD_DB_URI name it and run chatd backup, then restore "
            f"that backup"
        )


def _remove(copy: Path) -> None:
    """The copy, and SQLite's files beside it."""
    for end in ("", ".lock", *LOGS):
        Path(f"{copy}{end}").unlink(missing_ok=True)


def _check(copy: Path, backup: Path, progress: Progress) -> None:
    snapshot = Snapshot(copy, copy_of=backup)
    try:
        snapshot.check(progress)
        snapshot.log()
    finally:
        snapshot.close()


def _renew(copy: Path, known: Iterable[LogState]) -> LogState:
    """The schema is brought up to date here, so that a backup which this chatd does not understand
    replaces nothing."""
    database = Database(f"sqlite:///{quote(str(copy))}", create=False)
    database.migrate()
    state = mark(database, known)
    if Path(f"{copy}-wal").exists():
        raise StartFailed(f"{copy} is in use by another process")
    return state


def _old_state(file: Path) -> list[LogState]:
    """The state of the database that is replaced, if it can still be read. Its part in SQLite's log
    is brought into the file, so that the file alone is the whole."""
    if not file.exists() or file.stat().st_size == 0:
        return []
    try:
        old = sqlite3.connect(file, isolation_level=None, timeout=0.5)
        try:
            old.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            return [LogState(*row) for row in old.execute("SELECT incarnation, beat FROM log")]
        finally:
            old.close()
    except sqlite3.Error:
        return []  # damaged: a reason to restore a backup


def _exchange(copy: Path, file: Path) -> Path | None:
    """Give the copy the file's name. There is a database under it at each moment, and never beside
    the log of another one; when it is cut off, the old one is whole under its own name or the
    other. Raises OSError; then, and when it is interrupted, all is as it was."""
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    kept = file.with_name(f"{file.name}.before-{now}")
    # Logs are left by a database that is damaged, in use, or was removed without them.
    ends = [end for end in ("", *LOGS) if os.path.lexists(f"{file}{end}")]
    try:
        for end in ends:
            os.link(f"{file}{end}", f"{kept}{end}")
        sync_folder(file.parent)
        if "" in ends:
            owner = file.stat()
            os.chown(copy, owner.st_uid, owner.st_gid)
        for end in filter(None, ends):
            os.unlink(f"{file}{end}")
        copy.replace(file)
    except BaseException:
        if copy.exists():  # else it has the file's name already
            _take_back(kept, file)
        raise
    return kept if "" in ends else None


def _take_back(kept: Path, file: Path) -> None:
    for end in LOGS:
        if os.path.lexists(f"{kept}{end}"):
            os.replace(f"{kept}{end}", f"{file}{end}")
            Path(f"{kept}{end}").unlink(missing_ok=True)  # still there if both were one file
    kept.unlink(missing_ok=True)

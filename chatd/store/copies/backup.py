"""A backup of a SQLite file: made while others write, looked through, then given its name."""

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from chatd import __version__
from chatd.errors import ConfigError, StartFailed, os_error
from chatd.files.durable import sync_folder
from chatd.store.copies.manifest import Manifest, manifest_of
from chatd.store.copies.sqlite_copy import (
    SQLITE_HEADER,
    Progress,
    Snapshot,
    copy_database,
    hash_file,
    log_beside,
)


def back_up(file: Path, backup: Path, progress: Progress, *, force: bool) -> Manifest:
    """Make a backup of the database ``file``, and its manifest beside it, both for their owner
    only. ``force``: replace one that is there. Raises ConfigError and StartFailed; then there is no
    new backup, and an old one is unharmed."""
    if not force and (backup.exists() or manifest_of(backup).exists()):
        raise ConfigError(f"{backup} exists: take another name, or --force to replace it")
    if backup.exists() and (not backup.is_file() or backup.samefile(file)):
        raise ConfigError(f"{backup} is no file that a backup may replace")
    _require_backup(backup)
    try:
        handle, name = tempfile.mkstemp(dir=backup.parent, prefix=f".{backup.name}.")
    except OSError as exc:
        raise os_error(f"{backup} cannot be made", exc) from exc
    temporary = Path(name)
    os.close(handle)
    try:
        copy_database(file, temporary, progress)
        manifest = _describe(temporary, progress)
        _name(temporary, backup, manifest)
    finally:
        temporary.unlink(missing_ok=True)
    return manifest


def _require_backup(old: Path) -> None:
    """Raise ConfigError for a file that is no backup, and for a name with SQLite's log beside it: a
    name that was typed wrongly may be that of the tokens, or of another chatd's database."""
    if log := log_beside(old):
        raise ConfigError(f"{log} is a database's log, and would get into {old.name}: take another name")
    if Path(f"{old}.owner").exists():
        raise ConfigError(f"{old} is a database that a chatd has served, and not replaced")
    try:
        with old.open("rb") as file:
            begins = file.read(len(SQLITE_HEADER))
    except FileNotFoundError:
        return
    except OSError as exc:
        raise os_error(f"{old} cannot be replaced", exc) from exc
    if begins not in (b"", SQLITE_HEADER):
        raise ConfigError(f"{old} is no backup, and not replaced")


def _describe(copy: Path, progress: Progress) -> Manifest:
    """Look through a copy. Raises StartFailed if it is damaged or no database of chatd's."""
    snapshot = Snapshot(copy)
    try:
        snapshot.check(progress)
        log, rows = snapshot.log(), snapshot.count()
    finally:
        snapshot.close()
    made_at = datetime.now(UTC).isoformat(timespec="seconds")
    return Manifest(made_at, __version__, log, copy.stat().st_size, hash_file(copy, progress), rows)


def _name(temporary: Path, backup: Path, manifest: Manifest) -> None:
    """A backup is never beside the manifest of another one, whenever this is cut off."""
    try:
        with temporary.open("rb") as copy:
            os.fsync(copy.fileno())
        manifest_of(backup).unlink(missing_ok=True)
        sync_folder(backup.parent)
        temporary.replace(backup)
        sync_folder(backup.parent)
        manifest.write(backup)
    except OSError as exc:
        raise StartFailed(f"{backup} cannot be written: {exc.strerror}") from exc

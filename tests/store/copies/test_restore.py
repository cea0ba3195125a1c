"""A restore replaces the database by a whole backup with another log, or by nothing."""

import errno
import os
import sqlite3
from pathlib import Path

import pytest

from chatd.core.log_state import LogState
from chatd.errors import ChatdError, ConfigError, StartFailed
from chatd.store.copies.backup import back_up
from chatd.store.copies.manifest import manifest_of
from chatd.store.copies.restore import mark, restore
from chatd.store.database import Database
from tests.store.copies.test_backup import damage, events, quiet
from tests.store.driver import Store, event, send
from tests.store.release import fill


def log_of(path: Path) -> LogState:
    database = sqlite3.connect(path)
    try:
        return LogState(*database.execute("SELECT incarnation, beat FROM log").fetchone())
    finally:
        database.close()


def send_one(path: Path, event_id: str) -> int:
    store = Store(f"sqlite:///{path}")
    (stored,) = store.do(send("alice", event("r", event_id)))
    store.close()
    return int(stored.seq)


def test_the_backup_is_in_its_place_and_the_old_one_beside_it(filled: Path, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    back_up(filled, backup, quiet, force=False)
    assert send_one(filled, "lost") == 13
    before = log_of(filled)
    done = restore(filled, backup, [], quiet)
    assert done.kept is not None
    assert (events(filled), events(done.kept)) == (12, 13)
    now = log_of(filled)
    assert now == done.log
    assert (now.incarnation != before.incarnation, now.beat > before.beat) == (True, True)
    assert (done.manifest is not None, filled.stat().st_mode & 0o777) == (True, 0o600)
    assert send_one(filled, "new") == 13
    assert not list(tmp_path.glob("*restoring*"))


def test_the_beat_goes_on_behind_all_that_was_seen(filled: Path, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    back_up(filled, backup, quiet, force=False)
    filled.unlink()
    done = restore(filled, backup, [LogState("a", 41), LogState("b", 7)], quiet)
    assert (done.kept, done.log.beat > 41 + 1e9) == (None, True), "gateways have seen more than is known"


def test_what_is_only_in_sqlites_log_is_kept_too(filled: Path, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    back_up(filled, backup, quiet, force=False)
    crashed = sqlite3.connect(filled, isolation_level=None)
    crashed.execute("PRAGMA wal_autocheckpoint = 0")
    crashed.execute("UPDATE room SET name = 'in the log'")
    copy = tmp_path / "data/chatd.db"
    copy.parent.mkdir()
    for end in ("", "-wal"):
        Path(f"{copy}{end}").write_bytes(Path(f"{filled}{end}").read_bytes())
    crashed.close()
    done = restore(copy, backup, [], quiet)
    assert done.kept is not None
    database = sqlite3.connect(done.kept)
    assert database.execute("SELECT name FROM room").fetchall() == [("in the log",)]
    database.close()


def test_a_damaged_database_is_replaced(filled: Path, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    back_up(filled, backup, quiet, force=False)
    filled.write_bytes(b"no database at all" * 1_000)
    done = restore(filled, backup, [], quiet)
    assert events(filled) == 12
    assert done.kept is not None
    assert done.kept.read_bytes().startswith(b"no database")


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        ("hash", "is not what its manifest says"),
        ("damage", "is damaged|no database of chatd's|cannot be opened"),
        ("cut", "is damaged|no database of chatd's"),
        ("other", "is no database of chatd's"),
        ("another's log", "backup is no database of chatd's"),
        ("newer", "made by a newer chatd"),
    ],
)
def test_what_is_no_good_backup_replaces_nothing(filled: Path, tmp_path: Path, harm: str, says: str) -> None:
    backup = tmp_path / "backup"
    back_up(filled, backup, quiet, force=False)
    content = backup.read_bytes()
    if harm != "hash":
        manifest_of(backup).unlink()
    if harm == "hash":
        backup.write_bytes(content[:-1] + b"x")
    elif harm == "damage":
        damage(backup)
    elif harm == "cut":
        backup.write_bytes(content[: len(content) // 2])
    elif harm == "another's log":
        backup.unlink()
        another = sqlite3.connect(backup, isolation_level=None)
        another.execute("CREATE TABLE log (incarnation, beat)")
        another.execute("INSERT INTO log VALUES ('a', 1)")
        another.close()
    else:
        changed = sqlite3.connect(backup)
        changed.execute(
            "DROP TABLE log"
            if harm == "other"
            else "INSERT INTO schema_migration (name, applied) VALUES ('9999_later', '2030-01-01')"
        )
        changed.commit()
        changed.close()
    before = filled.read_bytes()
    with pytest.raises(ChatdError, match=says) as refused:
        restore(filled, backup, [], quiet)
    assert ".restoring" not in str(refused.value), "nobody knows that name"
    assert (filled.read_bytes() == before, list(tmp_path.glob("*before-*"))) == (True, [])
    assert not list(tmp_path.glob("*restoring*"))


def test_one_that_is_cut_off_replaces_nothing(filled: Path, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    back_up(filled, backup, quiet, force=False)

    def interrupt(step: str, done: int, total: int) -> None:
        if step == "check":
            raise KeyboardInterrupt

    before = log_of(filled)
    with pytest.raises(KeyboardInterrupt):
        restore(filled, backup, [], interrupt)
    assert (log_of(filled), list(tmp_path.glob("*restoring*"))) == (before, [])


def test_the_database_is_no_backup_of_itself(filled: Path) -> None:
    with pytest.raises(ConfigError, match="is the database itself"):
        restore(filled, filled, [], quiet)
    with pytest.raises(ConfigError, match="is no file"):
        restore(filled, filled.parent, [], quiet)


def test_a_log_is_given_another_name(db_uri: str) -> None:
    fill(db_uri)
    database = Database(db_uri)
    state = mark(database, [LogState("a", 9)])
    with database.connection(readonly=True):
        assert database.rows("SELECT incarnation, beat FROM log") == [state]
    assert state.beat > 1e9
    assert mark(database, []).incarnation != state.incarnation


def test_no_log_of_another_database_is_left(filled: Path, tmp_path: Path) -> None:
    """SQLite would bring what it holds into the database that was restored. Somebody who looks at
    the old one keeps it from being emptied."""
    backup = tmp_path / "backup"
    back_up(filled, backup, quiet, force=False)
    reader = sqlite3.connect(filled, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT COUNT(*) FROM room").fetchall()
    assert send_one(filled, "lost") == 13
    done = restore(filled, backup, [], quiet)
    assert (Path(f"{filled}-wal").exists(), Path(f"{done.kept}-wal").exists()) == (False, True)
    reader.close()
    assert done.kept is not None
    assert (events(filled), events(done.kept)) == (12, 13)


def test_a_process_that_holds_the_copy_is_noticed(filled: Path, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    back_up(filled, backup, quiet, force=False)
    held: list[sqlite3.Connection] = []

    def hold(step: str, done: int, total: int) -> None:
        if step == "check" and not held:
            held.append(sqlite3.connect(f"{filled}.restoring"))
            held[0].execute("BEGIN")
            held[0].execute("SELECT COUNT(*) FROM room").fetchall()

    with pytest.raises(StartFailed, match="is in use by another process"):
        restore(filled, backup, [], hold)
    held[0].close()


def test_a_log_that_a_killed_restore_left_gets_into_no_database(filled: Path, tmp_path: Path) -> None:
    """A copy was killed while its log was renamed; the next one is of another backup."""
    backup = tmp_path / "backup"
    back_up(filled, backup, quiet, force=False)
    killed = sqlite3.connect(filled, isolation_level=None)
    killed.execute("PRAGMA wal_autocheckpoint = 0")
    killed.execute("UPDATE room SET name = 'of the killed one'")
    for end in ("", "-wal"):
        Path(f"{filled}.restoring{end}").write_bytes(Path(f"{filled}{end}").read_bytes())
    killed.close()
    restore(filled, backup, [], quiet)
    database = sqlite3.connect(filled)
    assert database.execute("SELECT COUNT(*) FROM room WHERE name = 'of the killed one'").fetchone() == (0,)
    database.close()


@pytest.mark.parametrize(
    ("owner", "fails", "at"),
    [(os, "link", "chatd.db-wal"), (os, "unlink", "chatd.db-shm"), (os, "chown", ""), (Path, "replace", "")],
)
@pytest.mark.parametrize("is_interrupted", [False, True], ids=["refused", "interrupted"])
def test_an_exchange_that_does_not_come_to_its_end_changes_nothing(
    filled: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    owner: object,
    fails: str,
    at: str,
    is_interrupted: bool,
) -> None:
    backup = tmp_path / "backup"
    back_up(filled, backup, quiet, force=False)
    reader = sqlite3.connect(filled, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT COUNT(*) FROM room").fetchall()
    assert send_one(filled, "in the log only") == 13
    before = {path.name: path.read_bytes() for path in tmp_path.glob("chatd.db*") if path.suffix != ".db-shm"}
    real = getattr(owner, fails)

    def refuse(path: object, *others: object) -> None:
        if str(path).endswith(at):
            raise KeyboardInterrupt if is_interrupted else OSError(errno.EPERM, os.strerror(errno.EPERM))
        real(path, *others)

    monkeypatch.setattr(owner, fails, refuse)
    with pytest.raises((ChatdError, KeyboardInterrupt)) as told:
        restore(filled, backup, [], quiet)
    if not is_interrupted:
        assert "cannot be replaced: Operation not permitted" in str(told.value)
    monkeypatch.undo()
    after = {path.name: path.read_bytes() for path in tmp_path.glob("chatd.db*") if path.suffix != ".db-shm"}
    assert after.keys() == before.keys()
    reader.close()
    assert events(filled) == 13


def test_a_folder_that_cannot_be_synced_is_told_with_what_was_done(
    filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = tmp_path / "backup"
    back_up(filled, backup, quiet, force=False)
    send_one(filled, "lost")
    synced: list[Path] = []

    def fail(folder: Path) -> None:
        synced.append(folder)
        if len(synced) == 2:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("chatd.store.copies.restore.sync_folder", fail)
    with pytest.raises(
        StartFailed, match=r"is the backup now, and .*before-.* the old database.*Input/output"
    ):
        restore(filled, backup, [], quiet)
    assert events(filled) == 12


def test_a_backup_with_the_name_of_the_copy_is_refused_and_one_like_it_is_kept(
    filled: Path, tmp_path: Path
) -> None:
    backup = tmp_path / f"{filled.name}.restoring"
    back_up(filled, backup, quiet, force=False)
    with pytest.raises(ConfigError, match="rename it"):
        restore(filled, backup, [], quiet)
    backup = backup.rename(f"{backup}-of-yesterday")
    restore(filled, backup, [], quiet)
    assert (events(filled), events(backup)) == (12, 12)


def test_logs_that_a_removed_database_left_get_into_no_backup(filled: Path, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    back_up(filled, backup, quiet, force=False)
    removed = sqlite3.connect(filled, isolation_level=None)
    removed.execute("PRAGMA wal_autocheckpoint = 0")
    removed.execute("UPDATE room SET name = 'of the removed one'")
    log = Path(f"{filled}-wal").read_bytes()
    removed.close()
    filled.unlink()
    Path(f"{filled}-wal").write_bytes(log)
    Path(f"{filled}-journal").write_bytes(b"of older SQLite")
    assert restore(filled, backup, [], quiet).kept is None
    kept = {
        path.name.partition("-")[2].partition("-")[2]: path.read_bytes() for path in tmp_path.glob("*before*")
    }
    assert kept == {"wal": log, "journal": b"of older SQLite"}
    assert not any(Path(f"{filled}{end}").exists() for end in ("-wal", "-journal"))
    database = sqlite3.connect(filled)
    assert database.execute("SELECT COUNT(*) FROM room WHERE name = 'of the removed one'").fetchone() == (0,)
    database.close()


def test_a_part_of_a_database_is_no_backup(filled: Path, tmp_path: Path) -> None:
    """Without its log a copy lacks what was committed last."""
    crashed = sqlite3.connect(filled, isolation_level=None)
    crashed.execute("PRAGMA wal_autocheckpoint = 0")
    crashed.execute("UPDATE room SET name = 'in the log'")
    part = tmp_path / "part"
    for end in ("", "-wal"):
        Path(f"{part}{end}").write_bytes(Path(f"{filled}{end}").read_bytes())
    crashed.close()
    link = tmp_path / "link"
    link.symlink_to(part)
    for name in (part, link):
        with pytest.raises(ConfigError, match=r"is not whole without .*part-wal: .* run chatd backup"):
            restore(filled, name, [], quiet)
    back_up(part, tmp_path / "whole", quiet, force=False)
    restore(filled, tmp_path / "whole", [], quiet)
    database = sqlite3.connect(filled)
    assert database.execute("SELECT name FROM room").fetchall() == [("in the log",)]
    database.close()

"""A restore replaces the database by a whole backup with another log, or by nothing."""

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
    with pytest.raises(ChatdError, match=says):
        restore(filled, backup, [], quiet)
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

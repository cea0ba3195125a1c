"""A backup is one state of the database, whole or not there, for its owner only."""

import hashlib
import json
import sqlite3
from pathlib import Path

import pytest

from chatd.errors import ConfigError, StartFailed
from chatd.store.copies import sqlite_copy
from chatd.store.copies.backup import back_up
from chatd.store.copies.manifest import manifest_of, read_manifest
from chatd.store.copies.sqlite_copy import SQLITE_HEADER
from chatd.store.database import Database


def quiet(step: str, done: int, total: int) -> None:
    """Progress that nobody sees."""


def events(path: Path) -> int:
    database = sqlite3.connect(path)
    try:
        return int(database.execute("SELECT COUNT(*) FROM room_event").fetchone()[0])
    finally:
        database.close()


def test_a_backup_is_the_state_in_which_it_began(
    filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others commit between its steps: they do not wait, and it neither sees it nor begins anew."""
    monkeypatch.setattr(sqlite_copy, "STEP_PAGES", 4)
    other = sqlite3.connect(filled, isolation_level=None, timeout=0)
    steps: list[int] = []

    def progress(step: str, done: int, total: int) -> None:
        if step == "copy":
            steps.append(done)
            other.execute("DELETE FROM room_event WHERE seq = ?", (len(steps),))

    manifest = back_up(filled, tmp_path / "backup", progress, force=False)
    other.close()
    assert (events(tmp_path / "backup"), events(filled)) == (12, 0)
    assert steps == sorted(steps)
    assert len(steps) > 12
    assert manifest.rows["room_event"] == 12


def test_its_manifest_describes_it(filled: Path, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    manifest = back_up(filled, backup, quiet, force=False)
    assert manifest == read_manifest(backup)
    assert manifest.sha256 == hashlib.sha256(backup.read_bytes()).hexdigest()
    assert (manifest.bytes, manifest.rows["room"]) == (backup.stat().st_size, 1)
    database = sqlite3.connect(backup)
    assert database.execute("SELECT incarnation FROM log").fetchall() == [(manifest.log,)]
    database.close()
    for path in (backup, manifest_of(backup)):
        assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("step", ["copy", "check", "hash"])
def test_one_that_is_cut_off_leaves_nothing(filled: Path, tmp_path: Path, step: str) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    old = SQLITE_HEADER.decode() + "the old one"
    (folder / "backup").write_text(old)

    def interrupt(name: str, done: int, total: int) -> None:
        if name == step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        back_up(filled, folder / "backup", interrupt, force=True)
    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [("backup", old)]


def test_a_backup_is_not_replaced_unasked(filled: Path, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    back_up(filled, backup, quiet, force=False)
    with pytest.raises(ConfigError, match="exists: take another name, or --force"):
        back_up(filled, backup, quiet, force=False)
    first = backup.stat().st_ino
    back_up(filled, backup, quiet, force=True)
    assert backup.stat().st_ino != first
    with pytest.raises(ConfigError, match="no file that a backup may replace"):
        back_up(filled, filled, quiet, force=True)


def test_only_a_backup_is_replaced(filled: Path, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.toml"
    tokens.write_text("[tokens]\n")
    with pytest.raises(ConfigError, match=r"tokens\.toml is no backup, and not replaced"):
        back_up(filled, tokens, quiet, force=True)
    assert tokens.read_text() == "[tokens]\n"
    tokens.write_text("")
    back_up(filled, tokens, quiet, force=True)
    assert events(tokens) == 12


@pytest.mark.parametrize("force", [False, True])
def test_a_log_of_another_database_gets_into_no_backup(filled: Path, tmp_path: Path, force: bool) -> None:
    log = tmp_path / "backup-wal"
    log.write_bytes(b"of a database that was removed")
    with pytest.raises(
        ConfigError, match=r"backup-wal is a database's log, and would get into backup: take another"
    ):
        back_up(filled, tmp_path / "backup", quiet, force=force)
    log.write_bytes(b"")
    back_up(filled, tmp_path / "backup", quiet, force=force)
    assert events(tmp_path / "backup") == 12


def test_a_database_that_is_served_is_not_replaced(filled: Path, tmp_path: Path) -> None:
    served = tmp_path / "another.db"
    back_up(filled, served, quiet, force=False)
    with (
        Database(f"sqlite:///{served}").claim("chatd"),
        pytest.raises(ConfigError, match="that a chatd has served, and not replaced"),
    ):
        back_up(filled, served, quiet, force=True)


def test_a_damaged_database_gives_no_backup(filled: Path, tmp_path: Path) -> None:
    damage(filled)
    with pytest.raises(StartFailed, match="is damaged"):
        back_up(filled, tmp_path / "backup", quiet, force=False)
    assert not (tmp_path / "backup").exists()


def test_something_else_gives_no_backup(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE t (x)")
    other.close()
    with pytest.raises(StartFailed, match="is no database of chatd's"):
        back_up(tmp_path / "other.db", tmp_path / "backup", quiet, force=False)


@pytest.mark.parametrize(
    "content",
    [
        json.dumps({"sha256": "x"}).encode(),
        json.dumps(dict.fromkeys(("made_at", "chatd", "log", "bytes", "sha256", "rows"))).encode(),
        b"[" * 100_000,
        b"\xff{}",
    ],
)
def test_a_manifest_that_is_none_is_said(tmp_path: Path, content: bytes) -> None:
    backup = tmp_path / "backup"
    manifest_of(backup).write_bytes(content)
    with pytest.raises(StartFailed, match="is no manifest"):
        read_manifest(backup)


def damage(path: Path) -> None:
    """Overwrite a page of an index in the file, as a disk might."""
    database = sqlite3.connect(path)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (page,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'room_event_own'").fetchone()
    (size,) = database.execute("PRAGMA page_size").fetchone()
    database.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * size + size // 2)
        file.write(b"\xff" * (size // 2))

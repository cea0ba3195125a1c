"""Opening, checking and migrating a database."""

import multiprocessing
import sqlite3
from pathlib import Path

import pytest

from chatd.errors import ConfigError, Unavailable
from chatd.store.database import Database


@pytest.mark.parametrize("uri", ["", "sqlite://", "sqlite:///", "mysql://x", "chatd.db"])
def test_uris_that_are_none(uri: str) -> None:
    with pytest.raises(ConfigError, match="DB_URI"):
        Database(uri)


def migrate(uri: str) -> None:
    Database(uri).migrate()


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_several_processes_may_migrate_at_once(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    uri = f"sqlite:///{tmp_path}/new.db"
    if engine == "postgres":
        request.getfixturevalue("postgres_uri")
        cluster = request.getfixturevalue("postgres_cluster")
        uri = cluster.uri(cluster.new_database())
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        pool.map(migrate, [uri] * 4)
    database = Database(uri)
    with database.connection(readonly=True):
        assert database.rows("SELECT COUNT(*) FROM schema_migration") == [(1,)]
        assert database.rows("SELECT COUNT(*) FROM outbox_entry") == [(0,)]


def test_a_newer_database_is_refused(db_uri: str) -> None:
    database = Database(db_uri)
    with database.connection(readonly=False):
        database.run("INSERT INTO schema_migration (name, applied) VALUES ('9999_future', '2030-01-01')")
    with pytest.raises(ConfigError, match="9999_future"):
        Database(db_uri).migrate()


def test_sqlite_is_durable_and_its_file_private(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "chatd.db"
    database = Database(f"sqlite:///{path}")
    database.check()
    assert path.stat().st_mode & 0o777 == 0o600
    assert sqlite3.connect(path).execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_readers_cannot_write(db_uri: str) -> None:
    database = Database(db_uri)
    if database.engine == "sqlite":
        with database.connection(readonly=True), pytest.raises(Unavailable, match="readonly"):
            database.run("DELETE FROM room")


@pytest.mark.parametrize("setting", ["synchronous_commit"])
def test_postgres_settings_that_would_lose_events_are_refused(setting: str, postgres_uri: str) -> None:
    database = Database(postgres_uri)
    database.check()
    name = postgres_uri.rpartition("/")[2] if "?" not in postgres_uri else postgres_uri.partition("?")[0].rpartition("/")[2]
    with database.connection(readonly=False):
        database.run(f"ALTER DATABASE {name} SET {setting} = off")
    with pytest.raises(ConfigError, match=setting):
        Database(postgres_uri).check()


def test_nobody_answering_is_said_so() -> None:
    with pytest.raises(Unavailable):
        Database("postgresql://chatd@127.0.0.1:1/chatd").check()


def test_a_lock_file_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/chatd.db")
    (tmp_path / "chatd.db.lock").mkdir()
    with pytest.raises(Unavailable, match="lock file cannot be opened: Is a directory"):
        database.connect(readonly=False)

"""Opening, checking and migrating a database."""

import multiprocessing
import resource
import sqlite3
import subprocess
from pathlib import Path

import pytest

from chatd.default.rooms.store import CreateRoom, GetRoom
from chatd.errors import ConfigError, Unavailable
from chatd.store.database import Database
from tests.databases import Cluster
from tests.store.driver import Store, event, send


def migrate(uri: str) -> None:
    Database(uri).migrate()


def migrate_and_send(job: tuple[str, int]) -> int:
    """As a node does that is started while others are: its place in the log."""
    uri, number = job
    Database(uri).migrate()
    store = Store(uri)
    try:
        store.many([CreateRoom("r", "", "alice", ())])
        ((stored,),) = store.many([send("alice", event("r", f"e{number}"))])
        return int(stored.seq)
    finally:
        store.close()


@pytest.mark.parametrize("uri", ["", "sqlite://", "sqlite:///", "mysql://x", "chatd.db"])
def test_uris_that_are_none(uri: str) -> None:
    with pytest.raises(ConfigError, match="DB_URI"):
        Database(uri)


def test_a_path_that_is_no_file_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=str(tmp_path)):
        Database(f"sqlite:///{tmp_path}")


def test_a_server_that_does_not_answer_is_reported() -> None:
    with pytest.raises(Unavailable):
        Database("postgresql://chatd@127.0.0.1:1/chatd").check()


def test_a_lock_file_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/chatd.db")
    (tmp_path / "chatd.db.lock").mkdir()
    with pytest.raises(Unavailable, match=r"lock file cannot be opened$") as refused:
        database.connect(readonly=False)
    assert refused.value.detail == f"{tmp_path}/chatd.db.lock: Is a directory"


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_several_processes_may_migrate_at_once(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
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


def test_four_nodes_that_start_at_once_on_nothing_serve_at_once(
    postgres_uri: str, postgres_cluster: Cluster
) -> None:
    uri = postgres_cluster.uri(postgres_cluster.new_database())
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        places = pool.map(migrate_and_send, [(uri, number) for number in range(4)], chunksize=1)
    assert sorted(places) == [2, 3, 4, 5]


def test_migrating_again_changes_nothing(db_uri: str) -> None:
    store = Store(db_uri)
    store.do(CreateRoom("r", "", "alice", ()))
    store.do(send("alice", event("r", "1")))
    Database(db_uri).migrate()
    assert store.ask(GetRoom("r"))[0].head_seq == 2
    store.close()


def test_stored_events_are_there_when_the_database_is_opened_again(db_uri: str) -> None:
    first = Store(db_uri)
    first.do(CreateRoom("r", "", "alice", ("bob",)))
    bob = first.open("bob", "d")
    first.do(send("alice", event("r", "1", b"\x0a\x00")))
    first.close()
    second = Store(db_uri)
    assert [(run.first_seq, run.last_seq) for run in second.owed(bob).runs] == [(2, 2)]
    ((again,),) = second.many([send("alice", event("r", "1", b"\x0a\x00"))])
    assert (again.seq, again.duplicate) == (2, True)
    second.close()


def test_a_newer_database_is_refused(db_uri: str) -> None:
    database = Database(db_uri)
    with database.connection(readonly=False):
        database.run("INSERT INTO schema_migration (name, applied) VALUES ('9999_future', '2030-01-01')")
    with pytest.raises(ConfigError, match="9999_future"):
        Database(db_uri).migrate()


def test_a_refused_newer_database_is_left_as_it_is(db_uri: str) -> None:
    database = Database(db_uri)
    with database.connection(readonly=False):
        database.run("DELETE FROM schema_migration")
        database.run("INSERT INTO schema_migration (name, applied) VALUES ('9999_future', '2030-01-01')")
    with pytest.raises(ConfigError, match="9999_future"):
        Database(db_uri).migrate()
    with database.connection(readonly=True):
        assert database.rows("SELECT name FROM schema_migration") == [("9999_future",)]


def test_sqlite_is_durable_and_its_file_private(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "chatd.db"
    database = Database(f"sqlite:///{path}")
    database.check()
    assert path.stat().st_mode & 0o777 == 0o600
    assert sqlite3.connect(path).execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_sqlite_writers_sync_every_commit_and_readers_leave_the_wal_alone(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/chatd.db")
    with database.connection(readonly=False):
        assert database.rows("PRAGMA synchronous") == [(2,)]
        assert database.rows("PRAGMA journal_mode") == [("wal",)]
        assert database.rows("PRAGMA query_only") == [(0,)]
    with database.connection(readonly=True):
        assert database.rows("PRAGMA query_only") == [(1,)]
        assert database.rows("PRAGMA wal_autocheckpoint") == [(0,)]


def test_readers_cannot_write(db_uri: str) -> None:
    database = Database(db_uri)
    if database.engine == "sqlite":
        with database.connection(readonly=True), pytest.raises(Unavailable) as refused:
            database.run("DELETE FROM room")
        assert "readonly" in refused.value.detail


@pytest.mark.parametrize("setting", ["synchronous_commit"])
def test_postgres_settings_that_would_lose_events_are_refused(setting: str, postgres_uri: str) -> None:
    database = Database(postgres_uri)
    database.check()
    name = (
        postgres_uri.rpartition("/")[2]
        if "?" not in postgres_uri
        else postgres_uri.partition("?")[0].rpartition("/")[2]
    )
    with database.connection(readonly=False):
        database.run(f"ALTER DATABASE {name} SET {setting} = off")
    with pytest.raises(ConfigError, match=setting):
        Database(postgres_uri).check()


@pytest.mark.parametrize("mode", ["local", "off"])
def test_commits_that_do_not_wait_for_the_disk_are_refused(postgres_uri: str, mode: str) -> None:
    database = Database(postgres_uri)
    with database.connection(readonly=False):
        ((name,),) = database.rows("SELECT current_database()")
        database.run(f"ALTER DATABASE {name} SET synchronous_commit = {mode}")
    with pytest.raises(ConfigError, match=f"synchronous_commit is '{mode}'"):
        Database(postgres_uri).check()


def test_a_database_that_cannot_hold_every_text_is_refused(
    postgres_uri: str, postgres_cluster: Cluster
) -> None:
    name = "latin"
    options = [
        "-h",
        str(postgres_cluster.folder),
        "-U",
        "chatd",
        "-T",
        "template0",
        "-E",
        "LATIN1",
        "--locale=C",
    ]
    subprocess.run(["createdb", *options, name], check=True, capture_output=True)
    with pytest.raises(ConfigError, match="server_encoding"):
        Database(postgres_cluster.uri(name)).check()


def test_a_transaction_that_has_no_room_at_its_end_says_so(tmp_path: Path) -> None:
    """SQLite has rolled it back by then, and peewee complains of that instead."""
    database = Database(f"sqlite:///{tmp_path}/chatd.db")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with database.connection(readonly=False):
        database.run("CREATE TABLE t (x)")
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
        try:
            with pytest.raises(Unavailable) as refused, database.atomic():
                database.run("INSERT INTO t VALUES (?)", (b"x" * 200_000,))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert refused.value.explained == "the database does not answer: disk I/O error"
        assert database.rows("SELECT COUNT(*) FROM t") == [(0,)]

"""chatd does not start on settings that would lose what it acknowledges, and says which; nor may
they become so while it runs."""

import asyncio
import sys
from pathlib import Path

import peewee
import pytest

from chatd.client import Client
from chatd.errors import ConfigError
from chatd.store.database import Database
from tests import fork_server
from tests.daemons import Daemon, operator_token
from tests.databases import Cluster, cluster


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes", "synchronous_commit"])
def test_a_server_that_may_lose_commits_is_refused_by_name(
    postgres_uri: str, tmp_path: Path, setting: str
) -> None:
    """The whole server has to be started so: no database of the shared cluster can be."""
    with cluster(f"-c {setting}=off") as running:
        assert running is not None, "postgres_uri has skipped the test where PostgreSQL is missing"
        environment = {
            **fork_server.bare_environment(),
            "CHATD_DATA_DIR": str(tmp_path),
            "DB_URI": running.uri(running.new_database()),
            "GATEWAY_URI": "tcp://127.0.0.1:*",
        }
        done = fork_server.run([sys.executable, "-m", "chatd", "all"], env=environment)
    assert done.returncode == 2
    assert f"PostgreSQL's {setting} is 'off', must be on" in done.stderr
    assert "acknowledged events could be lost" in done.stderr
    assert "Traceback" not in done.stderr


def test_sqlite_where_a_wal_is_not_possible_is_refused(tmp_path: Path) -> None:
    """Where SQLite has no shared memory, as without its usual locks, it stays with the journal it
    has, and says nothing."""
    database = Database(f"sqlite:///{tmp_path}/chatd.db")
    assert isinstance(database.db, peewee.SqliteDatabase)
    database.db.init(f"file:{tmp_path}/chatd.db?vfs=unix-none", uri=True)
    with pytest.raises(
        ConfigError,
        match=r"journal_mode is 'delete' and cannot be set to 'wal': acknowledged events could be lost",
    ):
        database.check()


def test_sqlite_that_does_not_wait_for_the_disk_is_refused(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/chatd.db")
    assert isinstance(database.db, peewee.SqliteDatabase)
    database.db.pragma("synchronous", "normal", permanent=True)
    with pytest.raises(
        ConfigError, match=r"synchronous is 1 and cannot be set to 2: acknowledged events could be lost"
    ):
        database.check()


def turn_off(running: Cluster, name: str, scope: str) -> None:
    """Make commits asynchronous under a running chatd, which then connects anew."""
    database = Database(running.uri(name))
    with database.connection(readonly=False):
        database.run(f"ALTER {scope} SET synchronous_commit = off")
        database.rows("SELECT pg_reload_conf()")
        ended = (
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = "
            "'chatd' AND pid <> pg_backend_pid()"
        )
        assert database.rows(ended)


@pytest.mark.parametrize("scope", ["DATABASE {name}", "ROLE chatd", "SYSTEM"])
async def test_a_setting_turned_off_later_loses_nothing(
    postgres_uri: str, tmp_path: Path, scope: str
) -> None:
    with cluster("-c wal_writer_delay=10000ms") as running:
        assert running is not None, "postgres_uri has skipped the test where PostgreSQL is missing"
        name = running.new_database()
        with Daemon("all", tmp_path, {"DB_URI": running.uri(name)}) as daemon:
            async with Client(
                daemon.uri, operator_token(tmp_path), profile="alice", call_timeout=20
            ) as alice:
                await alice.create_room("r")
                await asyncio.to_thread(turn_off, running, name, scope.format(name=name))
                acks = [await alice.send("r", "x", event_id=f"e{number}") for number in range(5)]
                running.kill()
            daemon.kill()
        running.start_again()
        database = Database(running.uri(name))
        with database.connection(readonly=True):
            stored = database.rows("SELECT event_id, seq FROM room_event WHERE seq > 1 ORDER BY seq")
    assert stored == [(f"e{number}", ack.seq) for number, ack in enumerate(acks)]

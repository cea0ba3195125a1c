"""Through PgBouncer in transaction mode each transaction may get another session: nothing may be
left in one, or relied on."""

import multiprocessing
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chatd.client import Client
from chatd.default.messages.history import GetHistory
from chatd.default.rooms.store import CreateRoom
from chatd.errors import Unavailable
from chatd.store.database import Database
from chatd.store.migration import MIGRATION_LOCK
from tests.daemons import Daemon, operator_token
from tests.databases import Cluster
from tests.pgbouncer import HOW_TO_INSTALL, Pooler, find_pgbouncer, pooler
from tests.store.driver import Store, event, send
from tests.store.other_session import holding

LEFT = "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory'"


@pytest.fixture(scope="module")
def pool(postgres: Cluster) -> Iterator[Pooler]:
    if find_pgbouncer() is None:
        if os.environ.get("CI"):
            pytest.fail(HOW_TO_INSTALL)
        pytest.skip(HOW_TO_INSTALL)
    with pooler(postgres) as running:
        yield running


def in_a_transaction(database: Database, setting: str) -> str:
    """The value of a setting inside a transaction as the writer begins it."""
    if database.db.is_closed():
        database.connect(readonly=False)
    try:
        database.begin()
        value = str(database.rows(f"SHOW {setting}")[0][0])
        database.commit()
    except Unavailable:
        database.disconnect()
        raise
    return value


def migrate(uri: str) -> None:
    Database(uri).migrate()


def test_starts_at_once_and_one_after_the_other_leave_no_lock(pool: Pooler, postgres: Cluster) -> None:
    name = postgres.new_database()
    with multiprocessing.get_context("spawn").Pool(3) as processes:
        processes.map_async(migrate, [pool.uri(name)] * 9, chunksize=1).get(timeout=40)
    direct = Database(postgres.uri(name))
    with direct.connection(readonly=True):
        assert direct.rows(LEFT) == [(0,)]
        assert direct.rows("SELECT COUNT(*) FROM schema_migration") == [(1,)]


async def test_a_daemon_serves_through_it(pool: Pooler, postgres: Cluster, tmp_path: Path) -> None:
    with Daemon("all", tmp_path, {"DB_URI": pool.uri(postgres.new_database())}) as daemon:
        async with Client(daemon.uri, operator_token(tmp_path), profile="alice") as alice:
            await alice.create_room("r")
            acks = [await alice.send("r", "x") for _ in range(50)]
            assert [ack.seq for ack in acks] == list(range(2, 52))
            assert len((await alice.history("r", limit=100))[0]) == 51


def test_each_transaction_says_how_it_commits_and_leaves_nothing(pool: Pooler, postgres: Cluster) -> None:
    name = postgres.new_database("t1")
    through = Database(pool.uri(name))
    assert in_a_transaction(through, "synchronous_commit") == "on"
    direct = Database(postgres.uri(name))
    with direct.connection(readonly=False):
        for setting, value in (
            ("synchronous_commit", "off"),
            ("lock_timeout", "7s"),
            ("idle_in_transaction_session_timeout", "8s"),
        ):
            direct.run(f"ALTER DATABASE {name} SET {setting} = '{value}'")
        direct.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND "
            "pid <> pg_backend_pid()"
        )
    deadline = time.monotonic() + 10
    while True:
        try:
            assert in_a_transaction(through, "synchronous_commit") == "on", (
                "the sessions are new ones, whose default is off"
            )
            break
        except Unavailable:
            assert time.monotonic() < deadline
    assert in_a_transaction(through, "lock_timeout") == "1s"
    for _ in range(4):
        settings = "current_setting('synchronous_commit'), current_setting('lock_timeout')"
        assert through.rows(f"SELECT {settings}, current_setting('idle_in_transaction_session_timeout')") == [
            ("off", "7s", "8s")
        ]
    through.disconnect()


@pytest.mark.parametrize("mode", ["remote_write", "remote_apply"])
def test_a_stricter_commit_is_kept(postgres_uri: str, mode: str) -> None:
    database = Database(postgres_uri)
    with database.connection(readonly=False):
        ((name,),) = database.rows("SELECT current_database()")
        database.run(f"ALTER DATABASE {name} SET synchronous_commit = {mode}")
    assert in_a_transaction(database, "synchronous_commit") == mode
    database.disconnect()


def test_readers_and_a_writer_share_two_sessions(pool: Pooler, postgres: Cluster) -> None:
    store = Store(pool.uri(postgres.new_database("t1")))
    store.do(CreateRoom("r", "", "alice", ()))
    with ThreadPoolExecutor(4) as threads:
        sent = threads.map(lambda number: store.do(send("alice", event("r", f"e{number}"))), range(100))
        read = threads.map(
            lambda number: len(store.ask(GetHistory("r", "alice", False, 0, 500))[0]), range(100)
        )
        assert sorted(stored.seq for (stored,) in sent) == list(range(2, 102))
        assert max(read) <= 101
    store.close()


def test_a_start_that_waits_for_the_migration_says_so(
    postgres_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with (
        holding(postgres_uri, f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})") as other,
        ThreadPoolExecutor(1) as thread,
    ):
        starting = thread.submit(migrate, postgres_uri)
        output = ""
        deadline = time.monotonic() + 20
        while "waiting for it" not in output:
            assert time.monotonic() < deadline
            time.sleep(0.02)
            output += capsys.readouterr().out
        assert not starting.done()
        other.run("COMMIT")
        starting.result(timeout=20)

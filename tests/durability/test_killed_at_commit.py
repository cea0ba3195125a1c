"""PostgreSQL's backend ends while it commits: nobody knows whether the transaction is there, and
each event must be there once."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chatd.client import Client
from chatd.errors import TimedOut, Unavailable
from chatd.store.database import Database
from tests.daemons import Daemon, operator_token
from tests.databases import Cluster, cluster

COMMITTING = (
    "FROM pg_stat_activity WHERE application_name = 'chatd' AND pid <> pg_backend_pid() AND state = "
    "'active' AND query = 'COMMIT'"
)
END_WAITING = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'chatd' AND "
    "wait_event = 'SyncRep'"
)


@pytest.fixture
def slow_commits(postgres_uri: str) -> Iterator[Cluster]:
    """A cluster in which each COMMIT stands 20 ms before its flush, so that it can be met there."""
    with cluster("-c commit_delay=20000 -c commit_siblings=0") as running:
        assert running is not None, "postgres_uri has skipped the test where PostgreSQL is missing"
        yield running


def stored(uri: str) -> dict[str, int]:
    """Each message's seq. An id that is there twice cannot hide: the seqs would have a hole."""
    database = Database(uri)
    with database.connection(readonly=True):
        return dict(database.rows("SELECT event_id, seq FROM room_event WHERE seq > 1"))


def hunt(running: Cluster, wanted: int, strike: Callable[[Database], int]) -> int:
    """Strike until it has met ``wanted`` commits, for 80 s at most; how many it has met."""
    database = Database(running.uri("postgres"))
    met = 0
    deadline = time.monotonic() + 80
    while met < wanted and time.monotonic() < deadline:
        try:
            database.connect(readonly=False)
            met += strike(database)
        except Unavailable:
            database.disconnect()  # the whole server restarts when a backend is killed
            time.sleep(0.05)
    database.disconnect()
    return met


def end(database: Database) -> int:
    return len(database.rows(f"SELECT pg_terminate_backend(pid) {COMMITTING}"))


def kill(database: Database) -> int:
    for (pid,) in database.rows(f"SELECT pid {COMMITTING} LIMIT 1"):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue  # it has just ended
        return 1
    return 0


@pytest.mark.parametrize(("strike", "wanted"), [(end, 20), (kill, 3)])
async def test_each_event_is_stored_once(
    slow_commits: Cluster, tmp_path: Path, strike: Callable[[Database], int], wanted: int
) -> None:
    uri = slow_commits.uri(slow_commits.new_database())
    with Daemon("all", tmp_path, {"DB_URI": uri}) as daemon:
        async with Client(daemon.uri, operator_token(tmp_path), profile="alice", call_timeout=60) as alice:
            await alice.create_room("r")
            hunting = asyncio.create_task(asyncio.to_thread(hunt, slow_commits, wanted, strike))
            acked: dict[str, int] = {}
            turn = 0
            while not hunting.done():
                turn += 1
                ids = [f"{turn}-{one}" for one in range(8)]
                acks = await asyncio.gather(*(alice.send("r", "x", event_id=event_id) for event_id in ids))
                acked |= {event_id: ack.seq for event_id, ack in zip(ids, acks, strict=True)}
            assert await hunting == wanted, "no commit was met: the test proves nothing"
            acked["last"] = (await alice.send("r", "x", event_id="last")).seq
    assert sorted(acked.values()) == list(range(2, len(acked) + 2))
    assert stored(uri) == acked


async def until(database: Database, sql: str, wanted: object, *, meanwhile: str = "SELECT 1") -> None:
    async with asyncio.timeout(20):
        while database.rows(sql) != [(wanted,)]:
            database.rows(meanwhile)
            await asyncio.sleep(0.02)


async def test_a_commit_whose_answer_was_lost_is_found_again(slow_commits: Cluster, tmp_path: Path) -> None:
    """Waiting for a standby that does not exist, the backend has committed already, and is ended
    before it can say so."""
    uri = slow_commits.uri(slow_commits.new_database())
    with Daemon("all", tmp_path, {"DB_URI": uri}) as daemon:
        async with Client(daemon.uri, operator_token(tmp_path), profile="alice", call_timeout=60) as alice:
            await alice.create_room("r")
            database = Database(uri)
            with database.connection(readonly=False):
                database.run("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
                database.rows("SELECT pg_reload_conf()")
                await until(database, "SHOW synchronous_standby_names", "nobody")
                sending = asyncio.create_task(alice.send("r", "x", event_id="e1"))
                # Until then it may have been another transaction, such as a lease's, with the event
                # queued behind it.
                await until(
                    database,
                    "SELECT COUNT(*) FROM room_event WHERE event_id = 'e1'",
                    1,
                    meanwhile=END_WAITING,
                )
                assert not sending.done(), "nobody has said that it is stored"
                database.run("ALTER SYSTEM RESET synchronous_standby_names")
                database.rows("SELECT pg_reload_conf()")
            ack = await sending
            assert (ack.seq, ack.duplicate) == (2, True)
            assert (await alice.send("r", "y", event_id="e2")).seq == 3
    assert stored(uri) == {"e1": 2, "e2": 3}


async def test_a_commit_nobody_answers_does_not_keep_chatd_from_ending(
    slow_commits: Cluster, tmp_path: Path
) -> None:
    """A COMMIT that waits for a standby which never comes hangs for ever."""
    name = slow_commits.new_database()
    with Daemon("all", tmp_path, {"DB_URI": slow_commits.uri(name), "DRAIN_SECONDS": 1}) as daemon:
        async with Client(daemon.uri, operator_token(tmp_path), profile="alice", call_timeout=1) as alice:
            await alice.create_room("r")
            database = Database(slow_commits.uri("postgres"))
            with database.connection(readonly=False):
                database.run("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
                database.rows("SELECT pg_reload_conf()")
                with pytest.raises(TimedOut):
                    await alice.send("r", "x")
                started = time.monotonic()
                assert await asyncio.to_thread(daemon.stop) == 0
                assert time.monotonic() - started < 10
                assert database.rows(END_WAITING) == [(True,)]

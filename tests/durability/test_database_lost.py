"""The database fails under the node: PostgreSQL killed hard, a connection ended at any moment, an
I/O error at SQLite's COMMIT."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatd.client import HEAD, Client
from chatd.errors import ChatdError
from chatd.store.database import Database
from tests.daemons import Daemon, operator_token
from tests.databases import Cluster, cluster
from tests.system.deployment import Deployment
from tests.system.test_faults import show


@pytest.fixture
def own_cluster(postgres_uri: str) -> Iterator[Cluster]:
    """A cluster of this test's own, to be killed."""
    with cluster() as running:
        assert running is not None, "postgres_uri has skipped the test where PostgreSQL is missing"
        yield running


async def test_postgres_killed_hard_loses_nothing(own_cluster: Cluster, tmp_path: Path) -> None:
    """kill -9 of the server and of every backend: recovery is from the log alone."""
    with Deployment(
        tmp_path, own_cluster.uri(own_cluster.new_database()), defaults=1, gateways=1
    ) as deployment:
        uri, token = deployment.uri(), deployment.token
        async with (
            Client(uri, token, profile="alice", call_timeout=60) as alice,
            Client(uri, token, profile="bob") as bob,
        ):
            await alice.create_room("r", profiles=["bob"])
            shown: list[tuple[str, int, str]] = []
            async with bob.stream("laptop", start=HEAD) as laptop:
                await laptop.caught_up()
                showing = asyncio.create_task(show(laptop, shown, 300, seconds=90))
                for number in range(300):
                    if number in (80, 160):
                        await asyncio.to_thread(own_cluster.kill)
                        starting = asyncio.create_task(asyncio.to_thread(own_cluster.start_again))
                    await alice.send("r", f"line {number}")
                await starting
                await showing
        assert shown == [("r", number + 2, f"line {number}") for number in range(300)]


async def test_connections_ended_at_any_moment_store_each_event_once(
    own_cluster: Cluster, tmp_path: Path
) -> None:
    with Deployment(
        tmp_path, own_cluster.uri(own_cluster.new_database()), defaults=1, gateways=1
    ) as deployment:
        async with Client(deployment.uri(), deployment.token, profile="alice", call_timeout=60) as alice:
            await alice.create_room("r")
            sending = True

            async def end_connections() -> None:
                while sending:
                    await asyncio.to_thread(own_cluster.terminate_a_backend)

            before = terminated(own_cluster)
            ending = asyncio.create_task(end_connections())
            acks = []
            for number in range(150):
                acks += await asyncio.gather(
                    *(alice.send("r", "x", event_id=f"{number}-{one}") for one in range(4))
                )
            sending = False
            await ending
            assert sorted(ack.seq for ack in acks) == list(range(2, 602))
            assert terminated(own_cluster) >= before + 10, (
                "hardly a connection was ended: the test proves nothing"
            )


def terminated(running: Cluster) -> int:
    """The number of connections that the server says it has ended on demand."""
    return (
        (running.folder / "log")
        .read_text(errors="replace")
        .count("terminating connection due to administrator command")
    )


async def test_postgres_killed_hard_under_many_sends_keeps_each_acknowledged_one(
    own_cluster: Cluster, tmp_path: Path
) -> None:
    """Nobody retries: what was acknowledged before the kill must be there by itself."""
    uri = own_cluster.uri(own_cluster.new_database())
    acked: dict[str, int] = {}
    with Deployment(tmp_path, uri, defaults=1, gateways=1) as deployment:
        async with Client(deployment.uri(), deployment.token, profile="alice", call_timeout=1) as alice:
            await alice.create_room("r")

            async def send_on(sender: int) -> None:
                for number in range(10_000):
                    try:
                        acked[f"{sender}-{number}"] = (
                            await alice.send("r", "x", event_id=f"{sender}-{number}")
                        ).seq
                    except ChatdError:
                        return  # the server is gone

            for sends in (200, 400):
                sending = asyncio.gather(*(send_on(sends + sender) for sender in range(16)))
                async with asyncio.timeout(30):
                    while len(acked) < sends:
                        await asyncio.sleep(0.002)
                await asyncio.to_thread(own_cluster.kill)
                await sending
                await asyncio.to_thread(own_cluster.start_again)
                await wait_until_it_works(alice)
    database = Database(uri)
    with database.connection(readonly=True):
        stored = dict(database.rows("SELECT event_id, seq FROM room_event"))
    assert {event_id: stored.get(event_id) for event_id in acked} == acked
    assert sorted(stored.values()) == list(range(1, len(stored) + 1))


async def wait_until_it_works(alice: Client) -> None:
    """Seconds, and no restart."""
    async with asyncio.timeout(15):
        while True:
            try:
                await alice.send("r", "again")
            except ChatdError:
                continue
            return


async def test_an_io_error_at_commit_stops_the_node_rather_than_guess(tmp_path: Path) -> None:
    """SQLite says that COMMIT failed, and everything is on the disk all the same: whoever takes the
    error for a refusal would be wrong."""
    # The migration commits twice: the schema, and the empty SQLite from which its fingerprint is
    # made.
    settings = {"CHAOS_FAILPOINT": "commit_fails:6", "CHAOS_HITS": str(tmp_path / "hits")}
    daemon = Daemon("all", tmp_path, settings, module="tests.chaos.daemon")
    daemon.start(wait=False)
    try:
        await fail_at_commit(daemon, tmp_path)
    finally:
        daemon.stop()


async def fail_at_commit(daemon: Daemon, folder: Path) -> None:
    async with asyncio.timeout(20):
        while not (folder / "tokens.toml").exists():
            await asyncio.sleep(0.02)
    numbers: list[int] = []
    async with Client(daemon.uri, operator_token(folder), profile="alice", call_timeout=1) as alice:

        async def send_on() -> None:
            await alice.create_room("r")
            for number in range(20):
                numbers.append(number)
                await alice.send("r", "x", event_id=f"e{number}")

        with pytest.raises(ChatdError) as unknown:
            await send_on()
        assert unknown.value.retry
        assert daemon.process is not None
        assert await asyncio.to_thread(daemon.process.wait, 20) == 1
        assert "The node cannot go on" in daemon.log.read_text()
    daemon.stop()
    daemon.settings.pop("CHAOS_FAILPOINT")
    daemon.start()
    async with Client(daemon.uri, operator_token(folder), profile="alice") as alice:
        if not numbers:
            numbers = [0]
            with pytest.raises(ChatdError, match="exists"):
                await alice.create_room("r")
        acks = [await alice.send("r", "x", event_id=f"e{number}") for number in numbers]
        assert [ack.seq for ack in acks] == list(range(2, len(numbers) + 2)), "each is there once"


def test_a_killed_cluster_is_dead(own_cluster: Cluster) -> None:
    pid = own_cluster.pid
    own_cluster.kill()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, signal.SIG_DFL)
    own_cluster.start_again()

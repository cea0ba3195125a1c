"""Acknowledged events survive kill -9, SIGTERM and restarts, seen from outside: none is lost, every
device shows each once, in order."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatd.client import HEAD, Client, Stream
from chatd.errors import ChatdError
from chatd.store.database import Database
from tests.daemons import Daemon
from tests.databases import Cluster, cluster
from tests.system.deployment import Deployment


async def show(stream: Stream, shown: list[tuple[str, int, str]], wanted: int, seconds: float = 30) -> None:
    """Collect messages until there are ``wanted``."""
    async with asyncio.timeout(seconds):
        async for delivery in stream:
            if delivery.type == 1:
                shown.append((delivery.room_id, delivery.seq, delivery.text))
            if len(shown) >= wanted:
                stream.acknowledge()
                return


RESTARTS = {
    "tcp": (("default", "kill"), ("gateway", "kill")),
    "ipc": (("default", "stop"), ("gateway", "stop")),
    "all": (("all", "kill"), ("all", "stop")),
}
"""The process that ends and the way of it, by the transport between two processes, or of one."""


@pytest.fixture(scope="module", params=RESTARTS)
def deployment(
    request: pytest.FixtureRequest, shared_db_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """Each test has a room and profiles of its own in it."""
    folder: Path = tmp_path_factory.mktemp("faults")
    count, transport = (0, "ipc") if request.param == "all" else (1, request.param)
    with Deployment(folder, shared_db_uri, defaults=count, gateways=count, transport=transport) as running:
        yield running


@pytest.mark.parametrize("number", [0, 1])
async def test_restarts_lose_nothing(
    deployment: Deployment, request: pytest.FixtureRequest, number: int
) -> None:
    victim, end = RESTARTS[request.node.callspec.params["deployment"]][number]
    (daemon,) = {"default": deployment.defaults, "gateway": deployment.gateways, "all": deployment.all}[
        victim
    ]
    uri, token = deployment.uri(), deployment.token
    room, reader = f"{victim}-{end}", f"reader-{victim}-{end}"
    async with (
        Client(uri, token, profile="alice", call_timeout=30) as alice,
        Client(uri, token, profile=reader) as bob,
    ):
        await alice.create_room(room, profiles=[reader])
        shown: list[tuple[str, int, str]] = []
        async with bob.stream("laptop", start=HEAD) as laptop, bob.stream("phone", start=HEAD) as phone:
            await laptop.caught_up()
            await phone.caught_up()
            showing = asyncio.create_task(show(laptop, shown, 300))
            acked = []
            for number in range(300):
                if number in (100, 200):
                    await asyncio.to_thread(getattr(daemon, end))
                    daemon.start(wait=False)
                acked.append((await alice.send(room, f"line {number}")).seq)
            await showing
            later: list[tuple[str, int, str]] = []
            await show(phone, later, 300)
    assert acked == list(range(2, 302)), "a retried send was stored twice, or an acknowledged one was lost"
    assert shown == later == [(room, number + 2, f"line {number}") for number in range(300)]


@pytest.fixture
def own_cluster(postgres_uri: str) -> Iterator[Cluster]:
    """A cluster of this test's own: recovery takes as long as there are databases, and the shared
    one has many."""
    with cluster() as running:
        assert running is not None, "postgres_uri has skipped the test where PostgreSQL is missing"
        yield running


async def test_a_restarted_database_loses_nothing(own_cluster: Cluster, tmp_path: Path) -> None:
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
                showing = asyncio.create_task(show(laptop, shown, 200, seconds=90))
                for number in range(200):
                    if number in (60, 120):
                        restarting = asyncio.create_task(asyncio.to_thread(own_cluster.restart))
                    await alice.send("r", f"line {number}")
                await restarting
                await showing
        assert shown == [("r", number + 2, f"line {number}") for number in range(200)]


async def test_what_a_dead_node_did_not_fan_out_is_found(db_uri: str, tmp_path: Path) -> None:
    """Events in the log behind the fan-out mark, as a node leaves them that dies between commit and
    fan-out."""
    with Deployment(
        tmp_path, db_uri, defaults=1, gateways=1, REPAIR_PULL_SECONDS=3600, FANOUT_REPAIR_SECONDS=0.2
    ) as deployment:
        uri, token = deployment.uri(), deployment.token
        async with Client(uri, token, profile="alice") as alice, Client(uri, token, profile="bob") as bob:
            await alice.create_room("r", profiles=["bob"])
            async with bob.stream("laptop", start=HEAD) as laptop:
                await laptop.caught_up()
                await alice.send("r", "seen")
                await show(laptop, [], 1)
                database = Database(db_uri)
                with database.connection(readonly=False):
                    # The second event is copied behind the first by hand: committed, head moved,
                    # nobody told.
                    database.run(
                        "INSERT INTO room_event (room_id, seq, event_id, sender_id, type, sent_at_us, "
                        "content_hash, delivery) "
                        "SELECT room_id, seq + 1, 'orphan', sender_id, type, sent_at_us, content_hash, delivery "
                        "FROM room_event WHERE seq = 2"
                    )
                    database.run("UPDATE room SET head_seq = 3")
                    async with asyncio.timeout(10):
                        while database.rows("SELECT published_seq FROM room") != [(3,)]:
                            await asyncio.sleep(0.05)


async def test_a_gateway_refuses_nodes_of_another_queue(tmp_path: Path) -> None:
    with Deployment(tmp_path, f"sqlite:///{tmp_path}/c.db", defaults=1, gateways=0) as deployment:
        settings = {**deployment.defaults[0].settings, "QUEUE_USER_EVENT_DELIVERY_NAME": "other"}
        gateway = Daemon("gateway", tmp_path, settings, name="stranger")
        gateway.start(wait=False)
        try:
            async with asyncio.timeout(10):
                while "its queue is 'user.event.delivery'" not in (
                    gateway.log.read_text() if gateway.log.exists() else ""
                ):
                    await asyncio.sleep(0.05)
        finally:
            gateway.stop()


@pytest.mark.parametrize("deployment", ["tcp"], indirect=True)
async def test_without_a_default_node_calls_are_refused_and_work_again(deployment: Deployment) -> None:
    async with Client(deployment.uri(), deployment.token, profile="alice", call_timeout=2) as alice:
        await alice.create_room("refused")
        await asyncio.to_thread(deployment.defaults[0].kill)
        try:
            with pytest.raises(ChatdError) as refused:
                await alice.send("refused", "lost?", event_id="e1")
            assert refused.value.retry
        finally:
            deployment.defaults[0].start()
    async with Client(deployment.uri(), deployment.token, profile="alice", call_timeout=30) as alice:
        first = await alice.send("refused", "lost?", event_id="e1")
        assert (first.seq, (await alice.send("refused", "lost?", event_id="e1")).duplicate) == (2, True)

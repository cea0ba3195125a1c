"""Default nodes come, go, and are found: nothing is changed anywhere else, and devices notice no
more than a pause."""

import asyncio
import json
from pathlib import Path

from chatd.client import HEAD, Client
from chatd.pb.admin.v1 import admin_pb2
from tests.daemons import Daemon, operator_token
from tests.system.test_faults import show

LEASE = 1.0


def default_node(folder: Path, db_uri: str, name: str) -> Daemon:
    settings = {
        "DB_URI": db_uri,
        "DEFAULT_URI": f"ipc://{folder}/{name}.call",
        "QUEUE_USER_EVENT_DELIVERY_URI": f"ipc://{folder}/{name}.queue",
        "NODE_LEASE_SECONDS": LEASE,
        "FANOUT_REPAIR_SECONDS": 0.5,
    }
    return Daemon("default", folder, settings, name=name)


def gateway_at(folder: Path, seed: Daemon) -> Daemon:
    """Knows one node; the others it has to find."""
    names = ("DEFAULT_URI", "QUEUE_USER_EVENT_DELIVERY_URI")
    settings = {name: seed.settings[name] for name in names} | {"REPAIR_PULL_SECONDS": 3600}
    return Daemon("gateway", folder, settings, name="gateway")


async def serving(client: Client) -> set[str]:
    response = await client.call(
        "AdminService/ListNodes", admin_pb2.ListNodesRequest(), admin_pb2.ListNodesResponse
    )
    return {node.node_id for node in response.nodes if node.lease_left_us > 0}


async def until_serving(client: Client, wanted: set[str]) -> None:
    async with asyncio.timeout(20):
        while await serving(client) != wanted:
            await asyncio.sleep(0.05)


async def until_found(folder: Path, wanted: set[str]) -> None:
    """The gateway has found these nodes: the one that it was told of may go."""
    async with asyncio.timeout(20):
        while remembered(folder) != wanted:
            await asyncio.sleep(0.05)


def remembered(folder: Path) -> set[str]:
    file = folder / "nodes-gateway.json"
    return {Path(uri).stem for uri in json.loads(file.read_text())} if file.exists() else set()


async def test_a_node_that_is_added_serves_and_the_first_may_go_for_ever(
    postgres_uri: str, tmp_path: Path
) -> None:
    first, second, third = (
        default_node(tmp_path, postgres_uri, name) for name in ("first", "second", "third")
    )
    gateway = gateway_at(tmp_path, first)
    try:
        first.start()
        gateway.start()
        token = operator_token(tmp_path)
        async with (
            Client(gateway.uri, token, profile="alice", call_timeout=30) as alice,
            Client(gateway.uri, token, profile="bob") as bob,
        ):
            await alice.create_room("r", profiles=["bob"])
            shown: list[tuple[str, int, str]] = []
            async with bob.stream("laptop", start=HEAD) as laptop:
                await laptop.caught_up()
                await alice.send("r", "one node")
                await show(laptop, shown, 1)

                second.start()
                third.start()
                await until_serving(alice, {"first", "second", "third", "gateway"})
                await until_found(tmp_path, {"second", "third"})
                for number in range(20):
                    await alice.send("r", f"three nodes {number}")
                await show(laptop, shown, 21)

                await asyncio.to_thread(first.kill)
                for number in range(20):
                    await alice.send("r", f"two nodes {number}")
                await show(laptop, shown, 41)
                await until_serving(alice, {"second", "third", "gateway"})

                # The gateway's only configured address is gone for good: what it remembers is
                # enough.
                await asyncio.to_thread(gateway.kill)
                gateway.start()
                await alice.send("r", "remembered")
                await show(laptop, shown, 42)

                await asyncio.to_thread(third.stop)
                await until_serving(alice, {"second", "gateway"})
                await alice.send("r", "one node again")
                await show(laptop, shown, 43)
        assert [seq for _, seq, _ in shown] == list(range(2, 45))
    finally:
        for daemon in (gateway, first, second, third):
            daemon.stop()


async def test_what_a_lost_node_left_unfanned_another_sweeps_within_seconds(
    postgres_uri: str, tmp_path: Path
) -> None:
    """The node dies between commit and fan-out. The senders' retries find their events stored, and
    nothing else makes the device look."""
    victim = default_node(tmp_path, postgres_uri, "victim")
    other = default_node(tmp_path, postgres_uri, "other")
    gateway = gateway_at(tmp_path, victim)
    rooms = [f"r{number}" for number in range(8)]
    try:
        for daemon in (victim, other, gateway):
            daemon.start()
        token = operator_token(tmp_path)
        async with (
            Client(gateway.uri, token, profile="alice", call_timeout=30) as alice,
            Client(gateway.uri, token, profile="bob") as bob,
            bob.stream("laptop", start=HEAD) as laptop,
        ):
            await laptop.caught_up()
            for room in rooms:
                await alice.create_room(room, profiles=["bob"])
            await until_serving(alice, {"victim", "other", "gateway"})
            await until_found(tmp_path, {"other"})
            victim.module = "tests.chaos.daemon"
            victim.settings |= {"CHAOS_FAILPOINT": "after_sender_ack:1", "CHAOS_HITS": str(tmp_path / "hits")}
            await asyncio.to_thread(victim.kill)
            await asyncio.to_thread(victim.start)
            sent: list[str] = []
            while victim.process is not None and victim.process.poll() is None:
                texts = [f"{room} {len(sent)}" for room in rooms]
                await asyncio.gather(
                    *(alice.send(room, text) for room, text in zip(rooms, texts, strict=True))
                )
                sent += texts
            shown: list[tuple[str, int, str]] = []
            await show(laptop, shown, len(sent), seconds=15)
        assert sorted(text for _, _, text in shown) == sorted(sent)
        assert (tmp_path / "hits").read_text() == "after_sender_ack\n"
    finally:
        for daemon in (gateway, victim, other):
            daemon.stop()

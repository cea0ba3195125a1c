"""Messages that the queue loses are found by numbers and beats, not by pulls that come by the
clock; and where nothing is lost nobody pulls."""

import asyncio
import random
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from chatd.client import HEAD, Client
from chatd.errors import Superseded
from chatd.pb.admin.v1.admin_pb2 import GetStatusRequest, GetStatusResponse
from tests.chaos.proxy import FaultProxy
from tests.daemons import Daemon, free_port, operator_token
from tests.system.deployment import Deployment
from tests.system.test_faults import show

FOUND_SECONDS = 2.5
"""A beat comes each second; the rest is for a busy machine. A queue counts as down only after 3."""
SECONDS, OFTEN = 4.0, 20
"""So long, and so often each, streams come and go."""
DOWN = "Nothing comes from the queue of a default node; streams pull instead"
UP = "Everything comes from the queues again"


async def repairs(uri: str, token: str) -> list[int]:
    """The number of times that all streams of each gateway pulled, as operators see it."""
    async with Client(uri, token, profile="operator") as client:
        found = await client.call("AdminService/GetStatus", GetStatusRequest(), GetStatusResponse)
        return [one.counters["queue_repairs"] for one in found.gateways]


async def said(daemon: Daemon, sentence: str, times: int, seconds: float = 20) -> None:
    """Wait until the daemon's log has this sentence so often, and no more."""
    async with asyncio.timeout(seconds):
        while (found := daemon.log.read_text().count(sentence)) < times:
            await asyncio.sleep(0.02)
    assert found == times


async def test_the_lost_last_message_is_found_by_the_next_beat(db_uri: str, tmp_path: Path) -> None:
    """One for a single device, and one for several."""
    deployment = Deployment(tmp_path, db_uri, defaults=1, gateways=1, DELIVERY_RETRY_MS=300_000)
    (node,) = deployment.defaults
    node.module = "tests.chaos.daemon"
    for devices in (1, 3):
        text = f"nobody follows the one for {devices}"
        node.settings["CHAOS_LOSE"] = text
        with deployment:
            uri, token = deployment.uri(), deployment.token
            async with Client(uri, token, profile="alice") as alice, Client(uri, token, profile="bob") as bob:
                room = f"for-{devices}"
                await alice.create_room(room, profiles=["bob"])
                streams = [bob.stream(f"d{number}", start=HEAD) for number in range(devices)]
                for stream in streams:
                    await stream.__aenter__()
                    await stream.caught_up()
                for number in range(3):
                    await alice.send(room, f"{number}")
                    await asyncio.gather(*(show(stream, [], 1) for stream in streams))
                assert await repairs(uri, token) == [0]
                await alice.send(room, text)
                before = time.monotonic()
                await asyncio.gather(*(show(stream, [], 1) for stream in streams))
                assert time.monotonic() - before < FOUND_SECONDS
                async with asyncio.timeout(10):
                    while await repairs(uri, token) != [1]:
                        await asyncio.sleep(0.1)
                for stream in streams:
                    await stream.__aexit__(None, None, None)


async def test_while_nothing_comes_from_the_queue_streams_pull(tmp_path: Path) -> None:
    """Calls go on; the connection of the queue is a black hole for long."""
    call, queue = free_port(), free_port()
    node = Daemon(
        "default",
        tmp_path,
        {
            "DEFAULT_URI": f"tcp://127.0.0.1:{call}",
            "QUEUE_USER_EVENT_DELIVERY_URI": f"tcp://127.0.0.1:{queue}",
        },
    )
    with FaultProxy(target=("127.0.0.1", queue)) as proxy:
        uris = {"DEFAULT_URI": f"tcp://127.0.0.1:{call}", "QUEUE_USER_EVENT_DELIVERY_URI": proxy.uri}
        gateway = Daemon("gateway", tmp_path, uris)
        with node, gateway:
            token = operator_token(tmp_path)
            async with (
                Client(gateway.uri, token, profile="alice", call_timeout=20) as alice,
                Client(gateway.uri, token, profile="bob") as bob,
                bob.stream("laptop", start=HEAD) as laptop,
            ):
                await alice.create_room("r", profiles=["bob"])
                await laptop.caught_up()
                proxy.blackhole()
                await said(gateway, DOWN, 1)
                for number in range(3):
                    await alice.send("r", f"while it is down {number}")
                    await show(laptop, [], 1, 6)
                assert (gateway.log.read_text().count(DOWN), gateway.log.read_text().count(UP)) == (1, 0)
                proxy.heal()
                await said(gateway, UP, 1)
                await alice.send("r", "after it")
                await show(laptop, [], 1, 6)
                assert gateway.log.read_text().count(DOWN) == 1


async def test_streams_that_come_and_go_make_no_holes(db_uri: str, tmp_path: Path) -> None:
    """Under load, over two gateways, on PostgreSQL from two nodes: messages for one device, for
    several, and for devices that change their gateway."""
    nodes = 2 if db_uri.startswith("postgresql") else 1
    with Deployment(tmp_path, db_uri, defaults=nodes, gateways=2) as deployment:
        token, uris = deployment.token, [deployment.uri(0), deployment.uri(1)]
        profiles = [f"p{number}" for number in range(6)]
        opened = Counter(dict.fromkeys(profiles, 0))

        async def come_and_go(profile: str) -> None:
            async with (
                Client(uris[0], token, profile=profile) as one,
                Client(uris[1], token, profile=profile) as two,
            ):
                while going_on():
                    client = random.choice((one, two))
                    async with client.stream("d", start=HEAD) as stream:
                        opened[profile] += 1
                        # A Hello that was given up may come to the node behind the one that
                        # followed it at the other gateway. Then it is the newest, and supersedes
                        # this stream.
                        with suppress(TimeoutError, Superseded):
                            async with asyncio.timeout(random.choice((0.02, 0.05, 0.1))):
                                async for _ in stream:
                                    stream.acknowledge()

        async def talk(client: Client) -> None:
            while going_on():
                await client.send(random.choice(rooms), "text")

        def going_on() -> bool:
            """For SECONDS, and on a busy machine until all have come often enough, within ten times
            that."""
            past = time.monotonic() - began
            return past < SECONDS or (past < 10 * SECONDS and min(opened.values()) <= OFTEN)

        async with (
            Client(uris[0], token, profile="sender", call_timeout=30) as one,
            Client(uris[1], token, profile="sender", call_timeout=30) as two,
        ):
            rooms = [f"r-{profile}" for profile in profiles]
            for profile, room in zip(profiles, rooms, strict=True):
                await one.create_room(room, profiles=[profile])
            rooms.append("all")
            await one.create_room("all", profiles=profiles)
            began = time.monotonic()
            await asyncio.gather(
                *map(come_and_go, profiles), *(talk(one) for _ in range(8)), *(talk(two) for _ in range(8))
            )
        await asyncio.sleep(2.5)  # a beat has come behind everything, and what was counted was told
        assert await repairs(uris[0], token) == [0, 0]
        assert min(opened.values()) > OFTEN

"""A gateway is told to stop: its devices leave it one by one, for the others; nothing is lost,
nothing shown twice, and calls go on."""

import asyncio
import time
from collections import Counter
from pathlib import Path

from chatd.client import HEAD, Client, Delivery, StreamState
from tests.protocol.conversation import Conversation
from tests.raw_peer import RawPeer
from tests.system.deployment import Deployment
from tests.system.sockets import many_sockets

DEVICES = 50
SECONDS = 3


async def until(what: str, condition: object, seconds: float = 20) -> None:
    """Poll a condition."""
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what
        await asyncio.sleep(0.02)


async def known_elsewhere(client: Client, count: int) -> None:
    """Until a new stream is told of so many other gateways."""
    end = time.monotonic() + 20
    while True:
        async with client.stream("probe", start=HEAD) as probe:
            await probe.opened()
            if len(client.gateways.others(client.gateways.given[0])) >= count:
                return
        assert time.monotonic() < end, "the gateways do not know of each other"
        await asyncio.sleep(0.1)


class Device:
    def __init__(self, client: Client, name: str) -> None:
        self.shown: list[Delivery] = []
        self.left_at = 0.0
        self.stream = client.stream(name, on_state=self._on_state, start=HEAD)

    def _on_state(self, state: StreamState, reason: str) -> None:
        if state is StreamState.CONNECTING and "stopping" in reason:
            self.left_at = time.monotonic()

    async def run(self) -> None:
        async with self.stream:
            async for delivery in self.stream:
                self.shown.append(delivery)


async def test_devices_leave_one_by_one_and_miss_nothing(db_uri: str, tmp_path: Path) -> None:
    with (
        many_sockets(4_096) as context,
        Deployment(
            tmp_path, db_uri, defaults=1, gateways=2, DRAIN_SECONDS=SECONDS, NODE_LEASE_SECONDS=1.5
        ) as deployment,
    ):
        clients = [
            Client(deployment.uri(0), deployment.token, profile=f"p{number}", context=context)
            for number in range(DEVICES)
        ]
        alice = Client(deployment.uri(0), deployment.token, profile="alice", call_timeout=20, context=context)
        await alice.create_room("r", profiles=[f"p{number}" for number in range(DEVICES)])
        await known_elsewhere(alice, 1)
        devices = [Device(client, "d") for client in clients]
        running = [asyncio.create_task(device.run()) for device in devices]
        async with asyncio.timeout(30):
            await asyncio.gather(*(device.stream.caught_up() for device in devices))

        sent: list[int] = []
        ended = asyncio.Event()

        async def talk() -> None:
            while not ended.is_set():
                sent.append((await alice.send("r", f"{len(sent)}")).seq)
                await asyncio.sleep(0.02)

        talking = asyncio.create_task(talk())
        await until("nobody hears", lambda: all(device.shown for device in devices))
        drained_from = time.monotonic()
        assert await asyncio.to_thread(deployment.gateways[0].stop) == 0
        stopped_after = time.monotonic() - drained_from
        await until("not everybody has left", lambda: all(device.left_at for device in devices))
        ended.set()
        await talking
        await until(
            "not everything has come",
            lambda: all(device.shown and device.shown[-1].seq == sent[-1] for device in devices),
        )
        for device in devices:
            assert [one.seq for one in device.shown] == sent, "in order, without a gap, each once"
        left = sorted(device.left_at - drained_from for device in devices)
        assert left[-1] - left[0] > 0.4 * SECONDS, "all at once"
        assert stopped_after < SECONDS + 10
        thirds = Counter(min(2, int(3 * (at - left[0]) / (left[-1] - left[0] + 1e-9))) for at in left)
        assert all(thirds[third] >= 5 for third in range(3)), f"not spread: {thirds}"

        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        for client in (*clients, alice):
            client.close()


def test_a_gateway_that_drains_takes_nobody_and_says_where_to_go(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/chatd.db"
    with (
        Deployment(
            tmp_path, uri, defaults=1, gateways=2, DRAIN_SECONDS=4, NODE_LEASE_SECONDS=1.5
        ) as deployment,
        Conversation(deployment.uri(0), deployment.token, "bob") as bob,
        Conversation(deployment.uri(0), deployment.token, "carol") as carol,
        Conversation(deployment.uri(0), deployment.token, "dave") as dave,
    ):
        end = time.monotonic() + 20
        while list(bob.open("d").gateways) != [deployment.uri(1)]:
            assert time.monotonic() < end, "the gateways do not know of each other"
            bob.hear_kind("caught_up")
        bob.hear_kind("caught_up")
        for number in range(3):
            with Conversation(deployment.uri(0), deployment.token, f"other{number}") as other:
                other.open("d")
        carol.open("d")
        carol.hear_kind("caught_up")
        dave.create_room("r")
        process = deployment.gateways[0].process
        assert process is not None
        process.terminate()
        closed = []
        refused = None
        end = time.monotonic() + 20
        while refused is None:
            assert time.monotonic() < end
            dave.hello("d")
            frame = dave.hear()
            if frame.HasField("closed"):
                refused = frame.closed
            elif not frame.HasField("caught_up"):
                dave.bye()
                while not dave.hear().HasField("closed"):
                    pass
        for one in (bob, carol):
            closed.append(one.hear_kind("closed"))
        for one in (refused, *closed):
            assert (one.error.code, list(one.gateways)) == (602, [deployment.uri(1)])
        assert process.wait(20) == 0


def test_without_another_gateway_nobody_waits(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/chatd.db"
    with (
        Deployment(tmp_path, uri, defaults=0, gateways=0, DRAIN_SECONDS=60) as deployment,
        Conversation(deployment.uri(), deployment.token, "bob") as bob,
    ):
        assert list(bob.open("d").gateways) == []
        bob.hear_kind("caught_up")
        started = time.monotonic()
        assert deployment.all[0].stop() == 0
        assert time.monotonic() - started < 20
        closed = bob.hear_kind("closed")
        assert (closed.error.code, list(closed.gateways)) == (602, [])


def test_a_device_that_was_told_hangs_up_first(tmp_path: Path) -> None:
    """A libzmq socket with IMMEDIATE drops what it has not read when the gateway does."""
    uri = f"sqlite:///{tmp_path}/chatd.db"
    with (
        Deployment(tmp_path, uri, defaults=0, gateways=0) as deployment,
        RawPeer(deployment.uri(), deployment.token) as bob,
    ):
        bob.hello("d")
        bob.hear_until("caught_up")
        process = deployment.all[0].process
        assert process is not None
        process.terminate()
        closed, _ = bob.hear_until("closed")
        assert closed.error.code == 602
        assert not bob.ends(0.4)
        bob.socket.close()
        assert process.wait(20) == 0


async def test_calls_and_streams_find_the_next_address_by_themselves(tmp_path: Path) -> None:
    """The first address is nobody's; then the gateway in use is killed."""
    uri = f"sqlite:///{tmp_path}/chatd.db"
    with Deployment(tmp_path, uri, defaults=1, gateways=2) as deployment:
        nobody = "tcp://127.0.0.1:1"
        async with Client(
            [nobody, deployment.uri(0), deployment.uri(1)], deployment.token, profile="alice", call_timeout=30
        ) as alice:
            async with asyncio.timeout(60):
                await alice.create_room("r")
                async with alice.stream("d", start=HEAD) as stream:
                    await stream.opened()
                    for number, gateway in enumerate(deployment.gateways):
                        await asyncio.to_thread(gateway.kill)
                        sent = await alice.send("r", f"{number}")
                        async for delivery in stream:
                            if delivery.seq == sent.seq:
                                break
                        gateway.start()

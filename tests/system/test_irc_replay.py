"""Replays real logs: nicks are profiles with two devices each, some connected, some late, some
dropping and resuming, a gateway killed on the way. At the end every device has shown exactly what
was its own, in order, and nothing else."""

import asyncio
import random
from pathlib import Path

import pytest

from chatd.client import HEAD, Client, Delivery, Stream
from tests.system.deployment import Deployment
from tests.system.irc import LOGS, Step, steps
from tests.system.sockets import many_sockets

ROOM = "#ubuntu"
DROPPERS = 0.3
"""Share of second devices that drop and resume; the others come late."""
LOG_LIST = sorted(LOGS.glob("*.log"))
pytestmark = pytest.mark.skipif(not LOG_LIST, reason="the chat logs of ../shared/data/irc are not here")


class Device:
    """One device: everything it was given, after the client's one-line rule."""

    def __init__(self, client: Client, profile: str, name: str) -> None:
        self._client = client
        self.profile = profile
        self._name = name
        self.shown: list[tuple[int, str]] = []
        self.repeats = 0
        self._task: asyncio.Task[None] | None = None
        self._stream: Stream | None = None

    async def register(self) -> None:
        async with self._client.stream(self._name, start=HEAD) as stream:
            await stream.opened()

    def connect(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async with self._client.stream(self._name, window_messages=32, start=HEAD) as stream:
            async for delivery in stream:
                self._show(delivery)

    def _show(self, delivery: Delivery) -> None:
        assert delivery.room_id == ROOM
        if self.shown and delivery.seq <= self.shown[-1][0]:
            self.repeats += 1
            return
        self.shown.append((delivery.seq, delivery.event_id))

    async def drop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None


async def play(
    script: list[Step],
    clients: dict[str, Client],
    droppers: list[Device],
    deployment: Deployment,
    dice: random.Random,
) -> dict[str, str]:
    """Event id → text of everything that was acknowledged."""
    said: dict[str, str] = {}
    for number, step in enumerate(script):
        if step.kind == "join":
            await clients["operator"].add_members(ROOM, [step.nick])
        elif step.kind == "leave":
            await clients["operator"].remove_members(ROOM, [step.nick])
        else:
            said[(await clients[step.nick].send(ROOM, step.text)).event_id] = step.text
        if number % 10 == 0 and droppers:
            device = dice.choice(droppers)
            await device.drop()
            device.connect()
        if number == len(script) // 2:
            gateway = (deployment.gateways or deployment.all)[0]
            await asyncio.to_thread(gateway.kill)
            gateway.start(wait=False)
    return said


async def read_log(operator: Client) -> list[Delivery]:
    """The whole room, as the operator's history has it."""
    log: list[Delivery] = []
    more = True
    while more:
        page, more = await operator.history(ROOM, before_seq=log[0].seq if log else 0, limit=500)
        log = page + log
    return log


def owed(log: list[Delivery], profile: str) -> list[tuple[int, str]]:
    """The events that a profile's devices must have shown: everything from each joining to the
    leaving that ends it."""
    member, mine = False, []
    for delivery in log:
        joins = profile in delivery.payload.get("joined", []) if delivery.type == 2 else False
        leaves = profile in delivery.payload.get("left", []) if delivery.type == 2 else False
        member = member or joins
        if member:
            mine.append((delivery.seq, delivery.event_id))
        member = member and not leaves
    return mine


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("engine", "log"), [("sqlite", 0), ("sqlite", 6), ("postgres", 1)])
async def test_every_device_shows_exactly_its_own(
    engine: str, log: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    uri = (
        request.getfixturevalue("postgres_uri") if engine == "postgres" else f"sqlite:///{tmp_path}/chatd.db"
    )
    nodes = 2 if engine == "postgres" else 0
    with Deployment(tmp_path, uri, defaults=nodes, gateways=nodes) as deployment:
        await replay(deployment, list(steps(LOG_LIST[log])), random.Random(log))


async def replay(deployment: Deployment, script: list[Step], dice: random.Random) -> None:
    """Play a script, and see that every device has shown its own."""
    with many_sockets(20_000) as context:
        nicks = sorted({step.nick for step in script})
        clients = {
            nick: Client(
                deployment.uri(number), deployment.token, profile=nick, call_timeout=30, context=context
            )
            for number, nick in enumerate(["operator", *nicks])
        }
        firsts = [Device(clients[nick], nick, "desktop") for nick in nicks]
        seconds = [Device(clients[nick], nick, "phone") for nick in nicks]
        await asyncio.gather(*(device.register() for device in firsts + seconds))
        droppers = [device for device in seconds if dice.random() < DROPPERS]
        await clients["operator"].create_room(ROOM)
        for device in firsts + droppers:
            device.connect()
        said = await play(script, clients, droppers, deployment, dice)
        for device in seconds:
            await device.drop()
            device.connect()

        history = await read_log(clients["operator"])
        assert [delivery.seq for delivery in history] == list(range(1, len(history) + 1))
        assert {delivery.event_id: delivery.text for delivery in history if delivery.type == 1} == said
        wanted = {nick: owed(history, nick) for nick in nicks}
        async with asyncio.timeout(90):
            for device in firsts + seconds:
                while len(device.shown) < len(wanted[device.profile]):
                    await asyncio.sleep(0.02)
        await asyncio.sleep(0.3)  # whatever should not come has had its chance
        for device in firsts + seconds:
            assert device.shown == wanted[device.profile]
        await asyncio.gather(*(device.drop() for device in firsts + seconds))
        for client in clients.values():
            client.close()

"""A gateway with many devices is killed: how long until each of them has what was said meanwhile,
and how long until those who go elsewhere have caught up there."""

import asyncio
import time

from chatd.client import Client, Stream
from chatd.core.start import HEAD
from chatd.pb.gateway.v1.gateway_pb2 import ClientFrame, Hello, ServerFrame
from chatd.transport.sockets import new_context
from tests.bench.chatd_subject import Chatd
from tests.bench.measure import percentile
from tests.bench.scenarios import Figures
from tests.bench.subject import Options
from tests.bench.zmtp import Dealer
from tests.system.deployment import Deployment


async def shown_at(stream: Stream, text: str) -> float:
    """When the stream shows this."""
    async for delivery in stream:
        if delivery.text == text:
            stream.acknowledge()
            return time.monotonic()
    raise AssertionError("the stream has ended")


async def resume(deployment: Deployment, devices: int) -> list[float]:
    """Seconds from the kill, ascending. All devices are SDK streams of this process; the gateway is
    started again at once, another one takes the send meanwhile."""
    context = new_context(max_sockets=10_000)
    clients = [
        Client(deployment.uri(0), deployment.token, profile=f"p{number}", context=context)
        for number in range(devices)
    ]
    other = Client(deployment.uri(1), deployment.token, profile="sender", call_timeout=30, context=context)
    await other.create_room("r", profiles=[f"p{number}" for number in range(devices)])
    streams = [client.stream("d", start=HEAD) for client in clients]
    for stream in streams:
        await stream.__aenter__()
    async with asyncio.timeout(60):
        await asyncio.gather(*(stream.caught_up() for stream in streams))
    waiting = [asyncio.create_task(shown_at(stream, "while you were away")) for stream in streams]
    (victim, _) = deployment.gateways
    await asyncio.to_thread(victim.kill)
    killed = time.monotonic()
    await other.send("r", "while you were away")
    victim.start(wait=False)
    async with asyncio.timeout(60):
        times = sorted([at - killed for at in await asyncio.gather(*waiting)])
    for stream in streams:
        stream.abandon()
    for client in (*clients, other):
        client.close()
    context.destroy(linger=0)
    return times


async def resumed(chatd: Chatd, _: Options, *, devices: int = 1_000) -> Figures:
    times = await resume(chatd.deployment, devices)
    return {
        "devices": devices,
        "p50_s": percentile(times, 0.5),
        "p99_s": percentile(times, 0.99),
        "last_s": times[-1],
    }


class _Device:
    """A native device: it says Hello at a gateway, and notes when it has caught up."""

    def __init__(self, token: str, profile: str) -> None:
        hello = Hello(token=token, profile_id=profile, device_id="d", version=1, start=HEAD.to_pb())
        self._hello = ClientFrame(hello=hello).SerializeToString()
        self.caught_up_at = 0.0

    async def connect(self, uri: str) -> None:
        self.caught_up_at = 0.0
        dealer = await Dealer(self._on_messages).connect(uri)
        dealer.send(self._hello)

    def _on_messages(self, messages: list[bytes]) -> None:
        if any(ServerFrame.FromString(one).HasField("caught_up") for one in messages):
            self.caught_up_at = time.monotonic()


async def _caught_up(devices: list[_Device], uri: str) -> None:
    async with asyncio.timeout(60):
        await asyncio.gather(*(device.connect(uri) for device in devices))
        while not all(device.caught_up_at for device in devices):
            await asyncio.sleep(0.005)


async def reconnected(chatd: Chatd, _: Options, *, devices: int = 2_000) -> Figures:
    """All connect to the other gateway at once. The load tool shares the cores with it."""
    deployment = chatd.deployment
    made = [_Device(deployment.token, f"p{number}") for number in range(devices)]
    await _caught_up(made, chatd.uris[0])
    await asyncio.to_thread(deployment.gateways[0].kill)
    killed = time.monotonic()
    await _caught_up(made, chatd.uris[1])
    times = sorted(device.caught_up_at - killed for device in made)
    return {
        "devices": devices,
        "p50_s": percentile(times, 0.5),
        "p99_s": percentile(times, 0.99),
        "last_s": times[-1],
    }

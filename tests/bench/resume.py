"""A gateway with many devices is killed: how long until each of them has what was said
meanwhile."""

import asyncio
import time

from chatd.client import Client, Stream
from chatd.transport.sockets import new_context
from tests.bench.chatd_subject import Chatd
from tests.bench.measure import percentile
from tests.bench.scenarios import Figures
from tests.bench.subject import Options
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
    streams = [client.stream("d") for client in clients]
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

"""A gateway with a thousand devices is killed: all of them are back, with what was said meanwhile, within seconds."""

import asyncio
import time
from pathlib import Path

import pytest

from chatd.client import Client, Stream
from chatd.transport.sockets import new_context
from tests.system.deployment import Deployment

DEVICES = 1_000
GOAL = 5.0
"""Seconds from the kill until 99 of 100 devices have shown what was said while the gateway was away."""


async def shown_at(stream: Stream, text: str) -> float:
    """When the stream shows this."""
    async for delivery in stream:
        if delivery.text == text:
            stream.acknowledge()
            return time.monotonic()
    raise AssertionError("the stream has ended")


@pytest.mark.timeout(180)
async def test_a_thousand_devices_resume(tmp_path: Path) -> None:
    context = new_context(max_sockets=10_000)
    with Deployment(tmp_path, f"sqlite:///{tmp_path}/c.db", defaults=1, gateways=2) as deployment:
        clients = [Client(deployment.uri(0), deployment.token, profile=f"p{number}", context=context) for number in range(DEVICES)]
        other = Client(deployment.uri(1), deployment.token, profile="sender", call_timeout=30, context=context)
        await other.create_room("r", profiles=[f"p{number}" for number in range(DEVICES)])
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
        print(f"resumed: p50 {times[DEVICES // 2]:.2f} s, p99 {times[DEVICES * 99 // 100]:.2f} s, last {times[-1]:.2f} s")
        assert times[DEVICES * 99 // 100] < GOAL
        for stream in streams:
            stream.abandon()
        for client in (*clients, other):
            client.close()
    context.destroy(linger=0)

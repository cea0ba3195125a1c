"""A device with a long backlog of bulk catches up while urgent events come in another room: how much later than on an idle device they arrive."""

import asyncio
import time
from contextlib import suppress
from pathlib import Path

from chatd.client import Client, message
from chatd.transport.sockets import new_context
from tests.system.deployment import Deployment

BULK, CALLS = "a-bulk", "b-calls"
"""Rooms; by their ids the bulk would come first."""
EVERY = 0.1
"""Seconds between urgent events."""
IN_FLIGHT = 8
WORK = 0.0001
"""Seconds that an application at leisure takes for an event."""


class Caller:
    """Sends an urgent event every ``EVERY`` seconds and notes when."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.sent_at: dict[str, float] = {}

    async def call(self, times: int | None = None) -> None:
        number = 0
        while times is None or number < times:
            event = message(CALLS, "ring")
            event.priority = 2
            self.sent_at[event.event_id] = time.perf_counter()
            await self._client.send_events([event])
            number += 1
            await asyncio.sleep(EVERY)


async def latencies(client: Client, device: str, caller: Caller, *, calls: int | None, until_seq: int, work: float = 0.0) -> list[float]:
    """Seconds from send to receive of the urgent events that are sent while the device's stream is open. It ends with ``calls`` events,
    or, without that, with the bulk room's event ``until_seq`` and what had been called until then. ``work``: seconds for an event."""
    found: list[float] = []
    async with client.stream(device) as stream:
        if calls is not None:
            await stream.caught_up()
        else:
            await stream.opened()
        caller.sent_at.clear()
        calling = asyncio.create_task(caller.call(calls))
        through = False
        worked_until = time.perf_counter()
        async for delivery in stream:
            sent_at = caller.sent_at.get(delivery.event_id)
            if sent_at is not None:
                found.append(time.perf_counter() - sent_at)
            worked_until = max(time.perf_counter(), worked_until) + work
            if work and worked_until > time.perf_counter() + 0.002:
                await asyncio.sleep(0.002)
            if delivery.room_id == BULK and delivery.seq >= until_seq:
                through = True
                calling.cancel()
            if len(found) == (calls or len(caller.sent_at)) and (calls is not None or through):
                break
        stream.acknowledge()
        with suppress(asyncio.CancelledError):
            await calling
    return found


async def fill(client: Client, events: int) -> int:
    """The seq of the last of so many bulk events."""
    last = 0
    limit = asyncio.Semaphore(IN_FLIGHT)

    async def send(count: int) -> None:
        nonlocal last
        async with limit:
            batch = [message(BULK, "x" * 100) for _ in range(count)]
            for event in batch:
                event.priority = -1
            last = max(last, (await client.send_events(batch))[-1].seq)

    await asyncio.gather(*(send(min(256, events - start)) for start in range(0, events, 256)))
    return last


async def priority(folder: Path, db_uri: str, *, backlog: int, devices: int) -> dict[str, list[float]]:
    """Latencies in seconds, ascending: ``idle``, while each of so many devices catches up, one after the other, and while one at leisure does."""
    context = new_context()
    with Deployment(folder, db_uri or f"sqlite:///{folder}/c.db", defaults=1, gateways=1) as deployment:
        bob = Client(deployment.uri(), deployment.token, profile="bob", context=context)
        alice = Client(deployment.uri(), deployment.token, profile="alice", call_timeout=60, context=context)
        for room in (BULK, CALLS):
            await alice.create_room(room, profiles=["bob"])
        names = [f"d{number}" for number in range(devices)]
        for name in (*names, "leisure"):
            async with bob.stream(name) as stream:
                await stream.opened()
        caller = Caller(alice)
        idle = await latencies(bob, "idle", caller, calls=100, until_seq=0)
        last = await fill(alice, backlog)
        busy: list[float] = []
        for name in names:
            started = time.perf_counter()
            busy += await latencies(bob, name, caller, calls=None, until_seq=last)
            print(f"priority, {name} caught up in {time.perf_counter() - started:.1f} s", flush=True)
        leisure = await latencies(bob, "leisure", caller, calls=None, until_seq=last, work=WORK)
        bob.close()
        alice.close()
    context.destroy(linger=0)
    return {"idle": sorted(idle), "catching_up": sorted(busy), "at_leisure": sorted(leisure)}

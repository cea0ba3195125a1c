"""A device with a long backlog of bulk catches up while urgent events come in another room: how much later than on an idle device they arrive."""

import asyncio
import time
from contextlib import suppress
from pathlib import Path

from chatd.client import BULK, Client, message
from chatd.transport.sockets import new_context
from tests.system.deployment import Deployment

EVERY = 0.1
"""Seconds between urgent events."""
IN_FLIGHT = 8
"""Requests, while the backlog is made."""
WORK = 0.0001
"""Seconds that an application at leisure takes for an event."""


class Caller:
    """Sends an urgent event every ``EVERY`` seconds and notes when."""

    def __init__(self, client: Client, room: str) -> None:
        self._client = client
        self._room = room
        self.sent_at: dict[str, float] = {}

    async def call(self, times: int | None) -> None:
        """So many times; None: until it is cancelled."""
        number = 0
        while times is None or number < times:
            event = message(self._room, "ring", priority=2)
            self.sent_at[event.event_id] = time.perf_counter()
            await self._client.send_events([event])
            number += 1
            await asyncio.sleep(EVERY)


async def idle(client: Client, device: str, caller: Caller, *, calls: int) -> list[float]:
    """Seconds from send to receive when nothing else is owed."""
    found: list[float] = []
    async with client.stream(device) as stream:
        await stream.caught_up()
        calling = asyncio.create_task(caller.call(calls))
        async for delivery in stream:
            found.append(time.perf_counter() - caller.sent_at[delivery.event_id])
            if len(found) == calls:
                break
        stream.acknowledge()
        await calling
    return found


async def catching_up(client: Client, device: str, caller: Caller, *, bulk: tuple[str, int], work: float = 0.0) -> list[float]:
    """The same of what is sent while the stream catches up, until the event ``bulk`` (room, seq) has come. ``work``: seconds for an event."""
    found: list[float] = []
    async with client.stream(device) as stream:
        await stream.opened()
        caller.sent_at.clear()
        calling = asyncio.create_task(caller.call(None))
        worked_until = time.perf_counter()
        async for delivery in stream:
            now = time.perf_counter()
            if delivery.event_id in caller.sent_at:
                found.append(now - caller.sent_at[delivery.event_id])
            if (delivery.room_id, delivery.seq) == bulk:
                calling.cancel()
            if calling.cancelling() and len(found) == len(caller.sent_at):
                break
            worked_until = max(now, worked_until) + work
            if worked_until > now + 0.002:
                await asyncio.sleep(0.002)
        stream.acknowledge()
        with suppress(asyncio.CancelledError):
            await calling
    return found


async def fill(client: Client, room: str, events: int) -> tuple[str, int]:
    """The last of so many bulk events."""
    seqs: list[int] = []
    limit = asyncio.Semaphore(IN_FLIGHT)

    async def send(count: int) -> None:
        async with limit:
            seqs.append((await client.send_events([message(room, "x" * 100, priority=BULK) for _ in range(count)]))[-1].seq)

    await asyncio.gather(*(send(min(256, events - start)) for start in range(0, events, 256)))
    return room, max(seqs)


async def priority(folder: Path, db_uri: str, *, backlog: int, devices: int) -> dict[str, list[float]]:
    """Latencies in seconds, ascending: ``idle``, while each of so many devices catches up, one after the other, and while one at leisure does."""
    context = new_context()
    mark = f"{time.time_ns():x}"
    rooms = (f"a-bulk-{mark}", f"b-calls-{mark}")  # by their ids the bulk would come first
    with Deployment(folder, db_uri or f"sqlite:///{folder}/c.db", defaults=1, gateways=1) as deployment:
        bob = Client(deployment.uri(), deployment.token, profile=f"bob-{mark}", context=context)
        alice = Client(deployment.uri(), deployment.token, profile="alice", call_timeout=60, context=context)
        for room in rooms:
            await alice.create_room(room, profiles=[f"bob-{mark}"])
        names = [f"d{number}" for number in range(devices)]
        for name in (*names, "leisure"):
            async with bob.stream(name) as stream:
                await stream.opened()
        caller = Caller(alice, rooms[1])
        found = {"idle": await idle(bob, "idle", caller, calls=100)}
        last = await fill(alice, rooms[0], backlog)
        found["catching_up"] = [one for name in names for one in await catching_up(bob, name, caller, bulk=last)]
        found["at_leisure"] = await catching_up(bob, "leisure", caller, bulk=last, work=WORK)
        bob.close()
        alice.close()
    context.destroy(linger=0)
    return {name: sorted(seconds) for name, seconds in found.items()}

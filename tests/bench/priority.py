"""A device with a long backlog of bulk catches up while urgent events come in another room: how
much later than on an idle device they arrive."""

import asyncio
import time
from contextlib import suppress

from chatd.client import BULK, HEAD, Client, message
from chatd.transport.sockets import new_context
from tests.bench.chatd_subject import Chatd
from tests.bench.measure import percentile
from tests.bench.scenarios import Figures
from tests.bench.subject import Options

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
        """Call ``times``; None: until it is cancelled."""
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
    async with client.stream(device, start=HEAD) as stream:
        await stream.caught_up()
        calling = asyncio.create_task(caller.call(calls))
        async for delivery in stream:
            found.append(time.perf_counter() - caller.sent_at[delivery.event_id])
            if len(found) == calls:
                break
        stream.acknowledge()
        await calling
    return found


async def catching_up(
    client: Client, device: str, caller: Caller, *, bulk: tuple[str, int], work: float = 0.0
) -> list[float]:
    """The same of what is sent while the stream catches up, until the event ``bulk`` (room, seq)
    has come. ``work``: seconds for an event."""
    found: list[float] = []
    async with client.stream(device, start=HEAD) as stream:
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
            seqs.append(
                (await client.send_events([message(room, "x" * 100, priority=BULK) for _ in range(count)]))[
                    -1
                ].seq
            )

    await asyncio.gather(*(send(min(256, events - start)) for start in range(0, events, 256)))
    return room, max(seqs)


async def priority(chatd: Chatd, _: Options, *, backlog: int = 100_000, devices: int = 10) -> Figures:
    """The time that urgent events take when nothing else is owed, while each of so many devices
    catches up, one after the other, and while one at leisure does; and how much more that is."""
    context = new_context()
    rooms = ("a-bulk", "b-calls")  # by their ids the bulk would come first
    bob = Client(chatd.uris[0], chatd.token, profile="bob", context=context)
    alice = Client(chatd.uris[0], chatd.token, profile="alice", call_timeout=60, context=context)
    for room in rooms:
        await alice.create_room(room, profiles=["bob"])
    names = [f"d{number}" for number in range(devices)]
    for name in (*names, "leisure"):
        async with bob.stream(name, start=HEAD) as stream:
            await stream.opened()
    caller = Caller(alice, rooms[1])
    found = {"idle": await idle(bob, "idle", caller, calls=100)}
    last = await fill(alice, rooms[0], backlog)
    found["catching_up"] = [one for name in names for one in await catching_up(bob, name, caller, bulk=last)]
    found["at_leisure"] = await catching_up(bob, "leisure", caller, bulk=last, work=WORK)
    bob.close()
    alice.close()
    context.destroy(linger=0)
    figures: Figures = {}
    for name, seconds in found.items():
        seconds.sort()
        figures[f"{name}_events"] = len(seconds)
        for share, label in ((0.5, "p50"), (0.99, "p99")):
            figures[f"{name}_{label}_ms"] = percentile(seconds, share) * 1e3
            if name != "idle":
                figures[f"{name}_{label}_more_ms"] = (
                    figures[f"{name}_{label}_ms"] - figures[f"idle_{label}_ms"]
                )
    return figures

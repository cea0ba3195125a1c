"""Scenarios that only chatd can do, or that ask for more than its ports: what is owed, what idles,
how a very large room begins to be served."""

import asyncio
import itertools
import random
import time
from collections.abc import Sequence

from chatd.client import Client, message
from tests.bench.chatd_devices import HEARTBEAT_SECONDS
from tests.bench.chatd_subject import Chatd
from tests.bench.flow import ClosedLoop
from tests.bench.measure import Usage, percentile, rss_kib
from tests.bench.scenarios import Figures, drawn, measured
from tests.bench.subject import Options, Tally, filling, stamp

_EVENTS_A_CALL = 100


async def catch_up(chatd: Chatd, options: Options, *, devices: int = 10_000, owed: int = 100) -> Figures:
    """``devices`` in rooms of 100, each owed ``owed`` events, connect at once."""
    members = [f"m{number}" for number in range(devices)]
    rooms = {f"r{start}": members[start : start + 100] for start in range(0, devices, 100)}
    tally = Tally()
    receivers = await chatd.receivers(rooms, tally)  # registers the devices
    receivers.close()
    for room in rooms:
        await _fill(chatd, room, owed, options.body)
    tally = Tally()
    usage, memory = Usage(chatd.processes()), _Memory(chatd)
    started = time.perf_counter()
    watching = asyncio.create_task(memory.watch())
    receivers = await chatd.devices(members, tally)
    took = time.perf_counter() - started
    watching.cancel()
    used = usage.stop()
    expected = devices * owed
    receivers.close()
    return {
        "devices": devices,
        "events_per_second": tally.deliveries / took,
        "server_cpu_us_per_event": sum(cpu for cpu, _ in used.values()) / max(1, tally.deliveries) * 1e6,
        "seconds": took,
        "largest_process_mib": memory.largest,
        "missing": max(0, expected - tally.deliveries),
    }


class _Memory:
    """The most that any of chatd's processes has held, in MiB."""

    def __init__(self, chatd: Chatd) -> None:
        self._chatd = chatd
        self.largest = 0.0

    async def watch(self) -> None:
        while True:
            pids = [pid for group in self._chatd.processes().values() for pid in group]
            self.largest = max(self.largest, *(rss_kib(pid) / 1024 for pid in pids))
            await asyncio.sleep(0.1)


async def idle(chatd: Chatd, options: Options, *, connections: int = 8_000) -> Figures:
    """Connections that say nothing but heartbeats, each every ten seconds; and a while without even
    these."""
    (gateway,) = chatd.processes()["gateway"]
    before = rss_kib(gateway)
    members = [f"idle{number}" for number in range(connections)]
    receivers = await chatd.devices(members, Tally())
    await asyncio.sleep(HEARTBEAT_SECONDS)
    figures: Figures = {
        "connections": connections,
        "kib_per_connection": (rss_kib(gateway) - before) / connections,
    }
    figures |= await _used(chatd, "", max(2 * HEARTBEAT_SECONDS, options.seconds))
    receivers.hush()
    figures |= await _used(chatd, "_without_heartbeats", HEARTBEAT_SECONDS)
    receivers.close()
    return figures


async def _used(chatd: Chatd, when: str, seconds: float) -> Figures:
    usage = Usage(chatd.processes())
    await asyncio.sleep(seconds)
    return {f"{name}_cpu_percent{when}": cpu / seconds * 100 for name, (cpu, _) in usage.stop().items()}


async def large_room(chatd: Chatd, options: Options, *, members: int = 100_000, sends: int = 50) -> Figures:
    """A room of very many members, one of them online: how soon it gets what is sent."""
    tally = Tally()
    await chatd.make_rooms({"r": [f"m{number}" for number in range(members)]})
    receivers = await chatd.devices(["m0"], tally)
    took = []
    async with Client(chatd.uris[0], chatd.token, profile="sender") as client:
        for _ in range(sends):
            before, started = tally.deliveries, time.perf_counter()
            sending = asyncio.create_task(client.send("r", stamp(started, filling(options.body)).decode()))
            while tally.deliveries == before:
                await asyncio.sleep(0.0005)
            took.append((time.perf_counter() - started) * 1e3)
            await sending
    receivers.close()
    first, rest = took[0], sorted(took[1:])
    return {
        "members": members,
        "first_ms": first,
        "p50_ms": percentile(rest, 0.5),
        "p99_ms": percentile(rest, 0.99),
    }


async def stored(
    chatd: Chatd, options: Options, *, events: Sequence[int] = (1_000, 10_000, 100_000, 1_000_000)
) -> Figures:
    """The cost of a delivery in a room that holds so many events already; 100 devices, 64 sends
    under way. Each size has its own room."""
    figures: Figures = {}
    for count in events:
        room, members = f"r{count}", [f"m{count}-{number}" for number in range(100)]
        await chatd.make_rooms({room: []})
        await _fill(chatd, room, count, options.body)
        async with Client(chatd.uris[0], chatd.token, profile="sender") as client:
            await client.add_members(room, members)
        tally = Tally()
        receivers = await chatd.devices(members, tally)
        flow = ClosedLoop(itertools.repeat((room, filling(options.body))), in_flight=64)
        found = await measured(chatd, {room: members}, tally, flow, options.seconds)
        receivers.close()
        figures |= _of(count, found)
    return {
        **figures,
        "largest_over_smallest": figures[f"us_per_delivery_{events[-1]}"]
        / figures[f"us_per_delivery_{events[0]}"],
    }


async def made(
    chatd: Chatd, options: Options, *, rooms: Sequence[int] = (100, 1_000, 10_000, 100_000)
) -> Figures:
    """The cost of a delivery when so many rooms exist, all sent to alike: 10 of 200 profiles in
    each, 64 sends under way."""
    figures: Figures = {}
    members = [f"m{number}" for number in range(200)]
    tally = Tally()
    receivers = await chatd.devices(members, tally)
    dice = random.Random(1)
    known: dict[str, list[str]] = {}
    for count in rooms:
        new = {f"r{number}": dice.sample(members, 10) for number in range(len(known), count)}
        await chatd.make_rooms(new)
        known |= new
        await _quiet(tally)
        flow = ClosedLoop(drawn(dice, list(known), [1.0] * len(known), filling(options.body)), in_flight=64)
        figures |= _of(count, await measured(chatd, known, tally, flow, options.seconds))
    receivers.close()
    return {
        **figures,
        "largest_over_smallest": figures[f"us_per_delivery_{rooms[-1]}"]
        / figures[f"us_per_delivery_{rooms[0]}"],
    }


def _of(count: int, found: Figures) -> Figures:
    return {
        f"us_per_delivery_{count}": found["server_cpu_us_per_delivery"],
        f"deliveries_per_second_{count}": found["deliveries_per_second"],
        f"missing_{count}": found["missing"],
    }


async def _quiet(tally: Tally) -> None:
    """Until who joined has been delivered."""
    before = -1
    while before != tally.deliveries:
        before = tally.deliveries
        await asyncio.sleep(1.0)


async def _fill(chatd: Chatd, room: str, events: int, body: int) -> None:
    async with Client(chatd.uris[0], chatd.token, profile="sender", call_timeout=60) as client:
        gate = asyncio.Semaphore(8)

        async def send(count: int) -> None:
            async with gate:
                await client.send_events(
                    [message(room, stamp(0.0, filling(body)).decode()) for _ in range(count)]
                )

        await asyncio.gather(
            *(send(min(_EVENTS_A_CALL, events - start)) for start in range(0, events, _EVENTS_A_CALL))
        )

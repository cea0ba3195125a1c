"""Scenarios that any system can be asked for. Each takes a system that was just started on nothing,
and gives figures, units in their names."""

import asyncio
import itertools
import os
import random
import time
from collections.abc import Iterator, Mapping, Sequence

from tests.bench.flow import ClosedLoop, OpenLoop, Said, until
from tests.bench.measure import Usage, percentile, rss_mib
from tests.bench.subject import Options, Subject, Tally, WritesALog, filling
from tests.system.irc import LOGS, steps

WARM_UP_SECONDS = 1.0
ARRIVAL_SECONDS = 30.0
"""Seconds that are waited at the end for what is still under way."""
LOAD = "load"
Figures = dict[str, float]


async def one_room(subject: Subject, options: Options, *, members: int, in_flight: int) -> Figures:
    """One sender, one room, every member a device that acknowledges. ``in_flight`` sends are under
    way always."""
    rooms = {"r": [f"m{number}" for number in range(members)]}
    return await closed_loop(
        subject,
        rooms,
        itertools.repeat(("r", filling(options.body))),
        in_flight=in_flight,
        seconds=options.seconds,
    )


async def closed_loop(
    subject: Subject,
    rooms: Mapping[str, Sequence[str]],
    said: Iterator[Said],
    *,
    in_flight: int,
    seconds: float,
) -> Figures:
    """As much as the system takes with ``in_flight`` sends under way."""
    tally = Tally()
    receivers = await subject.receivers(rooms, tally)
    figures = await measured(subject, rooms, tally, ClosedLoop(said, in_flight=in_flight), seconds)
    receivers.close()
    return figures


async def many_rooms(
    subject: Subject,
    options: Options,
    *,
    deliveries_per_second: float | None,
    profiles: int = 10_000,
    rooms: int = 2_000,
) -> Figures:
    """``rooms`` of 2 to 50 members, small ones the more numerous; popular rooms (Zipf) are sent to
    more often. The rate of sends, at random times, is such that ``deliveries_per_second`` should
    come of them; None: as many as the system takes with 64 sends under way."""
    dice = random.Random(1)
    made = zipf_rooms(dice, profiles=profiles, rooms=rooms)
    weights = [1.0 / (rank + 1) for rank in range(rooms)]
    said = drawn(dice, list(made), weights, filling(options.body))
    if deliveries_per_second is None:
        return await closed_loop(subject, made, said, in_flight=64, seconds=options.seconds)
    mean = sum(weight * len(members) for weight, members in zip(weights, made.values(), strict=True)) / sum(
        weights
    )
    tally = Tally()
    receivers = await subject.receivers(made, tally)
    flow = OpenLoop(said, rate=deliveries_per_second / mean, dice=dice)
    figures = await measured(subject, made, tally, flow, options.seconds)
    figures["offered_deliveries_per_second"] = deliveries_per_second
    receivers.close()
    return figures


def zipf_rooms(dice: random.Random, *, profiles: int, rooms: int) -> dict[str, list[str]]:
    """2 to 50 members each; half of the rooms have fewer than six."""
    sizes = range(2, 51)
    drawn = dice.choices(sizes, weights=[size**-1.5 for size in sizes], k=rooms)
    return {
        f"r{number}": [f"m{one}" for one in dice.sample(range(profiles), size)]
        for number, size in enumerate(drawn)
    }


def drawn(dice: random.Random, rooms: Sequence[str], weights: Sequence[float], text: bytes) -> Iterator[Said]:
    """The same in rooms at random, for ever."""
    sums = list(itertools.accumulate(weights))
    while True:
        for room in dice.choices(rooms, cum_weights=sums, k=1000):
            yield room, text


async def replay(subject: Subject, options: Options) -> Figures:
    """Real logs, over and over: a room for each, its nicks the members of it, 64 lines under way.
    Raises FileNotFoundError without the logs."""
    rooms: dict[str, list[str]] = {}
    lines: list[list[Said]] = []
    nicks: dict[str, str] = {}
    for number, log in enumerate(sorted(LOGS.glob("*.log"))):
        said = [step for step in steps(log) if step.kind == "say"]
        rooms[f"r{number}"] = [
            nicks.setdefault(nick, f"m{len(nicks)}") for nick in dict.fromkeys(step.nick for step in said)
        ]
        lines.append([(f"r{number}", step.text.encode()) for step in said])
    if not rooms:
        raise FileNotFoundError("the chat logs of ../shared/data/irc are not here")
    together = [line for turn in itertools.zip_longest(*lines) for line in turn if line is not None]
    return await closed_loop(subject, rooms, itertools.cycle(together), in_flight=64, seconds=options.seconds)


async def measured(
    subject: Subject,
    rooms: Mapping[str, Sequence[str]],
    tally: Tally,
    flow: ClosedLoop | OpenLoop,
    seconds: float,
) -> Figures:
    """The figures of ``flow`` over so many seconds after a warm-up; ``missing`` is what had not
    arrived long after its end."""
    await asyncio.sleep(WARM_UP_SECONDS)
    before = tally.deliveries  # chatd also delivers who joined
    await flow.start(subject, list(rooms))
    await asyncio.sleep(WARM_UP_SECONDS)
    tally.forget()
    del flow.latencies[:]
    figures = await _stretch(subject, tally, flow, seconds)
    flow.stop()
    wanted = sum(count * len(rooms[room]) for room, count in flow.sent_to.items())
    await until(lambda: flow.acked == flow.sent and tally.deliveries - before >= wanted, ARRIVAL_SECONDS)
    flow.close()
    return {**figures, "missing": wanted - (tally.deliveries - before)}


async def _stretch(subject: Subject, tally: Tally, flow: ClosedLoop | OpenLoop, seconds: float) -> Figures:
    processes = subject.processes()
    log_bytes = subject.log_bytes() if isinstance(subject, WritesALog) else 0
    usage = Usage({**processes, LOAD: [os.getpid()]})
    deliveries, acked, started = tally.deliveries, flow.acked, time.perf_counter()
    await asyncio.sleep(seconds)
    took = time.perf_counter() - started
    used = usage.stop()
    deliveries, acked = tally.deliveries - deliveries, flow.acked - acked
    written = sum(count for name, (_, count) in used.items() if name != LOAD)
    if isinstance(subject, WritesALog):
        written = subject.log_bytes() - log_bytes
    server = sum(cpu for name, (cpu, _) in used.items() if name != LOAD)
    figures = {
        "deliveries_per_second": deliveries / took,
        "sends_per_second": acked / took,
        "server_cpu_us_per_delivery": server / max(1, deliveries) * 1e6,
        "load_tool_cpu_share": used[LOAD][0] / (server + used[LOAD][0]),
        "load_tool_cores": used[LOAD][0] / took,
        "server_cores": server / took,
        "written_bytes_per_event": written / max(1, acked),
        "rss_mib": rss_mib(subject.processes()),
    }
    for name, latencies in (("receive", sorted(tally.latencies)), ("ack", sorted(flow.latencies))):
        for share, label in ((0.5, "p50"), (0.99, "p99"), (0.999, "p99.9")):
            figures[f"{name}_{label}_ms"] = percentile(latencies, share) * 1e3
    if len(processes) > 1:
        figures |= {
            f"{group}_cpu_us_per_delivery": used[group][0] / max(1, deliveries) * 1e6 for group in processes
        }
    return figures

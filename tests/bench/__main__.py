"""make bench: what one default node and one gateway do, with the load tool on the same cores. Prints a table, then the same as JSON.

Deliveries, latencies and the servers' own CPU time (from /proc) are taken over the same stretch; SQLite runs with synchronous=FULL.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from pathlib import Path

import uvloop

from chatd.client import Client
from chatd.transport.sockets import new_context
from tests.bench.load import Devices, Sender
from tests.bench.measure import cpu_seconds, percentile, rss_kib
from tests.bench.priority import priority
from tests.bench.resume import resume
from tests.bench.servers import Servers
from tests.bench.slow_device import slow_device


async def hot_room(servers: Servers, *, in_flight: int, devices: int, seconds: float, body: int) -> dict[str, float]:
    """One sender, one room, ``devices`` devices of as many members, all acking."""
    context = new_context(max_sockets=65_536)
    uri, token = servers.gateway.uri, servers.token
    profiles = [f"p{number}" for number in range(devices)]
    room = f"hot-{time.time_ns():x}"
    async with Client(uri, token, profile="sender", context=context) as client:
        await client.create_room(room, profiles=profiles[:999])
        for start in range(999, devices, 999):
            await client.add_members(room, profiles[start : start + 999])
    receivers = Devices(context, uri, token, [(profile, "d") for profile in profiles])
    await receivers.open()
    sender = Sender(context, uri, token, "sender", room, body=body, in_flight=in_flight)
    receivers.sent_at = sender.sent_at
    await sender.start()
    await asyncio.sleep(1.0)
    receivers.latencies = type(receivers.latencies)("d")
    sender.ack_latencies = type(sender.ack_latencies)("d")
    before, deliveries, acked, started = servers.cpu(), receivers.deliveries, sender.acked, time.perf_counter()
    await asyncio.sleep(seconds)
    took = time.perf_counter() - started
    after, deliveries, acked = servers.cpu(), receivers.deliveries - deliveries, sender.acked - acked
    latencies, acks = sorted(receivers.latencies), sorted(sender.ack_latencies)
    sender.running = False
    deadline = time.monotonic() + 10
    while receivers.deliveries < sender.acked * devices and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    missing = sender.acked * devices - receivers.deliveries
    sender.close()
    receivers.close()
    context.destroy(linger=0)
    used = {name: after[name] - before[name] for name in before}
    server = used["default"] + used["gateway"]
    return {
        "in_flight": in_flight,
        "deliveries_per_second": deliveries / took,
        "sends_per_second": acked / took,
        "server_cpu_us_per_delivery": server / deliveries * 1e6,
        "default_cpu_us_per_delivery": used["default"] / deliveries * 1e6,
        "gateway_cpu_us_per_delivery": used["gateway"] / deliveries * 1e6,
        "load_tool_cpu_share": used["load"] / (server + used["load"]),
        "receive_p50_ms": percentile(latencies, 0.5) * 1e3,
        "receive_p99_ms": percentile(latencies, 0.99) * 1e3,
        "ack_p50_ms": percentile(acks, 0.5) * 1e3,
        "ack_p99_ms": percentile(acks, 0.99) * 1e3,
        "missing": missing,
    }


async def idle(servers: Servers, connections: int) -> dict[str, float]:
    """What a connection that says nothing costs the gateway."""
    context = new_context(max_sockets=65_536)
    before = rss_kib(servers.gateway.pid)
    devices = Devices(context, servers.gateway.uri, servers.token, [(f"idle{number}", "d") for number in range(connections)])
    await devices.open()
    after = rss_kib(servers.gateway.pid)
    cpu, started = cpu_seconds(servers.gateway.pid), time.perf_counter()
    await asyncio.sleep(5)
    share = (cpu_seconds(servers.gateway.pid) - cpu) / (time.perf_counter() - started)
    devices.close()
    context.destroy(linger=0)
    return {"connections": connections, "kib_per_connection": (after - before) / connections, "cpu_percent": share * 100}


def priority_figures(latencies: dict[str, list[float]]) -> dict[str, float]:
    """What urgent events take, and how much longer than when nothing else is owed."""
    figures: dict[str, float] = {}
    for name, seconds in latencies.items():
        figures[f"{name}_events"] = len(seconds)
        for share, title in ((0.5, "p50"), (0.99, "p99")):
            figures[f"{name}_{title}_ms"] = percentile(seconds, share) * 1e3
            if name != "idle":
                figures[f"{name}_{title}_more_ms"] = figures[f"{name}_{title}_ms"] - figures[f"idle_{title}_ms"]
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="measured stretch of each run")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each; medians are shown")
    parser.add_argument("--devices", type=int, default=100)
    parser.add_argument("--body", type=int, default=200, help="bytes of text")
    parser.add_argument("--idle", type=int, default=2000, help="connections of the idle run")
    parser.add_argument("--resume", type=int, default=1000, help="devices at a gateway that is killed")
    parser.add_argument("--backlog", type=int, default=100_000, help="bulk events owed to each device that urgent ones are sent to")
    parser.add_argument("--beside", type=int, default=500, help="devices beside one that takes nothing")
    parser.add_argument("--db", default="", help="DB_URI; default: a fresh SQLite file")
    arguments = parser.parse_args()
    report: dict[str, object] = {}
    for in_flight in (64, 1):
        runs = []
        for number in range(arguments.repeat):
            with tempfile.TemporaryDirectory() as folder, Servers(Path(folder), arguments.db) as servers:
                run = uvloop.run(
                    hot_room(servers, in_flight=in_flight, devices=arguments.devices, seconds=arguments.seconds, body=arguments.body)
                )
            runs.append(run)
            print(f"hot-room, {in_flight} in flight, run {number + 1}: {run['deliveries_per_second']:,.0f} deliveries/s", flush=True)
        report[f"hot-room-{in_flight}"] = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    with tempfile.TemporaryDirectory() as folder, Servers(Path(folder), arguments.db) as servers:
        report["idle"] = uvloop.run(idle(servers, arguments.idle))
    with tempfile.TemporaryDirectory() as folder:
        times = uvloop.run(resume(Path(folder), arguments.resume))
        report["resume"] = {"devices": len(times), "p50_s": percentile(times, 0.5), "p99_s": percentile(times, 0.99), "last_s": times[-1]}
    with tempfile.TemporaryDirectory() as folder:
        report["priority"] = priority_figures(uvloop.run(priority(Path(folder), arguments.db, backlog=arguments.backlog, devices=10)))
    with tempfile.TemporaryDirectory() as folder:
        report["slow-device"] = uvloop.run(slow_device(Path(folder), devices=arguments.beside, body=arguments.body))
    for name, figures in report.items():
        print(f"\n{name}")
        assert isinstance(figures, dict)
        for key, value in figures.items():
            print(f"  {key.replace('_', ' '):<30} {value:>14,.2f}")
    print("\n" + json.dumps(report))


if __name__ == "__main__":
    main()

"""One device that takes nothing among many that do: does it make the others wait, and does the
gateway grow?"""

import asyncio
import time

from chatd.core.start import HEAD
from chatd.pb.gateway.v1.gateway_pb2 import Hello
from tests.bench.chatd_subject import Chatd
from tests.bench.measure import percentile, rss_kib
from tests.bench.scenarios import Figures
from tests.bench.subject import Options, Tally, filling, stamp
from tests.bench.wires.native import NativeDevice
from tests.bench.wires.websocket import BinaryDevice
from tests.bench.wires.wire import Device

ROUNDS = 4
ROUND_SECONDS = 4.0
PAUSE_SECONDS = 0.01
"""Between two sends: a room that talks, not one that floods."""


async def _takes_nothing(chatd: Chatd) -> Device:
    """A device that says Hello, and neither reads nor acknowledges what it is sent."""
    device = chatd.wire.make(lambda messages: None)
    hello = Hello(
        token=chatd.token,
        profile_id="slow",
        device_id="d",
        version=1,
        window_messages=10_000,
        window_bytes=16 << 20,
        start=HEAD.to_pb(),
    )
    await device.connect(chatd.device_uris[0], hello)
    await asyncio.sleep(0.5)
    if not isinstance(device, NativeDevice | BinaryDevice):
        raise TypeError(f"{type(device).__name__} cannot stop to read")
    device.stop_reading()
    return device


async def slow_device(chatd: Chatd, options: Options, *, devices: int = 500) -> Figures:
    """Rounds with and without the slow device, in turn; the fast ones' send → receive."""
    tally = Tally()
    members = [f"m{number}" for number in range(devices)]
    await chatd.make_rooms({"r": [*members, "slow"]})
    receivers = await chatd.devices(members, tally)
    acked: list[object] = []
    sender = await chatd.sender(["r"], acked.append)
    (gateway,) = chatd.processes()["gateway"]
    latencies: dict[bool, list[float]] = {False: [], True: []}
    grown = 0
    for number in range(2 * ROUNDS + 1):
        beside = number % 2 == 0
        slow = await _takes_nothing(chatd) if beside else None
        tally.forget()
        before, end = rss_kib(gateway), time.perf_counter() + ROUND_SECONDS
        while (now := time.perf_counter()) < end:
            sender.send("r", stamp(now, filling(options.body)), None)
            await asyncio.sleep(PAUSE_SECONDS)
        await asyncio.sleep(0.5)
        if number:  # the first round warms up
            latencies[beside] += tally.latencies
            grown = max(grown, rss_kib(gateway) - before)
        if slow is not None:
            slow.close()
    sender.close()
    receivers.close()
    figures: Figures = {"devices": devices, "owed_to_the_slow_one": len(acked), "gateway_grew_kib": grown}
    for beside, values in latencies.items():
        ascending = sorted(values)
        name = "beside" if beside else "alone"
        figures |= {
            f"{name}_{label}_ms": percentile(ascending, share) * 1e3
            for share, label in ((0.5, "p50"), (0.99, "p99"))
        }
    figures["p99_ratio"] = figures["beside_p99_ms"] / figures["alone_p99_ms"]
    return figures

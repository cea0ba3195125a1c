"""One device that takes nothing among many that do: does it make the others wait, and does the gateway grow?"""

import asyncio
import time
from pathlib import Path

from chatd.client import Client
from chatd.pb.gateway.v1.gateway_pb2 import ClientFrame, Hello
from chatd.transport.pump import PeerFull, Pump
from chatd.transport.sockets import Context, connect_dealer, new_context
from tests.bench.load import Devices, Sender
from tests.bench.measure import percentile, rss_kib
from tests.bench.servers import Servers

ROUNDS = 4
ROUND_SECONDS = 4.0
PAUSE_SECONDS = 0.01  # between two sends: a room that talks, not one that floods


class _Slow:
    """Says Hello and nothing more: what it is sent stays unacknowledged."""

    def __init__(self, context: Context, uri: str, token: str) -> None:
        self._pump = Pump(asyncio.get_running_loop(), connect_dealer(context, uri), lambda batch: None)
        self._hello = ClientFrame(hello=Hello(token=token, profile_id="slow", device_id="d", version=1)).SerializeToString()

    async def open(self) -> None:
        while True:
            try:
                self._pump.send((self._hello,))
            except PeerFull:
                await asyncio.sleep(0.002)
            else:
                return

    def close(self) -> None:
        self._pump.close()


async def slow_device(folder: Path, *, devices: int, body: int) -> dict[str, float]:
    """Rounds with and without the slow device, in turn; the fast ones' send → receive."""
    context = new_context(max_sockets=4_096)
    with Servers(folder, "") as servers:
        uri, token = servers.gateway.uri, servers.token
        profiles = [f"p{number}" for number in range(devices)]
        async with Client(uri, token, profile="sender", context=context) as client:
            await client.create_room("r", profiles=[*profiles, "slow"])
        receivers = Devices(context, uri, token, [(profile, "d") for profile in profiles])
        await receivers.open()
        sender = Sender(context, uri, token, "sender", "r", body=body, in_flight=0)
        receivers.sent_at = sender.sent_at
        await sender.connected()
        latencies: dict[bool, list[float]] = {False: [], True: []}
        grown = 0
        for number in range(2 * ROUNDS + 1):
            beside = number % 2 == 0
            slow = _Slow(context, uri, token)
            if beside:
                await slow.open()
                await asyncio.sleep(0.5)
            receivers.latencies = type(receivers.latencies)("d")
            before, end = rss_kib(servers.gateway.pid), time.perf_counter() + ROUND_SECONDS
            while time.perf_counter() < end:
                sender.send()
                await asyncio.sleep(PAUSE_SECONDS)
            await asyncio.sleep(0.5)
            if number:  # the first round warms up
                latencies[beside] += receivers.latencies
                grown = max(grown, rss_kib(servers.gateway.pid) - before)
            slow.close()
        owed = sender.acked
        sender.close()
        receivers.close()
    context.destroy(linger=0)
    figures = {"devices": float(devices), "owed_to_the_slow_one": float(owed), "gateway_grew_kib": float(grown)}
    for beside, values in latencies.items():
        ascending = sorted(values)
        name = "beside" if beside else "alone"
        figures |= {f"{name}_p50_ms": percentile(ascending, 0.5) * 1e3, f"{name}_p99_ms": percentile(ascending, 0.99) * 1e3}
    figures["p99_ratio"] = figures["beside_p99_ms"] / figures["alone_p99_ms"]
    return figures

"""`make bench-guard`: fails when a delivery has become much more expensive. CI runs it.

Ratios are compared: the daemon's CPU time per delivery to that of a reference loop, measured in
turn in the same run. The loop has the same shape (sockets of libzmq over TCP, a protobuf message
for each, an ack, look-ups) and none of chatd's code. So a slower machine, or one that is shared,
moves both. The median of the rounds is compared with what ``guard.json`` recorded. If one is over
its limit, all is measured once more and the better of both medians counts: other work on the
machine passes, a regression stays.

Metrics: each process is scraped, and a scrape each second may take no more than SCRAPE_SHARE of a
core. In every round, one stretch of the hot room is measured while all are scraped, beside one
while none is; their ratio is shown, and swings more than what it measures.
"""

import argparse
import itertools
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import uvloop
import zmq

from chatd.pb.gateway.v1.gateway_pb2 import Ack, ClientFrame
from tests.bench.chatd_subject import Chatd
from tests.bench.flow import ClosedLoop
from tests.bench.scenarios import drawn, measured, zipf_rooms
from tests.bench.scrapes import cores_of_scrapes, scraped
from tests.bench.subject import Options, Tally, filling

RECORDED = Path(__file__).with_name("guard.json")
WORSE = 1.3
"""Times what is recorded: a regression."""
SCRAPE_SHARE = 0.02
"""The share of a core."""
MEMBERS = 100
IN_FLIGHT = {"hot-room": 64, "ping": 1}
MANY_ROOMS = "many-rooms"
MANY_IN_FLIGHT = 16
SMALL_ROOMS = 300
PROFILES = 1_000
"""In the small rooms, 2 to 50 in each."""
PEERS = 50
REFERENCE_TURNS = 150
BODY = bytes(300)


def reference() -> float:
    """CPU microseconds, of this process, for a delivery and its ack without chatd."""
    context = zmq.Context()
    router = context.socket(zmq.ROUTER)
    port = router.bind_to_random_port("tcp://127.0.0.1")
    dealers = [context.socket(zmq.DEALER) for _ in range(PEERS)]
    for dealer in dealers:
        dealer.connect(f"tcp://127.0.0.1:{port}")
        dealer.send(b"")
    peers = {router.recv_multipart()[0]: 0 for _ in range(PEERS)}
    started = time.process_time()
    for turn in range(1, REFERENCE_TURNS + 1):
        for routing_id in peers:
            router.send_multipart((routing_id, BODY))
        for dealer in dealers:
            dealer.recv()
            dealer.send(ClientFrame(ack=Ack(up_to=turn)).SerializeToString())
        for _ in range(PEERS):
            routing_id, data = router.recv_multipart()
            frame = ClientFrame.FromString(data)
            if frame.WhichOneof("kind") == "ack":
                peers[routing_id] = max(peers[routing_id], frame.ack.up_to)
    took = time.process_time() - started
    context.destroy(linger=0)
    return took / (REFERENCE_TURNS * PEERS) * 1e6


async def ratios(chatd: Chatd, rounds: int, options: Options) -> dict[str, list[float]]:
    """By scenario, a ratio for each round."""
    rooms = {"r": [f"m{number}" for number in range(MEMBERS)]}
    tally = Tally()
    receivers = await chatd.receivers(rooms, tally)

    async def cost_of(name: str) -> float:
        """Server CPU microseconds for a delivery."""
        flow = ClosedLoop(itertools.repeat(("r", filling(options.body))), in_flight=IN_FLIGHT[name])
        figures = await measured(chatd, rooms, tally, flow, options.seconds)
        if figures["missing"]:
            raise RuntimeError(f"{name}: {figures['missing']:.0f} deliveries are missing")
        return figures["server_cpu_us_per_delivery"]

    found: dict[str, list[float]] = {name: [] for name in IN_FLIGHT}
    watched: list[float] = []
    for number in range(rounds):
        for name in IN_FLIGHT:
            before = reference()
            cost = await cost_of(name)
            loop = (before + reference()) / 2
            found[name].append(cost / loop)
            print(f"{name}: {cost:.2f} µs, the loop {loop:.2f} µs: {found[name][-1]:.3f}", flush=True)
        # One before the other in turn: a machine that grows slower is no fault of either.
        costs: dict[bool, float] = {}
        for is_scraped in (number % 2 == 0, number % 2 == 1):
            async with scraped(chatd) if is_scraped else nullcontext():
                costs[is_scraped] = await cost_of("hot-room")
        watched.append(costs[True] / costs[False])
    print(f"hot-room while it is scraped: {statistics.median(watched):.3f} times as much", flush=True)
    shares = await cores_of_scrapes(chatd)
    receivers.close()
    for mode, share in shares.items():
        print(f"a scrape of {mode} each second: {share:.2%} of a core", flush=True)
        if share > SCRAPE_SHARE:
            raise RuntimeError(f"the metrics of {mode} cost more than {SCRAPE_SHARE:.0%} of a core")
    return found


async def ratios_of_many_rooms(chatd: Chatd, rounds: int, options: Options) -> list[float]:
    """The same for small rooms: what an event and its cursors cost when few of them are
    neighbours."""
    dice = random.Random(1)
    rooms = zipf_rooms(dice, profiles=PROFILES, rooms=SMALL_ROOMS)
    weights = [1.0 / (rank + 1) for rank in range(SMALL_ROOMS)]
    said = drawn(dice, list(rooms), weights, filling(options.body))
    tally = Tally()
    receivers = await chatd.receivers(rooms, tally)
    found = []
    for _ in range(rounds):
        before = reference()
        figures = await measured(
            chatd, rooms, tally, ClosedLoop(said, in_flight=MANY_IN_FLIGHT), options.seconds
        )
        if figures["missing"]:
            raise RuntimeError(f"{MANY_ROOMS}: {figures['missing']:.0f} deliveries are missing")
        cost, loop = figures["server_cpu_us_per_delivery"], (before + reference()) / 2
        found.append(cost / loop)
        print(f"{MANY_ROOMS}: {cost:.2f} µs, the loop {loop:.2f} µs: {found[-1]:.3f}", flush=True)
    receivers.close()
    return found


async def all_ratios(chatd: Chatd, rounds: int, options: Options) -> dict[str, list[float]]:
    """Those of the one room and of many, one after the other: idle devices would count."""
    found = await ratios(chatd, rounds, options)
    return {**found, MANY_ROOMS: await ratios_of_many_rooms(chatd, rounds, options)}


def measure(rounds: int) -> dict[str, float]:
    """The median of each scenario's ratios, on a chatd of its own."""
    with tempfile.TemporaryDirectory(prefix="chatd-bench-") as folder:
        chatd = Chatd(metrics=True)
        chatd.start(Path(folder))
        try:
            found = uvloop.run(all_ratios(chatd, rounds, Options(seconds=1.5)))
        finally:
            chatd.stop()
    return {name: statistics.median(each) for name, each in found.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.guard",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--record", action="store_true", help="make these ratios what later runs are compared with"
    )
    given = parser.parse_args(arguments)
    medians = measure(given.rounds)
    if given.record:
        RECORDED.write_text(
            json.dumps({name: round(ratio, 3) for name, ratio in medians.items()}, indent=1) + "\n"
        )
        return 0
    recorded: dict[str, float] = json.loads(RECORDED.read_text())
    if any(ratio >= recorded[name] * WORSE for name, ratio in medians.items()):
        print("over a limit; once more", flush=True)
        medians = {name: min(medians[name], ratio) for name, ratio in measure(given.rounds).items()}
    worse = {name: ratio for name, ratio in medians.items() if ratio >= recorded[name] * WORSE}
    for name, ratio in medians.items():
        print(
            f"{name}: {ratio:.3f} times the loop; {recorded[name]:.3f} recorded, "
            f"{recorded[name] * WORSE:.3f} is the limit"
        )
    for name in worse:
        print(f"{name} has become slower by {worse[name] / recorded[name] - 1:.0%}", file=sys.stderr)
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())

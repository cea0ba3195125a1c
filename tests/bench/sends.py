"""Sends as fast as they are stored: large rooms, nearly all of whose members are away. The shape of
the test that WuKongIM publishes: 100 rooms of 100 members, one of them online.

Its machine had 16 cores. A model says what chatd would hold there: the CPU that a send costs here,
in as many processes as can share the work. On SQLite that is one default node, whose interpreter
fills one core.
"""

import random

from tests.bench.chatd_subject import Chatd
from tests.bench.flow import ClosedLoop
from tests.bench.scenarios import Figures, drawn, measured
from tests.bench.subject import Options, Tally, filling

ROOMS = 100
MEMBERS = 100
IN_FLIGHT = 256
"""Sends under way: enough that the writer always finds some."""
MODEL_CORES = 16


async def sends(chatd: Chatd, options: Options) -> Figures:
    """To all rooms alike, by one sender. Each send is acknowledged when it is on the disk."""
    rooms = {f"r{number}": [f"m{number}-{one}" for one in range(MEMBERS)] for number in range(ROOMS)}
    await chatd.make_rooms(rooms)
    online = {room: members[:1] for room, members in rooms.items()}
    tally = Tally()
    receivers = await chatd.devices([members[0] for members in online.values()], tally)
    said = drawn(random.Random(1), list(rooms), [1.0] * ROOMS, filling(options.body))
    found = await measured(chatd, online, tally, ClosedLoop(said, in_flight=IN_FLIGHT), options.seconds)
    receivers.close()
    deliveries_per_send = found["deliveries_per_second"] / found["sends_per_second"]
    costs = {
        group: found[f"{group}_cpu_us_per_delivery"] * deliveries_per_send for group in chatd.processes()
    }
    most = MODEL_CORES / sum(costs.values()) * 1e6
    if "postgres" not in costs:
        most = min(most, 1e6 / costs["default"])
    return {
        "sends_per_second": found["sends_per_second"],
        "ack_p50_ms": found["ack_p50_ms"],
        "ack_p99_ms": found["ack_p99_ms"],
        **{f"{group}_cpu_us_per_send": cost for group, cost in costs.items()},
        "server_cores": found["server_cores"],
        "model_sends_per_second_of_16_cores": most,
        "written_bytes_per_send": found["written_bytes_per_event"],
        "receive_p50_ms": found["receive_p50_ms"],
        "receive_p99_ms": found["receive_p99_ms"],
        "load_tool_cpu_share": found["load_tool_cpu_share"],
        "missing": found["missing"],
    }

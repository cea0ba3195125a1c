"""The queue's connection breaks while calls go on: everything sent meanwhile arrives at once when
it is back, without a gap or a repair pull."""

import asyncio
import time
from pathlib import Path

import pytest

from chatd.client import HEAD, Client
from tests.chaos.proxy import FaultProxy
from tests.daemons import Daemon, free_port, operator_token
from tests.system.test_faults import show

NEVER = 3600


@pytest.mark.parametrize("silent", [False, True], ids=["reset", "black hole"])
async def test_what_was_published_into_a_broken_connection_is_pulled(tmp_path: Path, silent: bool) -> None:
    """Several devices of the room and one of another: messages for one and for many. In a black
    hole nobody is told until it ends."""
    call, queue = free_port(), free_port()
    common = {"REPAIR_PULL_SECONDS": NEVER, "DELIVERY_RETRY_MS": 300_000, "PRESENCE_GRACE_SECONDS": 0.1}
    node = Daemon(
        "default",
        tmp_path,
        {
            **common,
            "DEFAULT_URI": f"tcp://127.0.0.1:{call}",
            "QUEUE_USER_EVENT_DELIVERY_URI": f"tcp://127.0.0.1:{queue}",
        },
    )
    # The gateway must not find the node's own address beside the proxy's.
    with FaultProxy(target=("127.0.0.1", queue)) as proxy:
        gateway = Daemon(
            "gateway",
            tmp_path,
            {**common, "DEFAULT_URI": f"tcp://127.0.0.1:{call}", "QUEUE_USER_EVENT_DELIVERY_URI": proxy.uri},
        )
        with node, gateway:
            token = operator_token(tmp_path)
            async with (
                Client(gateway.uri, token, profile="alice", call_timeout=20) as alice,
                Client(gateway.uri, token, profile="bob") as bob,
                Client(gateway.uri, token, profile="carol") as carol,
                bob.stream("laptop", start=HEAD) as laptop,
                bob.stream("phone", start=HEAD) as phone,
                carol.stream("phone", start=HEAD) as hers,
            ):
                await alice.create_room("many", profiles=["bob"])
                await alice.create_room("one", profiles=["carol"])
                streams = ((laptop, "many"), (phone, "many"), (hers, "one"))
                for stream, _ in streams:
                    await stream.caught_up()
                for turn in range(3):
                    for room in ("many", "one"):
                        await alice.send(room, f"before {turn}")
                    await asyncio.gather(*(show(stream, [], 1) for stream, _ in streams))
                    if silent:
                        proxy.blackhole()
                    else:
                        proxy.cut()
                    for room in ("many", "one"):
                        await alice.send(room, f"lost {turn}")
                    await asyncio.sleep(0.3)
                    proxy.heal()
                    healed = time.monotonic()
                    shown: list[list[tuple[str, int, str]]] = [[] for _ in streams]
                    await asyncio.gather(
                        *(show(stream, mine, 1, 10) for (stream, _), mine in zip(streams, shown, strict=True))
                    )
                    assert [[text for _, _, text in mine] for mine in shown] == [[f"lost {turn}"]] * 3
                    assert time.monotonic() - healed < 5
                # And from then on everything is published again.
                await alice.send("many", "live")
                await asyncio.gather(show(laptop, [], 1), show(phone, [], 1))

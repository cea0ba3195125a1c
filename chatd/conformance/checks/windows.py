"""Counting, and windows in deliveries and bytes."""

import asyncio

from chatd.conformance.events import event, shown
from chatd.conformance.findings import Failed
from chatd.conformance.stage import Stage

MOMENT = 3.0
"""Seconds, for the 50 ms of the statement: the machine may be slow."""


async def acknowledges_before_it_is_full(stage: Stage) -> None:
    program, peer, _ = await stage.open(window_messages=4)
    for first in range(1, 13, 4):
        peer.deliver(*(event(seq) for seq in range(first, first + 4)))
        await peer.hears_acks(first)
    await program.shows(*shown(*range(1, 13)))
    await peer.hears_acks(12)


async def acknowledges_before_its_bytes_are_full(stage: Stage) -> None:
    program, peer, _ = await stage.open(window_messages=1_000, window_bytes=4_096)
    lines = []
    for seq in range(1, 13):
        text = f"{seq} " + "x" * 1_000
        peer.deliver(event(seq, text))
        lines.append(("event", "lobby", str(seq), text))
        await peer.hears_acks(seq - 3)  # a fourth one would not go into the window
    await program.shows(*lines)
    await peer.hears_acks(12)


async def takes_one_that_is_larger(stage: Stage) -> None:
    program, peer, _ = await stage.open(window_bytes=4_096)
    text = "y" * 60_000
    peer.deliver(event(1, text))
    await program.shows(("event", "lobby", "1", text))
    await peer.hears_acks(1)


async def acknowledges_in_a_moment(stage: Stage) -> None:
    program, peer, _ = await stage.open(
        window_messages=1_000, window_bytes=1 << 20, heartbeat_interval_ms=60_000
    )
    peer.deliver(event(1))
    await program.shows(*shown(1))
    began = asyncio.get_running_loop().time()
    await peer.hears_acks(1)
    if asyncio.get_running_loop().time() - began > MOMENT:
        raise Failed(f"a single delivery is acknowledged after more than {MOMENT:g} s")


async def takes_urgent_ones_beyond_it(stage: Stage) -> None:
    program, peer, _ = await stage.open(window_messages=8)
    urgent = event(5, room="alerts", priority=1)
    peer.deliver(*(event(seq) for seq in range(1, 9)), urgent)
    await program.shows(*shown(*range(1, 9)), *shown(5, room="alerts"), in_order=False)
    await peer.hears_acks(9)

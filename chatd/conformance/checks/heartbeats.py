"""Heartbeats, a gateway that falls silent, one that dies."""

import asyncio
from itertools import pairwise

from chatd.conformance.events import event, shown
from chatd.conformance.findings import SECONDS, Failed, NotJudged
from chatd.conformance.stage import Stage

INTERVAL_MS = 1_500
ROUNDS = 3
SHORT_INTERVAL_MS = 700
BUSY_SECONDS = 2.0
MOST_ATTEMPTS = 25


async def come_in_time(stage: Stage) -> None:
    """A gap of two intervals is excused: the machine may be slow, and the gateway waits for
    three."""
    _, peer, _ = await stage.open(heartbeat_interval_ms=INTERVAL_MS)
    deadline = asyncio.get_running_loop().time() + SECONDS
    while len(peer.heartbeats) < ROUNDS and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.02)
        if peer.has_ended:
            raise Failed("it ends a connection that lives")
    said = [*peer.said_at, asyncio.get_running_loop().time()]
    if max(after - before for before, after in pairwise(said)) > 2 * INTERVAL_MS / 1e3:
        raise Failed(f"it says nothing for two intervals of {INTERVAL_MS} ms")


async def give_a_silent_gateway_up(stage: Stage) -> None:
    program, peer, _ = await stage.open(heartbeat_interval_ms=SHORT_INTERVAL_MS)
    peer.deliver(event(1))
    await peer.hears_acks(1)
    peer.echo = False
    silent_at = asyncio.get_running_loop().time()
    again, _ = await stage.welcome(epoch=2)
    if asyncio.get_running_loop().time() - silent_at < SHORT_INTERVAL_MS / 1e3:
        raise Failed("it gives the gateway up before an interval is over")
    if len(peer.heartbeats) == 0:
        raise Failed("H2: it gives the gateway up without having said a Heartbeat")
    again.deliver(event(2))
    await program.shows(*shown(1, 2))


async def comes_again_when_the_gateway_dies(stage: Stage) -> None:
    program, peer, _ = await stage.open(heartbeat_interval_ms=60_000)
    peer.deliver(event(1))
    await program.shows(*shown(1))
    # libzmq connects again by itself, within 200 ms: a client whose loop is busy for as long would
    # not see that the connection was another one.
    stage.gateway.away(1.0)
    peer.hang_up()
    died_at = asyncio.get_running_loop().time()
    again, _ = await stage.welcome(epoch=2)
    if asyncio.get_running_loop().time() - died_at > SECONDS / 2:
        raise Failed("it takes long to notice that the connection has ended")
    again.deliver(event(1), event(2))
    await program.shows(*shown(1, 2))
    await again.hears_acks(2)


async def attempts_have_pauses(stage: Stage) -> None:
    await stage.stream()
    until = asyncio.get_running_loop().time() + BUSY_SECONDS
    attempts = 0
    while asyncio.get_running_loop().time() < until:
        (await stage.gateway.connection()).hang_up()
        attempts += 1
        if attempts > MOST_ATTEMPTS:
            raise Failed(f"it connects {attempts} times within {BUSY_SECONDS:g} s, and each attempt fails")


async def goes_where_the_welcome_said(stage: Stage) -> None:
    elsewhere = await stage.another_gateway()
    _, peer, _ = await stage.open(gateways=[elsewhere.uri])
    peer.deliver(event(1))
    await peer.hears_acks(1)
    stage.gateway.die()
    await (await elsewhere.connection()).hello()


async def pings_are_answered(stage: Stage) -> None:
    _, peer, _ = await stage.open()
    if not peer.speaks_ping:
        raise NotJudged("it speaks ZMTP 3.0, which has no PING")
    peer.ping()
    if not await peer.is_answered():
        raise Failed("no PONG comes")

"""Ends of a stream, and what follows from them."""

import asyncio

from chatd.conformance.events import event, shown
from chatd.conformance.findings import Failed
from chatd.conformance.peer import Peer
from chatd.conformance.stage import Stage


async def retry_true(stage: Stage) -> None:
    await _comes_back(stage, 799)


async def no_stream(stage: Stage) -> None:
    await _comes_back(stage, 104)


async def stream_unknown(stage: Stage) -> None:
    await _comes_back(stage, 605)


async def kicked(stage: Stage) -> None:
    await _comes_back(stage, 608)


async def _comes_back(stage: Stage, code: int) -> None:
    program, peer, hello = await stage.open()
    peer.deliver(event(1))
    await peer.hears_acks(1)
    peer.close_stream(code, retry=True, hello_id=hello.hello_id if code != 104 else 0)
    peer = await _next_hello(stage, peer)
    peer.deliver(event(1), event(2))
    await program.shows(*shown(1, 2))
    await peer.hears_acks(2)


async def _next_hello(stage: Stage, peer: Peer) -> Peer:
    """The next Hello, and its Welcome."""
    peer, hello = await stage.next_hello(peer)
    peer.welcome(hello, epoch=2)
    peer.caught_up()
    return peer


async def retry_false(stage: Stage) -> None:
    await _stops(stage, 798)


async def superseded(stage: Stage) -> None:
    await _stops(stage, 600)


async def _stops(stage: Stage, code: int) -> None:
    program, peer, hello = await stage.open()
    peer.deliver(event(1))
    await peer.hears_acks(1)
    peer.close_stream(code, hello_id=hello.hello_id)
    while not program.has_ended:
        if any(one.waiting == "hello" for one in stage.gateway.peers):
            raise Failed("it says Hello again")
        await asyncio.sleep(0.01)
    await program.ends(well=False)


async def unauthenticated(stage: Stage) -> None:
    program = await stage.stream()
    peer = await stage.gateway.connection()
    hello = await peer.hello()
    peer.close_stream(200, hello_id=hello.hello_id)
    await program.ends(well=False)
    if peer.waiting:
        raise Failed(f"a {peer.waiting} comes after the token was refused")


async def unavailable(stage: Stage) -> None:
    """The node that should open the stream is away."""
    program = await stage.stream()
    peer = await stage.gateway.connection()
    hello = await peer.hello()
    peer.close_stream(501, retry=True, hello_id=hello.hello_id)
    peer = await _next_hello(stage, peer)
    peer.deliver(event(1))
    await program.shows(*shown(1))


async def a_refused_frame_is_no_end(stage: Stage) -> None:
    program, peer, _ = await stage.open()
    for code, kind in ((604, "reject"), (606, "ack"), (102, "")):
        peer.say(error={"code": code, "name": f"CODE_{code}", "refused": kind, "retry": code == 606})
    peer.deliver(event(1))
    await program.shows(*shown(1))
    await peer.hears_acks(1)
    if peer.has_ended or peer.waiting:
        raise Failed("it does not go on with its stream")


async def draining(stage: Stage) -> None:
    elsewhere = await stage.another_gateway()
    program, peer, hello = await stage.open()
    peer.deliver(event(1))
    await peer.hears_acks(1)
    peer.close_stream(602, retry=True, hello_id=hello.hello_id, gateways=(elsewhere.uri,))
    there = await elsewhere.connection()
    there.welcome(await there.hello(), epoch=2)
    there.deliver(event(2))
    await program.shows(*shown(1, 2))
    await there.hears_acks(1)
    await peer.ends()

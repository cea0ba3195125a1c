"""Opening a stream, and a Hello that is refused."""

import asyncio

from chatd.conformance.events import event, shown
from chatd.conformance.findings import Failed, NotJudged
from chatd.conformance.peer import Peer
from chatd.conformance.stage import DEVICE, Stage
from chatd.pb.gateway.v1.gateway_pb2 import Error, Hello

WAIT_MS = 700


async def comes_first(stage: Stage) -> None:
    program = await stage.stream()
    peer = await stage.gateway.connection()
    hello = await peer.hello()
    if hello.device_id != DEVICE:
        raise Failed(f"the Hello is of the device '{hello.device_id}'")
    peer.epoch = 0
    await asyncio.sleep(0.2)
    if peer.waiting:
        raise Failed(f"a {peer.waiting} comes before the Welcome")
    peer.welcome(hello)
    peer.deliver(event(1))
    await program.shows(*shown(1))
    await peer.hears_acks(1)


async def is_said_again_after_606(stage: Stage) -> None:
    await stage.stream()
    peer = await stage.gateway.connection()
    hello = await peer.hello()
    refused_at = asyncio.get_running_loop().time()
    _refuse(peer, hello, 606, retry_after_ms=WAIT_MS)
    await stage.next_hello(peer)
    if asyncio.get_running_loop().time() - refused_at < WAIT_MS / 1e3:
        raise Failed(f"it says Hello before the {WAIT_MS} ms of retry_after_ms are over")


async def is_not_said_again_after_302(stage: Stage) -> None:
    program = await stage.stream()
    peer = await stage.gateway.connection()
    _refuse(peer, await peer.hello(), 302)
    await program.ends(well=False)


def _refuse(peer: Peer, hello: Hello, code: int, *, retry_after_ms: int = 0) -> None:
    error = Error(
        code=code,
        name=f"CODE_{code}",
        retry=retry_after_ms > 0,
        retry_after_ms=retry_after_ms,
        refused="hello",
        hello_id=hello.hello_id,
    )
    peer.say(error=error)


async def ignores_a_welcome_of_another(stage: Stage) -> None:
    program = await stage.stream()
    peer = await stage.gateway.connection()
    hello = await peer.hello()
    if not hello.hello_id:
        raise NotJudged("it does not set hello_id")
    peer.welcome(hello, hello_id=hello.hello_id + 1_000_000, epoch=99)
    peer.welcome(hello)
    peer.deliver(event(1))
    await program.shows(*shown(1))
    await peer.hears_acks(1)
    peer.close_stream(600, hello_id=hello.hello_id + 1_000_000)
    peer.epoch = 1
    peer.deliver(event(2))
    await program.shows(*shown(1, 2))
    await peer.hears_acks(2)


async def ignores_104_while_it_waits(stage: Stage) -> None:
    program = await stage.stream()
    peer = await stage.gateway.connection()
    hello = await peer.hello()
    if not hello.hello_id:
        raise NotJudged("it does not set hello_id")
    peer.close_stream(104, retry=True)
    peer.welcome(hello)
    peer.deliver(event(1))
    await program.shows(*shown(1))
    await peer.hears_acks(1)


async def has_a_higher_ordinal(stage: Stage) -> None:
    """On another connection, and after a restart."""
    program, peer, hello = await stage.open()
    ordinals = [_ordinal(hello)]
    peer.hang_up()
    _, hello = await stage.welcome(epoch=2)
    ordinals.append(hello.ordinal)
    await program.kill()
    _, _, hello = await stage.open(epoch=3)
    ordinals.append(hello.ordinal)
    if ordinals != sorted(set(ordinals)):
        raise Failed(f"its Hellos have the ordinals {ordinals}")


async def was_overtaken(stage: Stage) -> None:
    await stage.stream()
    peer = await stage.gateway.connection()
    hello = await peer.hello()
    _ordinal(hello)
    peer.close_stream(609, retry=True, hello_id=hello.hello_id)
    peer, hello = await stage.next_hello(peer)
    if hello.ordinal:
        raise Failed(f"its next Hello has the ordinal {hello.ordinal}")
    peer.welcome(hello)
    peer.deliver(event(1))
    await peer.hears_acks(1)
    peer.hang_up()
    _, hello = await stage.welcome(epoch=2)
    if not hello.ordinal:
        raise Failed("the Hello behind the next has none either")


def _ordinal(hello: Hello) -> int:
    """Raises NotJudged."""
    if not hello.ordinal:
        raise NotJudged("it does not set ordinal")
    return hello.ordinal

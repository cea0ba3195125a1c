"""A socket drained by hand: no message waits because a wake-up was missed, and a lost peer is
noticed."""

import asyncio
import random
import threading
import time
from collections.abc import Iterator

import pytest
import zmq

from chatd.transport.pump import PeerGone, Pump
from chatd.transport.sockets import Context, bind_router, connect_dealer, endpoint, new_context
from tests.daemons import free_port

PINGS = 100


@pytest.fixture
def context() -> Iterator[Context]:
    made = new_context()
    yield made
    made.destroy(linger=0)


def echo(context: Context, uri: str, stop: threading.Event) -> None:
    with context.socket(zmq.ROUTER) as router:
        router.linger = 0
        router.bind(uri)
        while not stop.is_set():
            if router.poll(20):
                message = router.recv_multipart()
                time.sleep(random.uniform(0, 0.006))
                router.send_multipart(message)


async def test_an_answer_that_comes_at_any_moment_is_seen(context: Context) -> None:
    """The FD is edge-triggered: looking at the socket's events for any reason may use up the only
    sign of a message."""
    uri = f"tcp://127.0.0.1:{free_port()}"
    stop = threading.Event()
    server = threading.Thread(target=echo, args=(context, uri, stop))
    server.start()
    heard = asyncio.Event()
    pump = Pump(
        asyncio.get_running_loop(),
        connect_dealer(context, uri),
        lambda batch: heard.set(),
        on_lost=lambda: None,
    )
    try:
        while not pump.is_writable:
            await asyncio.sleep(0.01)
        option = pump._option

        def slow_option(which: int) -> int:
            """Time for an answer to come just before the look."""
            time.sleep(0.002)
            return option(which)

        pump._option = slow_option
        for number in range(PINGS):
            heard.clear()
            pump.send((b"%d" % number,))
            async with asyncio.timeout(10):
                await heard.wait()
    finally:
        stop.set()
        server.join()
        pump.close()


async def test_a_lost_peer_is_noticed_at_once_and_a_peer_that_was_never_there_is_not(
    context: Context,
) -> None:
    uri = f"tcp://127.0.0.1:{free_port()}"
    lost = asyncio.Event()
    pump = Pump(
        asyncio.get_running_loop(), connect_dealer(context, uri), lambda batch: None, on_lost=lost.set
    )
    try:
        await asyncio.sleep(0.1)
        assert not lost.is_set()
        stop = threading.Event()
        server = threading.Thread(target=echo, args=(context, uri, stop))
        server.start()
        async with asyncio.timeout(5):
            while not pump.is_writable:
                await asyncio.sleep(0.01)
        pump.send((b"x",))
        stop.set()
        server.join()
        async with asyncio.timeout(5):
            await lost.wait()
    finally:
        pump.close()


async def test_a_message_that_came_before_a_send_that_failed_is_seen(context: Context) -> None:
    """A send to nobody, too, looks at what has come, and the FD does not say so again."""
    heard = asyncio.Event()
    router = bind_router(context, "tcp://127.0.0.1:*")
    pump = Pump(asyncio.get_running_loop(), router, lambda batch: heard.set())
    with context.socket(zmq.DEALER) as dealer:
        dealer.linger = 0
        dealer.connect(endpoint(router))
        for _ in range(10):
            heard.clear()
            dealer.send(b"x")
            time.sleep(0.02)  # noqa: ASYNC251  it arrives while the loop does not look
            with pytest.raises(PeerGone):
                pump.send((b"nobody", b"x"))
            async with asyncio.timeout(5):
                await heard.wait()
    pump.close()

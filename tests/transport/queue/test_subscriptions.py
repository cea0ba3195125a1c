"""Subscriptions at an encrypted XPUB: what a gateway that is trusted may not have."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable

import pytest

from chatd.core.address import Address
from chatd.core.curve import encode_metadata, new_key_pair
from chatd.transport.queue import SendFrame
from chatd.transport.queue.zeromq import ZeroMQPublisher
from chatd.transport.sockets import Context, Socket, connect_sub, new_context
from chatd.transport.zap import Guard
from tests.core.curve.wire import Peer

OWN = b"\xffg-1\0"


class Queue:
    """A publisher, and gateways with keys of their own, all of them known."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.context = new_context(keys=new_key_pair())
        self.guard = Guard(loop, self.context, lambda key, address: True)
        self.seen: list[tuple[str, bool]] = []
        self.publisher = ZeroMQPublisher(loop, started_at_us=1, seam=self._keep)
        endpoint = self.publisher.open(
            self.context, "tcp://127.0.0.1:*#curve", lambda gateway, there: self.seen.append((gateway, there))
        )
        self.uri = str(Address(endpoint, self.context.keys.public))
        self.others: list[Context] = []
        self.subs: list[Socket] = []

    def _keep(self, send: SendFrame) -> SendFrame:
        self._send = send
        return send

    def gateway(self, *topics: bytes, context: Context | None = None) -> Socket:
        if context is None:
            context = new_context(keys=new_key_pair())
            self.others.append(context)
        sub = connect_sub(context, [self.uri])
        self.subs.append(sub)
        for topic in topics:
            sub.subscribe(topic)
        return sub

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not holds():
                await asyncio.sleep(0.005)

    async def refused(self, count: int) -> None:
        await self.until(lambda: self.publisher.counters[0].value == count)

    async def hears(self, sub: Socket, topic: bytes, seconds: float = 10) -> bool:
        """Whether a message to the topic arrives within so many seconds. Those to other topics are
        late ones of an earlier look."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._send(topic + b"body")
            await asyncio.sleep(0.01)
            while sub.poll(0):
                if sub.recv() == topic + b"body":
                    return True
        return False

    def close(self) -> None:
        self.publisher.close()
        self.guard.close()
        for sub in self.subs:
            sub.close(0)
        for context in (*self.others, self.context):
            context.destroy(linger=0)


@pytest.fixture
async def queue() -> AsyncIterator[Queue]:
    made = Queue()
    yield made
    made.close()


async def test_whole_topics_are_granted_and_ended(queue: Queue) -> None:
    sub = queue.gateway(b"a:1\0", b"a\2")
    assert await queue.hears(sub, b"a:1\0")
    assert await queue.hears(sub, b"a\2")
    sub.unsubscribe(b"a:1\0")
    async with asyncio.timeout(10):
        while await queue.hears(sub, b"a:1\0", 0.5):
            pass


@pytest.mark.parametrize("topic", [b"", b"\xff", b"a:", b"a:1", b"\xffg-1", b"a:1\0b"])
async def test_the_beginning_of_topics_is_refused(queue: Queue, topic: bytes) -> None:
    sub = queue.gateway(topic)
    await queue.refused(1)
    assert not await queue.hears(sub, b"a:1\0", 0.5)


async def test_another_gateways_own_topic_is_refused(queue: Queue) -> None:
    first = queue.gateway(OWN)
    await queue.until(lambda: queue.seen == [("g-1", True)])
    second = queue.gateway(OWN, b"\xfeg-1:9\0")
    await queue.refused(2)
    queue.publisher.publish_to("g-1", b"\0\0\0\0", b"body")
    assert first.poll(5_000)
    assert not second.poll(200)
    done: list[bool] = []
    queue.publisher.when_subscribed("g-1", 9, done.append)
    second.close(0)
    await asyncio.sleep(0.2)
    assert queue.publisher.is_subscribed("g-1"), "the end of a refused subscription is nobody's end"
    assert done == [], "nor is a fence of another gateway one"
    assert queue.seen == [("g-1", True)]
    first.close(0)
    await queue.until(lambda: queue.seen == [("g-1", True), ("g-1", False)])


async def test_nobody_ends_another_gateways_own_topic(queue: Queue) -> None:
    """libzmq's own sockets end only what they had."""
    first = queue.gateway(OWN)
    await queue.until(lambda: queue.seen == [("g-1", True)])
    host, _, port = Address.parse(queue.uri).endpoint.removeprefix("tcp://").rpartition(":")
    subscriber = encode_metadata({"Socket-Type": b"SUB"})

    def end_it() -> Peer:
        peer = Peer(socket.create_connection((host, int(port))), minor=1, as_server=False)
        peer.connect(queue.context.keys.public, new_key_pair(), subscriber)
        peer.send(b"\0" + OWN)
        peer.send(b"\1" + b"a:2\0")
        return peer

    with await asyncio.to_thread(end_it) as peer:
        hearing = asyncio.create_task(asyncio.to_thread(peer.receive))
        while not hearing.done():
            queue._send(b"a:2\0body")
            await asyncio.sleep(0.01)
        second = queue.gateway(OWN)
        await queue.refused(1)
    assert queue.publisher.is_subscribed("g-1")
    queue.publisher.publish_to("g-1", b"\0\0\0\0", b"body")
    assert first.poll(5_000)
    assert not second.poll(200)
    assert queue.seen == [("g-1", True)]


async def test_a_gateway_may_come_again_before_its_old_connection_is_gone(queue: Queue) -> None:
    first = queue.gateway(OWN)
    await queue.until(lambda: len(queue.seen) == 1)
    queue.gateway(OWN, context=queue.others[0])
    await queue.until(lambda: queue.seen == [("g-1", True)] * 2)
    first.close(0)
    await asyncio.sleep(0.2)
    assert queue.publisher.is_subscribed("g-1")
    assert queue.publisher.counters[0].value == 0


async def test_a_name_is_free_once_its_gateway_has_gone(queue: Queue) -> None:
    sub = queue.gateway(OWN)
    await queue.until(lambda: queue.seen == [("g-1", True)])
    sub.close(0)
    await queue.until(lambda: queue.seen[-1:] == [("g-1", False)])
    queue.gateway(OWN)
    await queue.until(lambda: queue.seen[-1:] == [("g-1", True)])

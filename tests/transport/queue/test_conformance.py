"""Every driver of the queue does the same, whatever carries the messages: ZeroMQ, and the brokers
that have a scheme. Tests with the fixture ``mesh`` are of drivers with subscriptions of their
own."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path
from typing import cast

import pytest

from chatd.core.broker_address import SCHEMES, BrokerAddress
from chatd.transport.queue import Publisher, QueueMessage, SendFrame, Subscriber
from chatd.transport.queue.broker import BrokerSubscriber
from chatd.transport.queue.drivers import make_publisher, make_subscriber
from chatd.transport.queue.joined import join_topics
from chatd.transport.sockets import Context, new_context
from tests.brokers import broker
from tests.daemons import free_port

DEADLINE = 10.0
MORE_THAN_FIT = 130_000
"""Messages: a driver has buffers for fewer."""
ONE, TEN, OTHER = b"u1:dev1\0", b"u1:dev10\0", b"u2:dev\0"
SIGNAL, WATCHED = b"u1:dev1\x01", b"u1\x02"

STARTED_AT = 7
"""Names the publishers' process."""


class Losing:
    """Stands between a publisher and its socket, and loses what holds ``text``."""

    def __init__(self) -> None:
        self.text = b"\0no such text\0"

    def __call__(self, send: SendFrame) -> SendFrame:
        return lambda frame: None if self.text in frame else send(frame)


MESHES = {
    "zeromq-tcp": "tcp://127.0.0.1:{port}",
    "zeromq-ipc": "ipc://{folder}/queue{port}",
    "zeromq-inproc": "inproc://queue{port}",
}
BROKERS = tuple(dict.fromkeys(driver for driver, *_ in SCHEMES.values()))


async def until(condition: Callable[[], object], seconds: float = DEADLINE) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


class Gateway:
    """A subscriber and what it hears."""

    def __init__(self, subscriber: Subscriber, name: str) -> None:
        self.name = name
        self.subscriber = subscriber
        self.heard: list[QueueMessage] = []
        self.missed: list[int] = []
        """For each time that messages were missing: how many had been heard, with those that showed
        it."""
        self._marked = 0

    def on_missed(self, started_at_us: int) -> None:
        assert started_at_us == STARTED_AT
        self.missed.append(len(self.heard))

    def mark(self) -> int:
        self._marked += 1
        self.subscriber.mark(self._marked)
        return self._marked

    def has_heard_in_all(self, count: int) -> bool:
        return len(self.heard) == count

    def has_heard(self, body: bytes) -> bool:
        return body in self.bodies

    @property
    def bodies(self) -> list[bytes]:
        return [message.body for message in self.heard]


class Queue:
    """Nodes and gateways of one driver, closed at the end. ``address`` is a broker's."""

    def __init__(self, driver: str, address: BrokerAddress | None, context: Context, folder: Path) -> None:
        self._uri = MESHES.get(driver, "")
        self._address = address
        self._context = context
        self._folder = folder
        self._closing: list[Callable[[], None]] = []
        self.losing = Losing()
        self.seen: list[tuple[str, bool]] = []

    def new_uri(self) -> str:
        return self._uri.format(port=free_port(), folder=self._folder)

    def new_publisher(self) -> Publisher:
        loop = asyncio.get_running_loop()
        return make_publisher(loop, self._address, started_at_us=STARTED_AT, seam=self.losing)

    def node(self, uri: str) -> Publisher:
        publisher = self.new_publisher()
        publisher.open(self._context, uri, lambda gateway, there: self.seen.append((gateway, there)))
        self._closing.append(publisher.close)
        return publisher

    def gateway(self, name: str, *uris: str) -> Gateway:
        subscriber = make_subscriber(asyncio.get_running_loop(), self._address, name)
        gateway = Gateway(subscriber, name)
        subscriber.open(self._context, uris, gateway.heard.extend, gateway.on_missed)
        self._closing.append(subscriber.close)
        return gateway

    async def subscribed(self, node: Publisher, gateway: Gateway, *topics: bytes) -> None:
        """Subscribe, and wait until the node says that everything gets there. A broker says that
        to the gateway; the node learns that it lives."""
        if isinstance(gateway.subscriber, BrokerSubscriber):
            await until(lambda: cast(BrokerSubscriber, gateway.subscriber).is_heard)
            node.meet(gateway.name)
        await until(lambda: node.is_subscribed(gateway.name))
        for topic in topics:
            gateway.subscriber.subscribe(topic)
        said: list[bool] = []
        node.when_subscribed(gateway.name, gateway.mark(), said.append)
        await until(lambda: said)
        assert said == [True]

    async def close(self) -> None:
        for close in reversed(self._closing):
            close()
        ending = asyncio.all_tasks() - {asyncio.current_task()}
        if ending:
            await asyncio.wait(ending, timeout=DEADLINE)


@pytest.fixture
def context() -> Iterator[Context]:
    made = new_context()
    yield made
    made.destroy(linger=0)


@pytest.fixture(scope="module")
def brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """The address of a broker of each kind, started when it is first asked for."""
    with ExitStack() as stack:

        @cache
        def uri(kind: str) -> str:
            return stack.enter_context(broker(kind, tmp_path_factory.mktemp(kind))).uri

        yield uri


@pytest.fixture(params=[*MESHES, *BROKERS])
async def queue(
    request: pytest.FixtureRequest, context: Context, tmp_path: Path, brokers: Callable[[str], str]
) -> AsyncIterator[Queue]:
    driver = request.param
    address = None
    if driver in BROKERS:
        address = BrokerAddress.parse(f"{brokers(driver)}/{tmp_path.name}", "")
    made = Queue(driver, address, context, tmp_path)
    yield made
    await made.close()


@pytest.fixture(params=list(MESHES))
async def mesh(request: pytest.FixtureRequest, context: Context, tmp_path: Path) -> AsyncIterator[Queue]:
    made = Queue(request.param, None, context, tmp_path)
    yield made
    await made.close()


async def test_a_message_reaches_those_who_subscribed_to_its_whole_topic(queue: Queue) -> None:
    node = queue.node(uri := queue.new_uri())
    one, ten = queue.gateway("g-1", uri), queue.gateway("g-2", uri)
    await queue.subscribed(node, one, ONE, SIGNAL, WATCHED)
    await queue.subscribed(node, ten, TEN)
    for number, topic in enumerate((TEN, ONE, OTHER, SIGNAL, WATCHED)):
        gateways = {TEN: ("g-2",), OTHER: ("h-1",)}.get(topic, ("g-1",))
        node.publish(topic, gateways, b"%d\0\x01" % number)
    node.publish_to("g-1", join_topics(()), b"last")
    await until(lambda: one.heard and one.heard[-1].body == b"last")
    assert [(list(topics), body) for topics, body in one.heard] == [
        ([ONE], b"1\0\x01"),
        ([SIGNAL], b"3\0\x01"),
        ([WATCHED], b"4\0\x01"),
        ([], b"last"),
    ]
    await until(lambda: ten.heard)
    assert [(list(topics), body) for topics, body in ten.heard] == [([TEN], b"0\0\x01")]


async def test_a_message_for_several_topics_of_a_gateway_reaches_it_once_and_nobody_else(
    queue: Queue,
) -> None:
    node = queue.node(uri := queue.new_uri())
    gateways = [queue.gateway(name, uri) for name in ("g-1", "g-11", "h-1")]
    for gateway in gateways:
        await queue.subscribed(node, gateway, ONE, TEN)
    topics = [b"u%d:d\0" % number for number in range(1_000)]
    node.publish_to("g-1", join_topics(topics), b"for many")
    node.publish_to("g-1", join_topics([ONE, SIGNAL]), b"")
    for gateway in gateways:
        node.publish_to(gateway.name, join_topics(()), b"last")
    for gateway in gateways:
        await until(partial(gateway.has_heard, b"last"))
    assert [(list(topics), body) for topics, body in gateways[0].heard[:-1]] == [
        (topics, b"for many"),
        ([ONE, SIGNAL], b""),
    ]
    assert [gateway.bodies for gateway in gateways[1:]] == [[b"last"]] * 2


async def test_messages_of_all_kinds_keep_their_order(queue: Queue) -> None:
    node = queue.node(uri := queue.new_uri())
    gateway = queue.gateway("g-1", uri)
    await queue.subscribed(node, gateway, ONE)
    bodies = [b"%d" % number for number in range(500)]
    for number, body in enumerate(bodies):
        if number % 3:
            node.publish(ONE, ("g-1",), body)
        else:
            node.publish_to("g-1", join_topics([ONE, TEN]), body)
    await until(lambda: len(gateway.heard) == len(bodies))
    assert gateway.bodies == bodies


async def test_everything_before_a_mark_is_there_when_the_node_says_so(mesh: Queue) -> None:
    """More topics than any default limit; nobody waits for anything but the word of the node."""
    node = mesh.node(uri := mesh.new_uri())
    gateway = mesh.gateway("g-1", uri)
    await until(lambda: node.is_subscribed("g-1"))
    topics = [b"u%d:d\0" % number for number in range(3_000)]
    early: list[bool] = []
    node.when_subscribed("g-1", 2, early.append)
    for number, half in enumerate((topics[:1_500], topics[1_500:]), 1):
        for topic in half:
            gateway.subscriber.subscribe(topic)
        gateway.subscriber.mark(number)
    await until(lambda: early)
    for topic in topics:
        node.publish(topic, ("g-1",), topic)
    await until(lambda: len(gateway.heard) == len(topics))
    again: list[bool] = []
    for number in (1, 2):
        node.when_subscribed("g-1", number, again.append)
    assert again == [True, True], "at once"
    node.when_subscribed("g-1", 3, again.append)
    await asyncio.sleep(0.1)
    assert len(again) == 2, "nobody has said that"


async def test_an_unsubscribed_topic_is_not_heard(mesh: Queue) -> None:
    node = mesh.node(uri := mesh.new_uri())
    gateway = mesh.gateway("g-1", uri)
    await mesh.subscribed(node, gateway, ONE, TEN)
    gateway.subscriber.unsubscribe(ONE)
    await mesh.subscribed(node, gateway)
    node.publish(ONE, (), b"lost")
    node.publish(b"u1:dev\0", ("g-1",), b"the beginning of one that is subscribed")
    node.publish(TEN, ("g-1",), b"heard")
    await until(lambda: gateway.heard)
    assert gateway.bodies == [b"heard"]


async def test_a_gateway_that_goes_is_noticed_and_waiters_are_told(mesh: Queue) -> None:
    node = mesh.node(uri := mesh.new_uri())
    gateway = mesh.gateway("g-1", uri)
    await mesh.subscribed(node, gateway, ONE)
    said: list[bool] = []
    node.when_subscribed("g-1", 99, said.append)
    gateway.subscriber.close()
    await until(lambda: not node.is_subscribed("g-1"))
    assert (said, mesh.seen) == ([False], [("g-1", True), ("g-1", False)])
    node.when_subscribed("g-1", 1, said.append)
    assert said == [False, False]
    node.publish_to("g-1", join_topics([ONE]), b"to nobody")


async def test_a_gateway_hears_the_nodes_it_is_connected_to(mesh: Queue) -> None:
    uris = [mesh.new_uri() for _ in range(2)]
    first, second = (mesh.node(uri) for uri in uris)
    gateway = mesh.gateway("g-1", uris[0])
    await mesh.subscribed(first, gateway, ONE)
    gateway.subscriber.connect(uris[1])
    await mesh.subscribed(second, gateway)
    first.publish(ONE, ("g-1",), b"first")
    second.publish(ONE, ("g-1",), b"second")
    await until(lambda: len(gateway.heard) == 2)
    gateway.subscriber.disconnect(uris[0])
    await until(lambda: not first.is_subscribed("g-1"))
    first.publish(ONE, (), b"lost")
    second.publish(ONE, ("g-1",), b"third")
    await until(lambda: len(gateway.heard) == 3)
    assert sorted(gateway.bodies) == [b"first", b"second", b"third"]


async def test_a_node_that_starts_later_is_told_of_every_subscription(mesh: Queue) -> None:
    uri = mesh.new_uri()
    gateway = mesh.gateway("g-1", uri)
    gateway.subscriber.subscribe(ONE)
    gateway.mark()  # nobody is there to see it
    node = mesh.node(uri)
    await mesh.subscribed(node, gateway)
    assert mesh.seen == [("g-1", True)]
    node.publish(ONE, ("g-1",), b"heard")
    await until(lambda: gateway.heard)


async def test_a_message_before_the_publisher_is_open_goes_nowhere(queue: Queue) -> None:
    publisher = queue.new_publisher()
    publisher.meet("g-1")
    publisher.publish(ONE, ("g-1",), b"")
    publisher.publish_to("g-1", join_topics([ONE]), b"")
    assert not publisher.is_subscribed("g-1")
    publisher.close()


async def test_a_missing_message_is_noticed_by_the_next_of_any_kind(queue: Queue) -> None:
    node = queue.node(uri := queue.new_uri())
    gateway = queue.gateway("g-1", uri)
    await queue.subscribed(node, gateway, ONE)
    queue.losing.text = b"lost"

    def one(body: bytes) -> None:
        node.publish(ONE, ("g-1",), body)

    def several(body: bytes) -> None:
        node.publish_to("g-1", join_topics([ONE, TEN]), body)

    def itself(body: bytes) -> None:
        node.publish_to("g-1", join_topics(()), body)

    itself(b"begin")
    heard, missed = 1, list[int]()
    for lose in (one, several, itself):
        for follow in (one, several, itself):
            one(b"well")
            lose(b"lost")
            lose(b"lost")
            await until(partial(gateway.has_heard_in_all, heard + 1))
            assert gateway.missed == missed, "nothing has followed yet"
            follow(b"next")
            heard += 2
            missed.append(heard)
            await until(partial(gateway.has_heard_in_all, heard))
            await until(lambda: len(gateway.missed) == len(missed))
            assert gateway.missed == missed


async def test_a_message_for_a_topic_of_several_gateways_is_counted_for_each(queue: Queue) -> None:
    """And what one of them is not sent is not missing there."""
    node = queue.node(uri := queue.new_uri())
    gateways = [queue.gateway(name, uri) for name in ("g-1", "g-2", "h-1")]
    for gateway in gateways:
        await queue.subscribed(node, gateway, ONE, WATCHED)
        node.publish_to(gateway.name, join_topics(()), b"first")
    for wanted in (("g-1", "g-2"), ("g-1",), ("h-1",), ("g-2", "h-1"), ("g-1", "g-2", "h-1")):
        for topic in (ONE, WATCHED):
            node.publish(topic, wanted, ",".join(wanted).encode())
    for gateway in gateways:
        node.publish_to(gateway.name, join_topics(()), b"last")
    for gateway in gateways:
        await until(partial(gateway.has_heard, b"last"))
        assert sum(gateway.name.encode() in body for body in gateway.bodies) == 6
        assert gateway.missed == []


async def test_a_message_is_heard_although_its_subscription_is_still_on_its_way(mesh: Queue) -> None:
    """From the moment in which somebody waits for a mark until it comes."""
    node = mesh.node(uri := mesh.new_uri())
    gateway = mesh.gateway("g-1", uri)
    await mesh.subscribed(node, gateway, ONE)
    said: list[bool] = []
    node.when_subscribed("g-1", 2, said.append)
    node.publish(TEN, ("g-1",), b"early")
    await until(lambda: gateway.heard)
    assert [(list(topics), body) for topics, body in gateway.heard] == [([TEN], b"early")]
    gateway.subscriber.subscribe(TEN)
    gateway.mark()
    await until(lambda: said)
    node.publish(TEN, ("g-1",), b"late")
    await until(lambda: len(gateway.heard) == 2)
    assert gateway.missed == []


async def test_numbers_begin_anew_with_new_subscriptions(mesh: Queue) -> None:
    node = mesh.node(uri := mesh.new_uri())
    gateway = mesh.gateway("g-1", uri)
    await mesh.subscribed(node, gateway, ONE)
    for turn in range(1, 4):
        node.publish_to("g-1", join_topics(()), b"to itself")
        node.publish(ONE, ("g-1",), b"to one")
        await until(partial(gateway.has_heard_in_all, 2 * turn))
        gateway.subscriber.disconnect(uri)
        await until(lambda: not node.is_subscribed("g-1"))
        node.publish(ONE, ("g-1",), b"to nobody")
        gateway.subscriber.connect(uri)
        await mesh.subscribed(node, gateway)
    assert gateway.missed == []


async def test_the_first_message_of_all_is_missing(queue: Queue) -> None:
    node = queue.node(uri := queue.new_uri())
    gateway = queue.gateway("g-1", uri)
    await queue.subscribed(node, gateway, ONE)
    queue.losing.text = b"lost"
    node.publish_to("g-1", join_topics(()), b"lost")
    node.publish_to("g-1", join_topics(()), b"next")
    await until(lambda: gateway.missed)
    gateway.subscriber.forget(STARTED_AT)
    node.publish_to("g-1", join_topics(()), b"of a forgotten process")
    await until(lambda: len(gateway.missed) == 2)


async def test_a_gateway_that_does_not_keep_up_notices_what_it_lost(queue: Queue) -> None:
    """More messages than any buffer takes, in one turn of the loop: the last ones are dropped."""
    node = queue.node(uri := queue.new_uri())
    gateway = queue.gateway("g-1", uri)
    await queue.subscribed(node, gateway, ONE)
    node.publish_to("g-1", join_topics(()), b"first")
    body = bytes(2_000)
    for _ in range(MORE_THAN_FIT):
        node.publish(ONE, ("g-1",), body)

    def has_read_all() -> bool:
        node.publish_to("g-1", join_topics(()), b"beat")
        return gateway.has_heard(b"beat")

    await until(has_read_all, 6 * DEADLINE)
    assert len(gateway.heard) < MORE_THAN_FIT
    assert gateway.missed

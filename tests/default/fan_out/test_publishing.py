"""Topics → gateways → the queue: one message for all of a room's devices at a gateway, and the
grouping is found again for the same room."""

from collections.abc import Callable, Iterable, Sequence

from chatd.core.counter import Counter
from chatd.core.ids import topic_of
from chatd.core.model import Members
from chatd.core.online import OnlineTable
from chatd.core.routing import Routing
from chatd.default.fan_out.publishing import QueuePublishing
from chatd.transport.queue import OnGateway
from chatd.transport.queue.joined import join_topics, split_topics
from chatd.transport.sockets import Context

A, B, C, D = (topic_of(name, "d") for name in "abcd")
ROOM = Members("r", 1, frozenset("abcd"))


class Kept:
    """A publisher that keeps what it is given: for a topic by itself, or for a gateway."""

    gateways: Iterable[str] = ("g",)
    counters: Sequence[Counter] = ()
    problem = ""

    def __init__(self) -> None:
        self.met: list[tuple[str, bool]] = []
        self.sent: list[tuple[str, Sequence[bytes], bytes]] = []

    def open(self, context: Context, uri: str, on_gateway: OnGateway) -> str:
        return uri

    def publish(self, topic: bytes, gateways: Sequence[str], body: bytes) -> None:
        self.sent.append(("", (topic, *(gateway.encode() for gateway in gateways)), body))

    def publish_to(self, gateway: str, joined: bytes, body: bytes) -> None:
        assert len(joined) == 4 + int.from_bytes(joined[:4], "big")
        self.sent.append((gateway, split_topics(joined[4:]), body))

    def is_subscribed(self, gateway: str) -> bool:
        return True

    def when_subscribed(self, gateway: str, number: int, then: Callable[[bool], None]) -> None:
        then(True)

    def meet(self, gateway: str) -> None:
        self.met.append((gateway, True))

    def forget(self, gateway: str) -> None:
        self.met.append((gateway, False))

    async def drain(self, seconds: float) -> None:
        pass

    def close(self) -> None:
        pass

    def take(self) -> list[tuple[str, Sequence[bytes], bytes]]:
        sent, self.sent = self.sent, []
        return sent


class Node:
    def __init__(self) -> None:
        self.queue = Kept()
        self.routing = Routing()
        self.online = OnlineTable()
        self.publishing = QueuePublishing(self.queue, self.routing)

    def watch(self, gateway: str, *topics: bytes) -> None:
        number = self.routing.number_of(gateway) + 1
        change = self.routing.apply(gateway, number, full=True, add=topics, remove=())
        assert change is not None
        for topic in change.added:
            assert self.online.add(topic)
        for topic in change.removed:
            self.online.remove(topic)

    def send(self) -> dict[str, set[bytes]]:
        """One event of the room: gateways, or "" for a topic by itself, and the topics."""
        self.publishing.publish(self.online.targets(ROOM), b"event")
        sent = self.queue.take()
        assert all(body == b"event" for _, _, body in sent)
        assert len({to for to, _, _ in sent}) == len(sent), "once to each"
        return {to: set(topics) for to, topics, _ in sent}


def test_each_gateway_gets_one_message_with_its_devices() -> None:
    node = Node()
    node.watch("g", A, B)
    node.watch("h", C)
    assert node.send() == {"g": {A, B}, "h": {C}}
    node.watch("h")
    assert node.send() == {"g": {A, B}}


def test_a_message_for_one_device_goes_to_its_topic() -> None:
    node = Node()
    assert node.send() == {}
    node.watch("g", A)
    assert node.send() == {"": {A, b"g"}}
    node.watch("h", A)
    assert node.send() == {"": {A, b"g", b"h"}}
    node.publishing.publish((D,), b"to nobody")
    assert node.queue.take() == []


def test_a_device_that_moves_between_gateways_is_followed_although_it_stays_online() -> None:
    node = Node()
    node.watch("g", A, B)
    before = node.online.targets(ROOM)
    assert node.send() == {"g": {A, B}}
    node.watch("h", B)
    assert node.online.targets(ROOM) is before
    assert node.send() == {"g": {A, B}, "h": {B}}
    node.watch("g", A)
    assert node.send() == {"g": {A}, "h": {B}}


def test_topics_that_were_joined_come_apart_again() -> None:
    topics = (A, topic_of("ä" * 60, "d"), b"x:y\x01", b"z\x02")
    assert split_topics(join_topics(topics)[4:]) == topics
    assert split_topics(b"") == ()

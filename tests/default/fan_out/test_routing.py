"""A node's side of Watch: what it applies, when it answers, whom it tells, and when a gateway is
gone."""

from collections.abc import Callable
from typing import cast

import pytest
from google.protobuf.message import Message

from chatd.core.ids import DELIVERIES, WATCH
from chatd.core.routing import Routing
from chatd.core.subscribed import Subscribed
from chatd.core.wire import split_queue_body
from chatd.default.answer import Caller, CallStore, Later
from chatd.default.fan_out.routing import SILENT_SECONDS, TICK_SECONDS, GatewayRouting
from chatd.errors import ChatdError, InvalidArgument, Unavailable
from chatd.pb.node.v1.node_pb2 import QueueHeader, WatchRequest, WatchResponse
from tests.default.fan_out.test_publishing import Kept

GATEWAY = Caller("")
NO_STORE = cast(CallStore, None)
"""A Watch writes nothing."""
A, B, BOB = b"a:1\0", b"b:1\0", b"bob\x02"


class Fenced(Kept):
    """A publisher whose fences the test lets come."""

    def __init__(self) -> None:
        super().__init__()
        self.subscribed = Subscribed()

    def when_subscribed(self, gateway: str, number: int, then: Callable[[bool], None]) -> None:
        self.subscribed.when(gateway, number, then)

    def is_subscribed(self, gateway: str) -> bool:
        return gateway in self.subscribed


class Node:
    def __init__(self) -> None:
        self.now = 100.0
        self.queue = Fenced()
        self.routing = Routing()
        self.told: list[tuple[bytes, bool]] = []
        self.heard: list[bytes] = []
        self.gateways = GatewayRouting(
            self.routing,
            self.queue,
            on_topic={DELIVERIES: self._on_topic, WATCH: self._on_topic},
            on_heard={WATCH: self.heard.append},
            started_at_us=7,
            now=lambda: self.now,
        )

    def _on_topic(self, topic: bytes, there: bool) -> None:
        self.told.append((topic, there))

    def come(self, gateway: str = "g") -> None:
        self.queue.subscribed.come(gateway)
        self.gateways.on_gateway(gateway, True)

    def watch(
        self, number: int, *add: bytes, remove: tuple[bytes, ...] = (), full: bool = False
    ) -> list[Message | ChatdError]:
        """The answer to the call, now or later."""
        request = WatchRequest(gateway_instance="g", number=number, full=full, add=add, remove=remove)
        answer = self.gateways.watch(GATEWAY, request)
        assert isinstance(answer, Later)
        said: list[Message | ChatdError] = []
        answer.begin(NO_STORE, said.append, said.append)
        return said

    def take(self) -> list[tuple[bytes, bool]]:
        told, self.told = self.told, []
        return told


@pytest.fixture
def node() -> Node:
    return Node()


def test_topics_count_at_once_and_the_answer_waits_for_the_fence(node: Node) -> None:
    node.come()
    said = node.watch(1, A, BOB, full=True)
    assert sorted(node.take()) == [(A, True), (BOB, True)]
    assert (said, node.heard) == ([], [])
    node.queue.subscribed.fence("g", 1)
    assert said == [WatchResponse()]
    assert node.heard == [BOB], "told how he is, once it gets there"
    assert node.watch(2, B, remove=(A,)) == []
    assert node.take() == [(B, True), (A, False)], "what comes first"
    assert node.gateways.asked("g") == 2


def test_a_gateway_that_comes_again_is_told_to_say_everything_and_nobody_flickers(node: Node) -> None:
    node.come()
    node.watch(1, A, full=True)
    node.queue.take()
    node.take()
    node.come()
    ((to, topics, body),) = node.queue.take()
    assert (to, list(topics)) == ("g", [])
    assert QueueHeader.FromString(split_queue_body(body)[0]) == QueueHeader(resync=True, node_started_at_us=7)
    assert node.gateways.asked("g") == 0, "if that is lost, the next description says it"
    node.watch(2, A, full=True)
    assert node.gateways.asked("g") == 2
    assert node.take() == []


def test_a_gateway_whose_subscriptions_go_is_gone(node: Node) -> None:
    node.come()
    said = node.watch(1, A, full=True)
    assert node.queue.subscribed.go("g")
    node.gateways.on_gateway("g", False)
    assert [type(one) for one in said] == [Unavailable]
    assert node.take() == [(A, True), (A, False)]
    with pytest.raises(Unavailable):
        node.watch(2, A, full=True)
    assert node.take() == []


def test_a_gateway_that_falls_silent_is_gone_but_not_one_that_could_not_be_heard(node: Node) -> None:
    node.come()
    node.watch(1, A, full=True)
    node.gateways.asked("g")
    for _ in range(round(SILENT_SECONDS / TICK_SECONDS)):
        node.gateways.tick()
        node.now += TICK_SECONDS
    node.now += 60  # this process stood still
    node.gateways.tick()
    assert node.take() == [(A, True)]
    for _ in range(2):
        node.now += TICK_SECONDS
        node.gateways.tick()
    assert node.take() == [(A, False)]
    assert node.gateways.asked("g") == 0


def test_what_does_not_follow_or_is_none_is_refused(node: Node) -> None:
    node.come()
    with pytest.raises(Unavailable):
        node.watch(1, A)
    node.watch(1, full=True)
    with pytest.raises(Unavailable):
        node.watch(3, A)
    with pytest.raises(InvalidArgument):
        node.gateways.watch(GATEWAY, WatchRequest(number=1))
    assert node.take() == []


def test_a_beat_says_which_watches_are_applied(node: Node) -> None:
    def beat() -> tuple[str, list[bytes], QueueHeader]:
        node.queue.take()
        node.gateways.beat()
        ((to, topics, body),) = node.queue.take()
        return to, list(topics), QueueHeader.FromString(split_queue_body(body)[0])

    assert beat() == ("g", [], QueueHeader(node_started_at_us=7))
    node.come()
    node.watch(1, A, full=True)
    node.watch(2, B, remove=(A,))
    assert beat() == ("g", [], QueueHeader(node_started_at_us=7, watched=2)), "before the fence comes"
    node.come()
    assert beat() == ("g", [], QueueHeader(node_started_at_us=7)), "in doubt"

"""The queue may have lost something, on a clock of the test: a gateway's streams pull."""

from collections.abc import Iterable
from typing import cast

import pytest

from chatd.gateway.backend import Backend
from chatd.gateway.default_node import Node
from chatd.gateway.queue_watch import PAUSE_SECONDS, PULL_SECONDS, SILENT_SECONDS, TICK_SECONDS, QueueWatch
from chatd.gateway.resync import Resync
from chatd.gateway.watch import Watch
from chatd.transport.pump import Pump
from chatd.transport.queue import Subscriber


class Nodes(Backend):
    """Those that the test says live; none is called."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.silent: set[Node] = set()

    def living(self) -> list[Node]:
        return [node for node in self.nodes if node not in self.silent]


class Topics(Watch):
    """It keeps all that it is told."""

    def __init__(self) -> None:
        self.resynced: list[int] = []
        self.told: list[tuple[int, int]] = []
        self.given_up: list[str] = []

    def resync(self, started_at_us: int) -> None:
        self.resynced.append(started_at_us)

    def applied(self, started_at_us: int, number: int) -> None:
        self.told.append((started_at_us, number))

    def silent(self, node: Node) -> None:
        self.given_up.append(node.uri)


class Streams(Resync):
    """The number of times that all of them pulled."""

    def __init__(self) -> None:
        self.pulls = 0

    def topics(self, topics: Iterable[bytes] | None) -> None:
        assert topics is None
        self.pulls += 1


class Subscribed:
    """A subscriber that knows why nothing comes, and what it is told."""

    problem = "the broker is away"

    def __init__(self) -> None:
        self.forgotten: list[int] = []

    def forget(self, started_at_us: int) -> None:
        self.forgotten.append(started_at_us)


class Gateway:
    """Nodes ``n`` and ``m``, whose processes started at 1 and 2; each second both answer, and
    those of ``beating`` beat."""

    def __init__(self) -> None:
        self.now = 100.0
        self.nodes, self.topics, self.streams = Nodes(), Topics(), Streams()
        self.subscriber = Subscribed()
        self.watch = QueueWatch(
            self.nodes, self.topics, self.streams, cast(Subscriber, self.subscriber), now=lambda: self.now
        )
        self.n, self.m = self.add("n", 1), self.add("m", 2)
        self.beating = {1, 2}

    def add(self, uri: str, started_at_us: int) -> Node:
        node = Node(uri, lambda node: cast(Pump, None), self.now)
        node.started_at_us, node.heard_at = started_at_us, self.now
        self.nodes.nodes.append(node)
        return node

    def pass_time(self, seconds: float) -> None:
        for _ in range(round(seconds / TICK_SECONDS)):
            self.now += TICK_SECONDS
            if self.now == int(self.now):
                for node in self.nodes.living():
                    node.heard_at = self.now
                for started_at_us in self.beating:
                    self.watch.beat(started_at_us, 7)
            self.watch.tick()

    @property
    def repairs(self) -> int:
        return self.watch.repairs.value


@pytest.fixture
def gateway() -> Gateway:
    made = Gateway()
    made.pass_time(10)
    return made


def test_while_beats_come_nothing_is_repaired(gateway: Gateway) -> None:
    gateway.pass_time(100)
    assert (gateway.repairs, gateway.streams.pulls, gateway.topics.resynced) == (0, 0, [])
    assert set(gateway.topics.told) == {(1, 7), (2, 7)}


def test_a_hole_is_repaired_at_once_and_many_holes_once_a_second(gateway: Gateway) -> None:
    gateway.watch.missed(2)
    assert gateway.topics.resynced == [2]
    for _ in range(3):
        gateway.watch.missed(1)
        gateway.watch.missed(2)
    assert gateway.topics.resynced == [2]
    gateway.pass_time(PAUSE_SECONDS)
    assert gateway.topics.resynced[0] == 2
    assert sorted(gateway.topics.resynced[1:]) == [1, 2]
    gateway.pass_time(10)
    assert (len(gateway.topics.resynced), gateway.repairs) == (3, 2)


def test_a_node_that_answers_and_does_not_beat_has_its_streams_pull(
    gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.beating = {1}
    gateway.pass_time(SILENT_SECONDS)
    assert (gateway.repairs, gateway.streams.pulls) == (0, 0)
    gateway.pass_time(1)
    assert (gateway.repairs, gateway.streams.pulls) == (1, 1)
    assert gateway.topics.given_up == ["m"]
    assert gateway.watch.problem
    gateway.pass_time(10 * PULL_SECONDS)
    assert gateway.streams.pulls == 11
    assert set(gateway.topics.given_up) == {"m"}, "an answer to a Watch says that it is heard"
    assert len(gateway.topics.given_up) > 11
    gateway.beating = {1, 2}
    assert gateway.topics.resynced == []
    gateway.pass_time(1)
    assert gateway.topics.resynced == [2], "what came before the first beat may be missing"
    assert not gateway.watch.problem
    pulls = gateway.streams.pulls
    gateway.pass_time(30)
    assert gateway.streams.pulls == pulls
    said = capsys.readouterr().out
    assert "no beat has come in 3 seconds: the broker is away" in said
    assert said.count("Nothing comes from the queue of a default node; streams pull instead") == 1
    assert said.count("Everything comes from the queues again") == 1


def test_a_node_that_answers_nothing_at_all_is_not_said_to_have_lost_its_queue(gateway: Gateway) -> None:
    """It stands still, or has gone: if it stays away, what it published last may not have come.
    Streams pull once."""
    gateway.beating = {1}
    gateway.nodes.silent = {gateway.m}
    gateway.pass_time(SILENT_SECONDS)
    assert (gateway.repairs, gateway.streams.pulls) == (0, 0)
    gateway.pass_time(1)
    assert (gateway.repairs, gateway.streams.pulls) == (1, 1)
    assert (gateway.topics.given_up, gateway.subscriber.forgotten) == (["m"], [2])
    gateway.pass_time(60)
    assert (gateway.repairs, gateway.streams.pulls) == (1, 1)


def test_streams_pull_for_a_node_that_has_gone_when_any_other_can_be_asked(gateway: Gateway) -> None:
    gateway.beating = set()
    gateway.nodes.silent = {gateway.n, gateway.m}
    gateway.pass_time(60)
    assert gateway.streams.pulls == 0
    gateway.nodes.silent = {gateway.m}
    gateway.beating = {1}
    gateway.pass_time(TICK_SECONDS)
    assert gateway.streams.pulls == 1


def test_a_node_that_was_started_again_is_another(gateway: Gateway) -> None:
    """Its streams pull when it has been told the topics."""
    gateway.m.started_at_us = 3
    gateway.beating = {1, 3}
    gateway.watch.reconnected(3)
    assert gateway.topics.resynced == [3]
    gateway.pass_time(60)
    assert (gateway.repairs, gateway.streams.pulls) == (0, 0)
    assert gateway.subscriber.forgotten == [2]


def test_subscriptions_that_come_again_are_a_repair_but_not_the_first_time(gateway: Gateway) -> None:
    gateway.watch.reconnected(2)
    assert (gateway.repairs, gateway.topics.resynced) == (1, [2])
    gateway.watch.reconnected(9)
    assert (gateway.repairs, gateway.topics.resynced) == (1, [2, 9])


def test_a_beat_of_a_process_that_nobody_has_described_yet_is_its_first(gateway: Gateway) -> None:
    gateway.watch.beat(9, 0)
    assert gateway.topics.told[-1] == (9, 0)
    assert gateway.repairs == 0

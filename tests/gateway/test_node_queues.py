"""The queues a gateway listens to: a refused node's not, and again when it is understood."""

from collections.abc import Callable

import pytest

from chatd.gateway.node_queues import NodeQueues


class Listening:
    """The queues that are connected."""

    def __init__(self, *uris: str) -> None:
        self.uris = set(uris)

    def connect(self, uri: str) -> None:
        assert uri not in self.uris, "connected twice"
        self.uris.add(uri)

    def disconnect(self, uri: str) -> None:
        self.uris.remove(uri)


@pytest.fixture
def listening() -> Listening:
    return Listening("static")


@pytest.fixture
def queues(listening: Listening) -> NodeQueues:
    return NodeQueues(["static"], connect=listening.connect, disconnect=listening.disconnect)


def test_nodes_come_and_go(queues: NodeQueues, listening: Listening) -> None:
    queues.add("static")
    queues.add("found")
    assert listening.uris == {"static", "found"}
    queues.remove("found")
    queues.remove("found")
    assert listening.uris == {"static"}


def test_a_refused_node_is_not_heard_until_it_is_understood(queues: NodeQueues, listening: Listening) -> None:
    for _ in range(2):
        queues.refuse("static")
        assert listening.uris == set()
    for _ in range(2):
        queues.accept("static")
        assert listening.uris == {"static"}


def test_a_refused_node_that_goes_for_good_is_forgotten(queues: NodeQueues, listening: Listening) -> None:
    queues.add("found")
    queues.refuse("found")
    queues.remove("found")
    queues.accept("found")
    assert listening.uris == {"static"}
    queues.add("found")
    assert listening.uris == {"static", "found"}


def test_a_queue_that_nobody_knows_is_left_alone(queues: NodeQueues, listening: Listening) -> None:
    queues.refuse("elsewhere")
    queues.accept("elsewhere")
    queues.refuse("")
    assert listening.uris == {"static"}


OLD, NEW = (f"tcp://10.0.0.1:2#{key * 64}" for key in "ab")


def test_a_queue_that_changes_its_key_is_listened_to_with_one(
    queues: NodeQueues, listening: Listening
) -> None:
    queues.add(OLD)
    queues.add(NEW)
    assert listening.uris == {"static", OLD}, "the node has not answered with the other yet"
    queues.accept(NEW)
    assert listening.uris == {"static", NEW}
    queues.remove(OLD)
    assert listening.uris == {"static", NEW}


def test_a_gateway_that_was_told_none_asks_the_nodes(listening: Listening) -> None:
    listening.uris = set()
    queues = NodeQueues([], connect=listening.connect, disconnect=listening.disconnect)
    for _ in range(2):
        queues.accept(OLD)
    assert listening.uris == {OLD}
    queues.accept(NEW)
    assert listening.uris == {NEW}


def test_encrypted_queues_are_left_and_come_back(queues: NodeQueues, listening: Listening) -> None:
    queues.add(OLD)
    later: list[Callable[[], None]] = []
    queues.connect_anew(later.append)
    assert listening.uris == {"static"}
    later[0]()
    assert listening.uris == {"static", OLD}


def test_a_queue_that_is_removed_meanwhile_does_not_come_back(
    queues: NodeQueues, listening: Listening
) -> None:
    queues.add(OLD)
    later: list[Callable[[], None]] = []
    queues.connect_anew(later.append)
    queues.remove(OLD)
    later[0]()
    assert listening.uris == {"static"}

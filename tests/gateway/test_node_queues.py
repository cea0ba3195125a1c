"""The queues a gateway listens to: a refused node's not, and again when it is understood."""

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

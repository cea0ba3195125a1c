"""Which default nodes a gateway connects to, and which it gives up."""

from collections.abc import Callable
from pathlib import Path

import pytest

from chatd.gateway.discovery import Discovery
from chatd.pb.node.v1.node_pb2 import NodeAddress


class Connections:
    def __init__(self) -> None:
        self.open: dict[str, str] = {}

    def found(self, call_uri: str, queue_uri: str) -> None:
        assert call_uri not in self.open, "connected twice"
        self.open[call_uri] = queue_uri

    def lost(self, call_uri: str, queue_uri: str) -> None:
        assert self.open.pop(call_uri) == queue_uri


def nodes(*ports: int) -> list[NodeAddress]:
    return [NodeAddress(node_id=f"n{port}", call_uri=uri(port), queue_uri=uri(port + 1)) for port in ports]


def uri(port: int) -> str:
    return f"tcp://127.0.0.1:{port}"


def never(_: str) -> bool:
    return False


def always(_: str) -> bool:
    return True


@pytest.fixture
def connections() -> Connections:
    return Connections()


@pytest.fixture
def make(connections: Connections, tmp_path: Path) -> Callable[..., Discovery]:
    def discovery(*static: str, file: str = "nodes.json") -> Discovery:
        return Discovery(static, file=tmp_path / file, found=connections.found, lost=connections.lost)

    return discovery


def test_nodes_that_a_known_one_names_are_connected_once(
    make: Callable[..., Discovery], connections: Connections
) -> None:
    discovery = make(uri(10))
    for _ in range(3):
        discovery.heard(uri(10), uri(10), nodes(10, 20, 30), never)
    assert connections.open == {uri(20): uri(21), uri(30): uri(31)}


def test_a_node_that_the_settings_name_otherwise_is_not_connected_twice(
    make: Callable[..., Discovery], connections: Connections
) -> None:
    discovery = make("tcp://localhost:10", "tcp://localhost:20")
    discovery.heard("tcp://localhost:10", uri(10), nodes(10, 20), never)
    assert connections.open == {uri(20): uri(21)}, "nobody knows yet that this is the second of the settings"
    discovery.heard("tcp://localhost:20", uri(20), nodes(10, 20), never)
    assert connections.open == {}
    discovery.heard("tcp://localhost:10", uri(10), nodes(10, 20), never)
    assert connections.open == {}


def test_a_node_is_given_up_when_it_is_neither_named_nor_heard(
    make: Callable[..., Discovery], connections: Connections
) -> None:
    discovery = make(uri(10))
    discovery.heard(uri(10), uri(10), nodes(10, 20), never)
    discovery.heard(uri(10), uri(10), nodes(10), never)
    assert uri(20) in connections.open, "it still answers"
    discovery.heard(uri(10), uri(10), nodes(10), always)
    assert connections.open == {}
    discovery.heard(uri(10), uri(10), [], always)
    discovery.heard(uri(10), uri(10), nodes(10, 20), always)
    assert uri(20) in connections.open, "back again"


def test_found_nodes_are_remembered_for_the_next_start(
    make: Callable[..., Discovery], connections: Connections
) -> None:
    make(uri(10)).heard(uri(10), uri(10), nodes(10, 20), never)
    connections.open.clear()
    make(uri(10)).remember()
    assert connections.open == {uri(20): uri(21)}
    connections.open.clear()
    make(uri(10), uri(20)).remember()
    assert connections.open == {}, "the settings name it now"


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"tcp://127.0.0.1:5": 7}', '{"gopher://x": "y"}'])
def test_what_cannot_be_read_is_no_reason_to_fail(
    make: Callable[..., Discovery], connections: Connections, tmp_path: Path, text: str
) -> None:
    (tmp_path / "bad.json").write_text(text)
    make(uri(10), file="bad.json").remember()
    assert connections.open == {}


def test_what_only_another_process_can_reach_is_not_connected(
    make: Callable[..., Discovery], connections: Connections
) -> None:
    make(uri(10)).heard(uri(10), uri(10), [NodeAddress(call_uri="inproc://x", queue_uri="inproc://y")], never)
    assert connections.open == {}


def keyed(port: int, key: str) -> str:
    return f"tcp://127.0.0.1:{port}#{key * 64}"


def of_key(port: int, key: str) -> NodeAddress:
    return NodeAddress(node_id=f"n{port}", call_uri=keyed(port, key), queue_uri=keyed(port + 1, key))


def test_a_node_that_changes_its_key_is_known_by_both_and_then_by_the_new_one(
    make: Callable[..., Discovery], connections: Connections
) -> None:
    discovery = make(keyed(10, "a"))
    discovery.heard(keyed(10, "a"), keyed(10, "a"), [of_key(10, "a"), of_key(10, "b")], never)
    assert connections.open == {keyed(10, "b"): keyed(11, "b")}
    discovery.heard(keyed(10, "b"), keyed(10, "b"), [of_key(10, "b"), of_key(10, "c")], never)
    assert set(connections.open) == {keyed(10, "b"), keyed(10, "c")}
    discovery.heard(keyed(10, "c"), keyed(10, "c"), [of_key(10, "c")], always)
    assert set(connections.open) == {keyed(10, "c")}


def test_the_node_of_the_own_process_is_one_whatever_its_key(
    make: Callable[..., Discovery], connections: Connections
) -> None:
    discovery = make("inproc://calls")
    others = [of_key(10, "a"), of_key(20, "c")]
    discovery.heard("inproc://calls", keyed(10, "a"), others, never)
    discovery.heard(keyed(20, "c"), keyed(20, "c"), [*others, of_key(10, "b")], never)
    assert connections.open == {keyed(20, "c"): keyed(21, "c")}

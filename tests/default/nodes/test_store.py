"""Leases of nodes and gateways."""

import pytest

from chatd.default.nodes.model import Lease
from chatd.default.nodes.store import ClaimDatabase, RenewLeases
from chatd.errors import StartFailed
from tests.store.driver import Store


def node(uri: str, until: int, place: str = "p", node_id: str = "n", kind: str = "default") -> Lease:
    return Lease(uri, kind, node_id, "q", "1", 5, until, place=place)


def test_leases_are_renewed_and_forgotten(store: Store) -> None:
    store.do(RenewLeases((node("a", 100), node("b", 50)), 0))
    assert {one.uri: one.lease_until_us for one in store.do(RenewLeases((node("a", 200),), 0)).leases} == {
        "a": 200,
        "b": 50,
    }
    assert [one.uri for one in store.do(RenewLeases((), 51)).leases] == ["a"]


def test_a_node_on_mem_serves_a_database_alone(store: Store) -> None:
    mem, tcp = node("inproc://a#p.1", 100), node("tcp://h:1", 100, "q", "m")
    store.do(ClaimDatabase(mem, 10, alone=False))
    for other in (tcp, node("inproc://a#q.2", 100, "q")):
        with pytest.raises(
            StartFailed, match=r"in use by node n, pid 1, since 1970-01-01T00:00:00\+00:00, whose lease"
        ):
            store.do(ClaimDatabase(other, 10, alone=False))
    assert [one.uri for one in store.do(RenewLeases((), 0)).leases] == [mem.uri], (
        "a refused command has changed nothing"
    )
    store.do(ClaimDatabase(tcp, 100, alone=False))  # the lease has ended
    with pytest.raises(StartFailed, match="in use by node m, at tcp://h:1, since"):
        store.do(ClaimDatabase(node("inproc://a#p.3", 200), 50, alone=False))


def test_a_node_whose_place_is_taken_is_gone(store: Store) -> None:
    store.do(ClaimDatabase(node("inproc://a#p.1", 100), 10, alone=False))
    successor = node("inproc://a#p.2", 110)
    store.do(ClaimDatabase(successor, 11, alone=False))
    assert [one.uri for one in store.do(RenewLeases((), 0)).leases] == [successor.uri]
    store.do(ClaimDatabase(node("tcp://h:1", 110, "q"), 11, alone=True))
    assert [one.uri for one in store.do(RenewLeases((), 0)).leases] == ["tcp://h:1"]


def test_nodes_that_others_hear_share_a_database(store: Store) -> None:
    for uri in ("tcp://h:1", "tcp://h:2", "ipc:///x"):
        store.do(ClaimDatabase(node(uri, 100, uri, uri[-3:].replace("/", "")), 10, alone=False))
    assert len(store.do(RenewLeases((), 0)).leases) == 3


def test_a_name_and_an_address_are_one_nodes(store: Store) -> None:
    store.do(ClaimDatabase(node("ipc:///run/x", 100), 10, alone=False))
    for other, why in (
        (node("tcp://h:1", 100, "q"), "each node needs a NODE_ID of its own"),
        (node("ipc:///run/x", 100, "q"), "each node needs a NODE_ID of its own"),
        (
            node("ipc:///run/x", 100, "q", "m"),
            "each node needs an address of its own, and both say ipc:///run/x",
        ),
    ):
        with pytest.raises(StartFailed, match=f"in use by node n, at ipc:///run/x, since .*; {why}"):
            store.do(ClaimDatabase(other, 10, alone=False))
    store.do(ClaimDatabase(node("tcp://h:2", 100), 10, alone=False))  # started anew with another address
    assert [one.uri for one in store.do(RenewLeases((), 0)).leases] == ["tcp://h:2"]
    store.do(ClaimDatabase(node("tcp://h:2", 200, "q", "m"), 100, alone=False))  # whose lease has ended
    assert [one.node_id for one in store.do(RenewLeases((), 0)).leases] == ["m"]


def test_gateways_share_an_address(store: Store) -> None:
    one, other = (node("tcp://h:1", 100, "", name, "gateway") for name in ("g1", "g2"))
    assert store.do(RenewLeases((one, other), 0)).leases == (one, other)

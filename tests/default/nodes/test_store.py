"""Leases of nodes and gateways."""

import pytest

from chatd.default.nodes.model import Lease
from chatd.default.nodes.store import ClaimDatabase, RenewLeases
from chatd.errors import StartFailed
from tests.store.driver import Store


def node(uri: str, until: int) -> Lease:
    return Lease(uri, "default", "n", "q", "1", 5, until)


def test_leases_are_renewed_and_forgotten(store: Store) -> None:
    store.do(RenewLeases((node("a", 100), node("b", 50)), 0))
    assert {one.uri: one.lease_until_us for one in store.do(RenewLeases((node("a", 200),), 0)).leases} == {
        "a": 200,
        "b": 50,
    }
    assert [one.uri for one in store.do(RenewLeases((), 51)).leases] == ["a"]


def test_a_node_on_mem_serves_a_database_alone(store: Store) -> None:
    mem, tcp = node("inproc://a#p.1", 100), node("tcp://h:1", 100)
    store.do(ClaimDatabase(mem, "p", 10, alone=False))
    for other in (tcp, node("inproc://a#q.2", 100)):
        with pytest.raises(
            StartFailed, match=r"in use by node n, pid 1, since 1970-01-01T00:00:00\+00:00, whose lease"
        ):
            store.do(ClaimDatabase(other, "q", 10, alone=False))
    assert [one.uri for one in store.do(RenewLeases((), 0)).leases] == [mem.uri], (
        "a refused command has changed nothing"
    )
    store.do(ClaimDatabase(tcp, "q", 100, alone=False))  # the lease has ended
    with pytest.raises(StartFailed, match="in use by node n, since"):
        store.do(ClaimDatabase(node("inproc://a#p.3", 200), "p", 50, alone=False))


def test_a_node_whose_place_is_taken_is_gone(store: Store) -> None:
    store.do(ClaimDatabase(node("inproc://a#p.1", 100), "p", 10, alone=False))
    successor = node("inproc://a#p.2", 110)
    store.do(ClaimDatabase(successor, "p", 11, alone=False))
    assert [one.uri for one in store.do(RenewLeases((), 0)).leases] == [successor.uri]
    store.do(ClaimDatabase(node("tcp://h:1", 110), "q", 11, alone=True))
    assert [one.uri for one in store.do(RenewLeases((), 0)).leases] == ["tcp://h:1"]


def test_nodes_that_others_hear_share_a_database(store: Store) -> None:
    for uri in ("tcp://h:1", "tcp://h:2", "ipc:///x"):
        store.do(ClaimDatabase(node(uri, 100), "p", 10, alone=False))
    assert len(store.do(RenewLeases((), 0)).leases) == 3

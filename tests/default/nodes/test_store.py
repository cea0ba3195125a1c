"""Leases of nodes and gateways."""

from chatd.default.nodes.model import Lease
from chatd.default.nodes.store import RenewLeases
from tests.store.driver import Store


def node(uri: str, until: int) -> Lease:
    return Lease(uri, "default", "n", "q", "1", 5, until)


def test_leases_are_renewed_and_forgotten(store: Store) -> None:
    store.do(RenewLeases((node("a", 100), node("b", 50)), 0))
    assert {one.uri: one.lease_until_us for one in store.do(RenewLeases((node("a", 200),), 0))} == {"a": 200, "b": 50}
    assert [one.uri for one in store.do(RenewLeases((), 51))] == ["a"]

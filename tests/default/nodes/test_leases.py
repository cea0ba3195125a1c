"""Leases as one node sees them: by its own steady clock, whatever the wall clocks of others say."""

from pathlib import Path

from chatd.core.log_state import UNKNOWN_LOG
from chatd.default.nodes.known_log import KnownLog
from chatd.default.nodes.known_peers import KnownPeers
from chatd.default.nodes.leases import Leases
from chatd.default.nodes.log_file import LogFile
from chatd.default.nodes.model import Lease
from chatd.default.nodes.store import Renewed, RenewLeases
from chatd.errors import ChatdError
from chatd.files.trusted_keys import write_trusted
from tests.store.driver import DirectAccess, Store

HOUR = 3_600_000_000


class Node:
    """A node whose lease is 9 seconds, and another one that it sees."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.now_us, self.seconds = 10**15, 0.0
        self.lost: list[ChatdError] = []
        self.store = DirectAccess(store)
        self.leases = Leases(
            self.store,
            KnownLog(LogFile(folder, "n"), UNKNOWN_LOG, changed=lambda: None),
            KnownPeers(folder / "trusted", audit=lambda line: None, revoked=lambda: None),
            lease=9.0,
            clock=lambda: self.now_us,
            lost=self.lost.append,
            steady=lambda: self.seconds,
        )

    def see(self, until_us: int, seconds: float = 3.0) -> bool:
        """The other's lease, so much later; whether it holds."""
        self.seconds += seconds
        self.now_us += round(seconds * 1e6)
        other = Lease("other", "default", "o", "q", "1", 5, until_us)
        self.leases.renewed(Renewed((other,), UNKNOWN_LOG))
        return len(self.leases.default_nodes()) == 1


def test_a_lease_holds_while_it_moves_forward_and_no_longer(store: Store, tmp_path: Path) -> None:
    node = Node(store, tmp_path)
    start = node.now_us
    assert node.see(start + 12_000_000)
    assert node.see(start + 15_000_000)
    assert node.see(start + 15_000_000, 8.0)
    assert not node.see(start + 15_000_000, 2.0)


def test_a_lease_from_a_clock_ahead_holds_no_longer_than_any(store: Store, tmp_path: Path) -> None:
    node = Node(store, tmp_path)
    until_us = node.now_us + HOUR
    assert node.see(until_us)
    assert not node.see(until_us, 10.0)


def test_a_lease_from_a_clock_behind_holds_once_it_moves(store: Store, tmp_path: Path) -> None:
    node = Node(store, tmp_path)
    start = node.now_us - HOUR
    assert not node.see(start)
    assert node.see(start + 3_000_000)


def test_a_lease_that_its_holder_ends_holds_no_longer(store: Store, tmp_path: Path) -> None:
    node = Node(store, tmp_path)
    start = node.now_us
    assert node.see(start + 12_000_000)
    assert not node.see(start + 4_000_000, 1.0)


def test_a_step_of_the_own_clock_ends_nobodys_lease(store: Store, tmp_path: Path) -> None:
    node = Node(store, tmp_path)
    start = node.now_us
    node.see(start + 12_000_000)
    node.now_us += 100 * 24 * HOUR
    assert node.see(start + 15_000_000)


ONE, TWO = b"\1" * 32, b"\2" * 32


def vouching(uri: str, node_id: str, until_us: int, *keys: bytes) -> Lease:
    return Lease(uri, "default", node_id, "q", "1", 5, until_us, keys=" ".join(key.hex() for key in keys))


def test_the_word_of_a_node_counts_until_it_says_another(store: Store, tmp_path: Path) -> None:
    node = Node(store, tmp_path)
    known = node.leases.peers

    def told(*leases: Lease) -> tuple[bool, bool]:
        node.leases.renewed(Renewed(leases, UNKNOWN_LOG))
        return known.is_known(ONE, ""), known.is_known(TWO, "")

    late, ended = node.now_us + 9_000_000, node.now_us - 1
    assert told(vouching("a", "other", late, ONE, TWO)) == (True, True)
    assert told(vouching("a", "other", late + 1, ONE)) == (True, False)
    assert told(vouching("a", "other", ended, ONE)) == (True, False), "a node that has stopped may come back"
    assert told() == (False, False)


def test_the_word_of_a_node_at_an_address_that_it_has_left_does_not_count(
    store: Store, tmp_path: Path
) -> None:
    node = Node(store, tmp_path)
    late, ended = node.now_us + 9_000_000, node.now_us - 1
    there = vouching("a#new", "other", late, TWO)
    node.leases.renewed(Renewed((vouching("a#old", "other", ended, ONE), there), UNKNOWN_LOG))
    assert not node.leases.peers.is_known(ONE, "")
    assert node.leases.peers.is_known(TWO, "")


async def test_a_node_vouches_for_its_own_keys_and_those_in_its_file(store: Store, tmp_path: Path) -> None:
    node = Node(store, tmp_path)
    write_trusted(tmp_path / "trusted", {TWO: "g"})
    await node.leases.claim([vouching("a#one", "n", 0, ONE)], "place")
    assert [one.keys for one in node.leases.renewal().nodes] == [f"{ONE.hex()} {TWO.hex()}"]


async def test_an_address_that_is_left_ends_at_once(store: Store, tmp_path: Path) -> None:
    node = Node(store, tmp_path)
    old, new = vouching("a#one", "n", 0, ONE), vouching("a#two", "n", 0, TWO)
    await node.leases.claim([old, new], "place")
    assert {one.uri for one in node.leases.renewal().nodes} == {"a#one", "a#two"}
    node.leases.announce([new])
    written = node.store.commands[-1]
    assert isinstance(written, RenewLeases)
    left = {one.uri: one.lease_until_us > node.now_us for one in written.nodes}
    assert left == {"a#one": False, "a#two": True}
    assert node.leases.call_uri == "a#two"


def ages(node: Node) -> object:
    """As they are shown to monitoring."""
    (gauge,) = node.leases.part.gauges
    return gauge.read()


def test_the_age_of_a_lease_is_that_of_its_last_move(store: Store, tmp_path: Path) -> None:
    node = Node(store, tmp_path)
    start = node.now_us
    assert ages(node) == {}
    node.see(start + 12_000_000)
    node.see(start + 15_000_000)
    assert ages(node) == {("default", "other", "o"): 0.0}
    node.see(start + 15_000_000, 50.0)
    node.see(start + 15_000_000, 50.0)
    assert ages(node) == {("default", "other", "o"): 100.0}, "it was killed"
    node.see(start + 160_000_000)
    assert ages(node) == {("default", "other", "o"): 0.0}


def test_a_lease_that_was_ended_has_no_age(store: Store, tmp_path: Path) -> None:
    node = Node(store, tmp_path)
    start = node.now_us
    node.see(start + 12_000_000)
    node.see(start + 5_000_000)
    assert ages(node) == {}
    other = Node(store, tmp_path)
    other.see(other.now_us - 1_000_000)
    assert ages(other) == {}, "it had ended before this node knew of it"

"""Leases as one node sees them: by its own steady clock, whatever the wall clocks of others say."""

from pathlib import Path

from chatd.core.log_state import UNKNOWN_LOG
from chatd.default.nodes.known_log import KnownLog
from chatd.default.nodes.known_peers import KnownPeers
from chatd.default.nodes.leases import Leases
from chatd.default.nodes.log_file import LogFile
from chatd.default.nodes.model import Lease
from chatd.default.nodes.store import Renewed
from chatd.errors import ChatdError
from tests.store.driver import DirectAccess, Store

HOUR = 3_600_000_000


class Node:
    """A node whose lease is 9 seconds, and another one that it sees."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.now_us, self.seconds = 10**15, 0.0
        self.lost: list[ChatdError] = []
        self.leases = Leases(
            DirectAccess(store),
            KnownLog(LogFile(folder, "n"), UNKNOWN_LOG, changed=lambda: None),
            KnownPeers(folder / "trusted", revoked=lambda: None),
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

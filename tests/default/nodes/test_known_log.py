"""The log as a node knows it: what the database says, what gateways have seen, what the last run
wrote down."""

from pathlib import Path

import pytest

from chatd.core.log_state import UNKNOWN_LOG, LogState
from chatd.default.nodes.known_log import KnownLog
from chatd.default.nodes.leases import Leases
from chatd.default.nodes.log_file import LogFile
from chatd.pb.node.v1.node_pb2 import DescribeRequest, RoomCursor
from chatd.store.log_row import GetLogState
from tests.store.driver import DirectAccess, Store


class Rig:
    """A node's knowledge and its file."""

    def __init__(self, folder: Path) -> None:
        self.file = LogFile(folder, "n")
        self.changes = 0
        self.log = KnownLog(self.file, self.file.read(), changed=self._changed)

    def _changed(self) -> None:
        self.changes += 1


def test_a_new_node_writes_down_the_log_and_its_end_how_far_it_came(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    assert rig.log.newest == UNKNOWN_LOG
    rig.log.keep()
    assert rig.file.read() == UNKNOWN_LOG, "nothing is known: nothing is written"
    rig.log.seen(LogState("x", 1))
    assert rig.file.read() == LogState("x", 1)
    rig.log.seen(LogState("x", 8))
    assert rig.file.read() == LogState("x", 1), "not at each renewal"
    rig.log.keep()
    again = Rig(tmp_path)
    assert again.log.newest == LogState("x", 8)
    again.log.seen(LogState("x", 9))
    assert again.changes == 0


def test_another_log_is_told_and_written_at_once(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.log.seen(LogState("x", 5))
    before = rig.changes
    rig.log.seen(LogState("y", 6))
    assert (rig.changes - before, rig.file.read()) == (1, LogState("y", 6))


def test_an_answer_that_comes_late_changes_nothing(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.log.seen(LogState("y", 6))
    for late in (LogState("x", 5), UNKNOWN_LOG):
        rig.log.seen(late)
    assert rig.log.state == LogState("y", 6)


def test_a_file_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "none")
    rig.log.seen(LogState("x", 5))
    assert rig.log.state == LogState("x", 5)


@pytest.fixture
def rig(store: Store, tmp_path: Path) -> Rig:
    made = Rig(tmp_path)
    made.log.seen(store.ask(GetLogState()))
    return made


@pytest.fixture
def leases(store: Store, rig: Rig) -> Leases:
    return Leases(DirectAccess(store), rig.log, lease=9.0, clock=lambda: 10**15, lost=lambda error: None)


def described(log: LogState, seq: int = 0, instance: str = "g") -> DescribeRequest:
    seen = RoomCursor(room_id="r", seq=seq) if seq else None
    return DescribeRequest(gateway_id="g", gateway_instance=instance, log=log.to_pb(), seen=seen)


def test_a_gateway_that_has_seen_the_log_further_on_is_believed(
    store: Store, rig: Rig, leases: Leases
) -> None:
    before = rig.log.state
    leases.record_gateway(described(before._replace(beat=before.beat + 3)))
    assert rig.log.state.incarnation != before.incarnation
    assert rig.log.state == store.ask(GetLogState())


def test_a_beat_that_another_node_raised_is_looked_up(store: Store, rig: Rig, leases: Leases) -> None:
    before = rig.log.state
    store.do(leases.renewal())
    leases.record_gateway(described(before._replace(beat=before.beat + 1)))
    assert rig.log.state == LogState(before.incarnation, before.beat + 1)


def test_events_that_a_gateway_has_seen_are_looked_for(store: Store, rig: Rig, leases: Leases) -> None:
    """A beat is as old as the last renewal; what was stored since shows it too."""
    before = rig.log.state
    leases.record_gateway(described(before, seq=1, instance="one"))
    leases.record_gateway(described(LogState("another", before.beat), seq=9, instance="two"))
    assert rig.log.state == before
    leases.record_gateway(described(before, seq=9, instance="three"))
    now = rig.log.state
    assert now.incarnation != before.incarnation
    leases.record_gateway(described(before, seq=9, instance="four"))
    leases.record_gateway(described(now, seq=9, instance="three"))
    assert rig.log.state == now == store.ask(GetLogState()), "once for all gateways, and once for each"

"""The log as a node knows it: what the database says, what gateways have seen, what the last run
wrote down."""

from pathlib import Path

from chatd.core.log_state import UNKNOWN_LOG, LogState
from chatd.default.nodes.known_log import KnownLog
from chatd.default.nodes.log_file import LogFile


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

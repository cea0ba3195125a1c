"""The log that gateways have seen is compared with the one that the database holds."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

from chatd.core.deadline import Deadline
from chatd.core.log_state import UNKNOWN_LOG, LogState
from chatd.default.nodes.known_log import KnownLog
from chatd.default.nodes.log_comparison import LogComparison
from chatd.default.nodes.log_file import LogFile
from chatd.default.nodes.log_store import Compared, RaiseBeat
from chatd.errors import ChatdError, Unavailable
from chatd.pb.node.v1.node_pb2 import DescribeRequest, RoomCursor
from chatd.store.access import Failed, log_failure
from chatd.store.command import Query
from tests.store.driver import DirectAccess, Store

R = TypeVar("R")


class HeldAccess(DirectAccess):
    """Readers that answer when the test says so."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.asked: list[tuple[Callable[[], None], Failed]] = []
        """For each question: answer it, or say that it failed."""

    def ask(
        self,
        query: Query[R],
        then: Callable[[R], None],
        failed: Failed | None = None,
        *,
        owner: str = "",
        deadline: Deadline | None = None,
    ) -> None:
        self.asked.append((partial(super().ask, query, then), failed or log_failure))


@pytest.fixture
def log(store: Store, tmp_path: Path) -> KnownLog:
    made = KnownLog(LogFile(tmp_path, "n"), UNKNOWN_LOG, changed=lambda: None)
    made.seen(store.log_state())
    return made


@pytest.fixture
def comparison(store: Store, log: KnownLog) -> LogComparison:
    return LogComparison(DirectAccess(store), log)


def described(known: LogState, seq: int = 0, instance: str = "g") -> DescribeRequest:
    seen = RoomCursor(room_id="r", seq=seq) if seq else None
    return DescribeRequest(gateway_id="g", gateway_instance=instance, log=known.to_pb(), seen=seen)


def test_a_gateway_that_has_seen_the_log_further_on_is_believed(
    store: Store, log: KnownLog, comparison: LogComparison
) -> None:
    before = log.state
    comparison.described(described(before._replace(beat=before.beat + 3)))
    assert log.state.incarnation != before.incarnation
    assert log.state == store.log_state()


def test_a_beat_that_another_node_raised_is_looked_up(
    store: Store, log: KnownLog, comparison: LogComparison
) -> None:
    before = log.state
    store.do(RaiseBeat(before))
    comparison.described(described(before._replace(beat=before.beat + 1)))
    assert log.state == LogState(before.incarnation, before.beat + 1)


def test_events_that_a_gateway_has_seen_are_looked_for(
    store: Store, log: KnownLog, comparison: LogComparison
) -> None:
    """A beat is as old as the last renewal; what was stored since shows it too."""
    before = log.state
    comparison.described(described(before, seq=1, instance="one"))
    comparison.described(described(LogState("another", before.beat), seq=9, instance="two"))
    assert log.state == before
    comparison.described(described(before, seq=9, instance="three"))
    now = log.state
    assert now.incarnation != before.incarnation
    comparison.described(described(before, seq=9, instance="four"))
    comparison.described(described(now, seq=9, instance="three"))
    assert log.state == now == store.log_state(), "once for all gateways, and once for each"


def test_no_stream_opens_in_a_log_behind_what_its_gateway_has_seen(
    store: Store, log: KnownLog, comparison: LogComparison
) -> None:
    before = log.state
    found: list[Compared] = []
    comparison.compare(before, (), found.append, log_failure)
    assert found.pop().log == before
    comparison.compare(before._replace(beat=before.beat + 3), (), found.append, log_failure)
    (compared,) = found
    assert compared.log.incarnation != before.incarnation
    assert compared.log == store.log_state() == log.state


def test_what_follows_keeps_the_order_whichever_reader_is_quicker(store: Store, log: KnownLog) -> None:
    """The epoch of a newer Hello would else be the older one, and the device lose its stream."""
    access = HeldAccess(store)
    comparison = LogComparison(access, log)
    ends: list[str] = []

    def then(name: str, found: Compared) -> None:
        ends.append(name)
        if name == "raises":
            raise Unavailable("as a caller may")

    def failed(name: str, error: ChatdError) -> None:
        ends.append(f"{name} failed")

    for name in ("first", "raises", "lost", "last"):
        comparison.compare(log.state, (), partial(then, name), partial(failed, name))
    first, raises, lost, last = access.asked
    last[0]()
    lost[1](Unavailable("the database is away"))
    raises[0]()
    assert ends == []
    first[0]()
    assert ends == ["first", "raises", "raises failed", "lost failed", "last"]

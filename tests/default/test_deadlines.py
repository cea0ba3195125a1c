"""The deadlines of a gateway's calls, moved on while it hears the node, and not once it has given
them up."""

import pytest

from chatd.core.deadline import Deadline
from chatd.default.deadlines import MAX_CONNECTIONS, Deadlines
from chatd.errors import Unavailable
from chatd.pb.node.v1.node_pb2 import CallLimits

STARTED_US = 7
FAR = 10_000


def limits(silent_at_us: int, *, period: int = 1, deadline_us: int = FAR) -> CallLimits:
    return CallLimits(
        node_started_at_us=STARTED_US, deadline_us=deadline_us, period=period, silent_at_us=silent_at_us
    )


@pytest.fixture
def deadlines() -> Deadlines:
    return Deadlines(STARTED_US)


def read(deadlines: Deadlines, silent_at_us: int, *, connection: bytes = b"one", period: int = 1) -> Deadline:
    deadline = deadlines.read(connection, limits(silent_at_us, period=period), 0)
    assert deadline is not None
    return deadline


def test_a_later_request_moves_the_earlier_ones_on(deadlines: Deadlines) -> None:
    call = read(deadlines, 100)
    assert call.has_passed(150)
    assert deadlines.read(b"one", limits(200, deadline_us=0), 0) is None, "a description has no deadline"
    assert not call.has_passed(150)
    assert call.has_passed(200)


def test_what_was_given_up_is_not_moved_on(deadlines: Deadlines) -> None:
    given_up = read(deadlines, 100)
    later = read(deadlines, 5_000, period=2)
    assert given_up.has_passed(100)
    assert not later.has_passed(4_999)
    read(deadlines, 6_000, period=2)
    assert given_up.has_passed(100)
    assert not later.has_passed(5_999)


def test_another_connection_s_requests_move_nothing(deadlines: Deadlines) -> None:
    call = read(deadlines, 100)
    read(deadlines, 5_000, connection=b"two")
    assert call.has_passed(100)


def test_a_call_for_another_process_is_refused_and_a_question_is_not(deadlines: Deadlines) -> None:
    other = CallLimits(node_started_at_us=STARTED_US + 1, deadline_us=FAR, period=1, silent_at_us=FAR)
    with pytest.raises(Unavailable, match="not done"):
        deadlines.read(b"one", other, 0)
    other.deadline_us = 0
    assert deadlines.read(b"one", other, 0) is None


def test_connections_that_have_gone_are_forgotten(deadlines: Deadlines) -> None:
    call = read(deadlines, 500, connection=b"alive")
    for number in range(3 * MAX_CONNECTIONS):
        deadlines.read(b"%d" % number, limits(number // 10), number // 10)
        deadlines.read(b"alive", limits(500 + number // 10), number // 10)
    assert len(deadlines._connections) <= MAX_CONNECTIONS
    assert not call.has_passed(700)

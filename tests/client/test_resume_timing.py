"""When a client looks again, what a new Welcome forgets, and what a gateway's error becomes."""

import pytest

from chatd.client.resume import ACK_DELAY, Resume
from chatd.core.wire import error_from_pb, error_to_pb
from chatd.errors import WIRE_ERRORS, ChatdError, Internal
from chatd.pb.gateway.v1.gateway_pb2 import Error, Welcome


def welcomed(window: int = 8, now: float = 0.0) -> Resume:
    resume = Resume()
    resume.welcomed(Welcome(epoch=3, heartbeat_interval_ms=2000, window_messages=window, window_bytes=1 << 18), now)
    return resume


def test_a_welcome_is_taken_over() -> None:
    resume = welcomed()
    assert (resume.epoch, resume.heartbeat) == (3, 2.0)


def test_what_was_handled_before_a_welcome_is_not_acknowledged_after_it() -> None:
    resume = welcomed()
    resume.handled(5, now=0.0)
    assert resume.has_unacked
    resume.welcomed(Welcome(epoch=4, heartbeat_interval_ms=2000, window_messages=8, window_bytes=1 << 18), now=1.0)
    assert not resume.has_unacked
    assert resume.take_ack(now=9.0, force=True) is None
    resume.handled(1, now=9.0)
    assert resume.take_ack(now=9.0, force=True) == 1, "counting begins anew"


def test_the_smallest_window_is_acknowledged_one_by_one() -> None:
    resume = welcomed(window=1)
    resume.handled(1, now=0.0)
    assert resume.take_ack(now=0.0) == 1


def test_an_ack_never_moves_back() -> None:
    resume = welcomed()
    resume.handled(4, now=0.0)
    assert resume.take_ack(now=0.0) == 4
    resume.handled(2, now=0.0)
    assert not resume.has_unacked
    assert resume.take_ack(now=9.0, force=True) is None


def test_the_wait_of_an_ack_counts_from_the_first_handled() -> None:
    resume = welcomed(window=100)
    resume.handled(1, now=1.0)
    resume.handled(2, now=1.0 + 0.9 * ACK_DELAY)
    assert resume.take_ack(now=1.0 + 1.01 * ACK_DELAY) == 2


def test_the_next_look_is_soon_when_an_ack_waits() -> None:
    resume = welcomed()
    assert resume.next_look() == pytest.approx(0.5), "a quarter of a heartbeat"
    resume.handled(1, now=0.0)
    assert ACK_DELAY < resume.next_look() < 2 * ACK_DELAY
    assert resume.take_ack(now=resume.next_look()) == 1, "then it is due"


def test_saying_something_puts_the_heartbeat_off_and_hearing_does_not() -> None:
    resume = welcomed(now=10.0)
    resume.heard(11.0)
    assert resume.heartbeat_due(11.0)
    resume.said(11.0)
    assert not resume.heartbeat_due(11.9)
    assert resume.heartbeat_due(12.0)


def test_deliveries_count_as_hearing() -> None:
    resume = welcomed()
    resume.receive([], now=5.0)
    assert not resume.peer_is_silent(6.5)
    assert resume.peer_is_silent(11.0)


@pytest.mark.parametrize("kind", WIRE_ERRORS.values(), ids=lambda kind: kind.name)
def test_every_error_crosses_the_wire_as_itself(kind: type[ChatdError]) -> None:
    error = error_from_pb(error_to_pb(kind("because")))
    assert type(error) is kind
    assert str(error) == "because"


def test_an_error_of_a_newer_gateway_is_still_an_error() -> None:
    error = error_from_pb(Error(code=987, name="FROM_THE_FUTURE"))
    assert type(error) is Internal
    assert "FROM_THE_FUTURE" in str(error)

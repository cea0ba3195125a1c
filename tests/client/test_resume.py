import pytest

from chatd.client.resume import ACK_DELAY, Resume
from chatd.pb.events.v1.payloads_pb2 import EventDelivery, EventLink
from chatd.pb.gateway.v1.gateway_pb2 import Welcome

WELCOME = Welcome(epoch=1, heartbeat_interval_ms=1000, window_messages=8, window_bytes=4096)


def deliveries(*places: tuple[str, int]) -> list[EventDelivery]:
    return [EventDelivery(event=EventLink(room_id=room, seq=seq)) for room, seq in places]


@pytest.fixture
def resume() -> Resume:
    made = Resume()
    made.welcomed(WELCOME, now=0.0)
    return made


def test_repeats_are_dropped_across_reconnects(resume: Resume) -> None:
    assert len(resume.receive(deliveries(("a", 1), ("a", 2), ("b", 1)), 0)) == 3
    resume.welcomed(Welcome(epoch=2, heartbeat_interval_ms=1000, window_messages=8), now=1.0)
    fresh = resume.receive(deliveries(("a", 2), ("a", 3), ("b", 1)), 1)
    assert [(one.room_id, one.seq) for one in fresh] == [("a", 3)]
    assert resume.repeats == 2
    assert resume.received == 3, "counting begins anew with each Welcome"


def test_a_quarter_of_the_window_is_acknowledged_at_once(resume: Resume) -> None:
    resume.receive(deliveries(("a", 1), ("a", 2)), 0)
    resume.handled(1, now=0.0)
    assert resume.take_ack(now=0.0) is None
    resume.handled(2, now=0.0)
    assert resume.take_ack(now=0.0) == 2
    assert resume.take_ack(now=9.0) is None


def test_less_than_that_waits_a_moment(resume: Resume) -> None:
    resume.handled(1, now=5.0)
    assert resume.take_ack(now=5.0 + ACK_DELAY / 2) is None
    assert resume.take_ack(now=5.0 + 1.05 * ACK_DELAY) == 1


def test_an_ack_can_be_forced(resume: Resume) -> None:
    resume.handled(1, now=5.0)
    assert resume.take_ack(now=5.0, force=True) == 1
    assert resume.take_ack(now=5.0, force=True) is None


def test_heartbeats_are_due_when_nothing_else_was_said(resume: Resume) -> None:
    assert not resume.heartbeat_due(0.4)
    assert resume.heartbeat_due(0.5)
    resume.handled(2, now=0.5)
    resume.take_ack(now=0.5)
    assert not resume.heartbeat_due(0.9)


def test_three_silent_intervals_are_a_dead_peer(resume: Resume) -> None:
    assert not resume.peer_is_silent(2.9)
    assert resume.peer_is_silent(3.0)
    resume.heard(3.0)
    assert not resume.peer_is_silent(5.9)


def test_backoff_grows_has_jitter_and_an_end(resume: Resume) -> None:
    waits = [resume.backoff(0.1) for _ in range(20)]
    assert waits[0] <= 0.1
    assert max(waits) <= 5.0
    assert min(waits[-5:]) >= 2.5
    assert len(set(waits[-5:])) > 1


def test_backoff_begins_anew_only_after_a_connection_that_was_of_use(resume: Resume) -> None:
    for _ in range(6):
        resume.welcomed(WELCOME, now=9.0)
        waited = resume.backoff(9.1)
    assert waited > 1.0, "welcomed and closed at once, again and again"
    resume.welcomed(WELCOME, now=9.0)
    assert resume.backoff(14.0) <= 0.1, "it held"
    resume.backoff(14.0)
    resume.welcomed(WELCOME, now=14.0)
    resume.receive(deliveries(("a", 1)), 14.0)
    assert resume.backoff(14.1) <= 0.1, "it brought something"

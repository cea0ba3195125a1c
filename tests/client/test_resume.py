"""The client's side of a stream without a socket: repeats, acks, heartbeats, rejections, replays,
backoff."""

import pytest

from chatd.client.delivery import Delivery
from chatd.client.resume import ACK_DELAY, REJECTIONS_KEPT, Resume
from chatd.pb.events.v1.payloads_pb2 import EventDelivery, EventLink, Skipped, SkipReason
from chatd.pb.gateway.v1.gateway_pb2 import Shown, Welcome

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
    resume.heard(0.5)
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


def welcomed(window: int = 8, now: float = 0.0) -> Resume:
    resume = Resume()
    resume.welcomed(
        Welcome(epoch=3, heartbeat_interval_ms=2000, window_messages=window, window_bytes=1 << 18), now
    )
    return resume


def test_a_welcome_is_taken_over() -> None:
    resume = welcomed()
    assert (resume.epoch, resume.heartbeat) == (3, 2.0)


def test_what_was_handled_before_a_welcome_is_not_acknowledged_after_it() -> None:
    resume = welcomed()
    resume.handled(5, now=0.0)
    assert resume.has_unacked
    resume.welcomed(
        Welcome(epoch=4, heartbeat_interval_ms=2000, window_messages=8, window_bytes=1 << 18), now=1.0
    )
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
    resume.asked(11.0)
    assert not resume.heartbeat_due(11.9)
    assert resume.heartbeat_due(12.0)


def test_acks_that_nobody_answers_do_not_put_it_off() -> None:
    """H2: an application that takes long over each delivery acknowledges now and then, and hears
    nothing: without heartbeats it would give a gateway up that lives."""
    resume = welcomed(now=10.0)
    heartbeat = resume.heartbeat
    resume.receive(deliveries(*(("r", seq) for seq in range(1, 9))), now=10.0)
    for number in range(1, 9):
        now = 10.0 + number * 0.4 * heartbeat
        resume.handled(number, now=now)
        assert resume.take_ack(now=now, force=True) == number
        assert resume.heartbeat_due(now) == (number % 2 == 0)
        if resume.heartbeat_due(now):
            resume.asked(now)


def test_deliveries_count_as_hearing() -> None:
    resume = welcomed()
    resume.receive([], now=5.0)
    assert not resume.peer_is_silent(6.5)
    assert resume.peer_is_silent(11.0)


@pytest.fixture
def roomy() -> Resume:
    made = Resume()
    made.welcomed(Welcome(epoch=1, window_messages=100), 0.0)
    return made


def event(seq: int, **fields: object) -> EventDelivery:
    return EventDelivery(event=EventLink(room_id="r", seq=seq, type=1), **fields)  # type: ignore[arg-type]


def test_a_rejection_names_the_delivery_by_its_count_on_this_connection(roomy: Resume) -> None:
    roomy.receive([event(1)], 0.0)
    shown = roomy.receive([event(2), event(3)], 0.0)
    roomy.reject(shown[1], "no")
    assert roomy.take_rejects() == [(3, "no")]
    assert roomy.take_rejects() == []


def test_a_rejection_that_was_lost_with_its_connection_is_made_again(roomy: Resume) -> None:
    (shown,) = roomy.receive([event(1)], 0.0)
    roomy.reject(shown, "no")
    roomy.take_rejects()
    roomy.welcomed(Welcome(epoch=2, window_messages=100), 1.0)
    assert roomy.receive([event(1), event(2)], 1.0)[0].seq == 2
    assert roomy.take_rejects() == [(1, "no")]


def test_a_rejection_of_an_earlier_connection_waits_for_the_repeat(roomy: Resume) -> None:
    (shown,) = roomy.receive([event(1)], 0.0)
    roomy.welcomed(Welcome(epoch=2, window_messages=100), 1.0)
    roomy.reject(shown, "no")
    assert roomy.take_rejects() == []
    roomy.receive([event(1)], 1.0)
    assert roomy.take_rejects() == [(1, "no")]


def test_what_was_acknowledged_is_not_rejected(roomy: Resume) -> None:
    (shown,) = roomy.receive([event(1)], 0.0)
    roomy.handled(1, 0.0)
    roomy.take_ack(1.0, force=True)
    roomy.reject(shown, "too late")
    assert roomy.take_rejects() == []


def test_only_so_many_rejections_are_remembered(roomy: Resume) -> None:
    for seq in range(1, REJECTIONS_KEPT + 2):
        (shown,) = roomy.receive([event(seq)], 0.0)
        roomy.reject(shown, "no")
    roomy.welcomed(Welcome(epoch=2, window_messages=100), 1.0)
    roomy.receive([event(1), event(2)], 1.0)
    assert roomy.take_rejects() == [(2, "no")]


def test_a_replay_is_shown_once_and_moves_nothing(roomy: Resume) -> None:
    roomy.receive([event(1), event(2), event(3)], 0.0)
    (replayed,) = roomy.receive([event(2, replay=True)], 0.0)
    assert (replayed.seq, replayed.replay) == (2, True)
    roomy.welcomed(Welcome(epoch=2, window_messages=100), 1.0)
    assert roomy.receive([event(2, replay=True)], 1.0) == [], "its ack was lost, not its showing"
    assert [one.seq for one in roomy.receive([event(3), event(4)], 1.0)] == [4]
    assert roomy.received == 3, "repeats are counted all the same"


def test_what_is_replayed_again_later_is_shown_again(roomy: Resume) -> None:
    """Until the client has acknowledged it, it is a repeat, on whatever connection."""
    roomy.receive([event(1), event(2), event(3)], 0.0)
    assert len(roomy.receive([event(1, replay=True), event(2, replay=True)], 0.0)) == 2
    roomy.handled(4, 0.0)
    roomy.take_ack(0.0, force=True)
    roomy.welcomed(Welcome(epoch=2, window_messages=100), 1.0)
    heard = [event(3, replay=True), event(1, replay=True), event(2, replay=True)]
    assert [one.seq for one in roomy.receive(heard, 1.0)] == [3, 1], "the ack of 2 was not sent"
    roomy.handled(3, 1.0)
    roomy.take_ack(1.0, force=True)
    assert [one.seq for one in roomy.receive([event(2, replay=True)], 1.0)] == [2]


def test_a_replay_that_was_rejected_is_rejected_again_when_it_comes_again(roomy: Resume) -> None:
    """Unless it is replayed later: then it is the application's to say."""
    (shown,) = roomy.receive([event(2)], 0.0)
    roomy.reject(shown, "no")
    roomy.take_rejects()
    (replayed,) = roomy.receive([event(2, replay=True)], 0.0)
    assert roomy.take_rejects() == []
    roomy.reject(replayed, "still no")
    assert roomy.take_rejects() == [(2, "still no")]
    roomy.welcomed(Welcome(epoch=2, window_messages=100), 1.0)
    assert roomy.receive([event(2, replay=True)], 1.0) == []
    assert roomy.take_rejects() == [(1, "still no")]


@pytest.mark.parametrize(
    ("first", "reason", "text"),
    [
        (3, SkipReason.SKIP_REASON_REJECTED, "3 will not come: rejected by this device"),
        (1, SkipReason.SKIP_REASON_RETENTION, "1 to 3 will not come: no longer kept"),
        (3, SkipReason.SKIP_REASON_UNDELIVERABLE, "3 will not come: tried too often"),
        (1, SkipReason.SKIP_REASON_OPERATOR, "1 to 3 will not come: skipped by an operator"),
        (3, 77, "3 will not come: for a reason this version does not know"),
    ],
)
def test_a_marker_counts_as_shown_and_says_what_is_missing(
    roomy: Resume, first: int, reason: SkipReason, text: str
) -> None:
    marker = event(3, skipped=Skipped(first_seq=first, last_seq=3, reason=reason))
    (shown,) = roomy.receive([marker], 0.0)
    assert (shown.text, shown.skipped) == (text, marker.skipped)
    assert roomy.receive([event(3)], 0.0) == []
    assert Delivery(event(4)).skipped is None


def stored(room: str, seq: int, at_us: int = 0, **fields: object) -> EventDelivery:
    link = EventLink(room_id=room, seq=seq, event_id=f"{room}{seq}", sent_at_us=at_us)
    return EventDelivery(event=link, **fields)  # type: ignore[arg-type]


def seqs(shown: list[Delivery]) -> list[int]:
    return [one.seq for one in shown]


def in_log(name: str, **fields: object) -> Welcome:
    return Welcome(epoch=1, window_messages=100, log=name, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("welcome", [in_log("y"), in_log("x", rewound=True)])
def test_what_was_shown_of_another_log_is_no_repeat(welcome: Welcome) -> None:
    resume = Resume()
    resume.welcomed(in_log("x"), 0.0)
    assert not resume.is_another_log
    resume.receive([stored("r", 9), stored("r", 2, replay=True)], 0.0)
    resume.welcomed(in_log("x"), 1.0)
    assert resume.receive([stored("r", 9)], 1.0) == [], "the same log"
    resume.welcomed(welcome, 2.0)
    assert resume.is_another_log
    assert resume.newest is None
    shown = resume.receive([stored("r", 5), stored("r", 2, replay=True)], 2.0)
    assert (seqs(shown), {one.log for one in shown}) == ([5, 2], {welcome.log})
    resume.welcomed(in_log(welcome.log), 3.0)
    assert not resume.is_another_log, "it was told once"
    assert resume.receive([stored("r", 5)], 3.0) == []


def test_the_newest_event_is_the_one_that_was_stored_last() -> None:
    """Catching up brings rooms one after the other."""
    resume = Resume()
    resume.welcomed(in_log("x"), 0.0)
    assert resume.newest is None
    resume.receive([stored("a", 7, 50), stored("b", 2, 30), stored("b", 3, 40)], 0.0)
    marker = stored("c", 9, 90)
    marker.event.event_id = ""
    resume.receive([marker, stored("c", 1, 99, replay=True)], 0.0)
    assert resume.newest == Shown(log="x", room_id="a", seq=7, event_id="a7")
    resume.receive([stored("b", 4, 60)], 0.0)
    assert resume.newest == Shown(log="x", room_id="b", seq=4, event_id="b4")
    resume.receive([stored("b", 5, 10)], 0.0)
    assert resume.newest == Shown(log="x", room_id="b", seq=5, event_id="b5"), "the clock was set back"


def test_a_rejection_of_another_logs_event_is_not_repeated() -> None:
    resume = Resume()
    resume.welcomed(in_log("x"), 0.0)
    (old,) = resume.receive([stored("r", 5)], 0.0)
    resume.welcomed(in_log("y"), 1.0)
    assert old.epoch == resume.epoch, "epochs begin anew too"
    resume.reject(old, "no")
    assert resume.take_rejects() == []
    resume.receive([stored("r", 5)], 1.0)
    resume.welcomed(in_log("y"), 2.0)
    resume.receive([stored("r", 5)], 2.0)
    assert resume.take_rejects() == []

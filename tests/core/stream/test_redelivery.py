"""A stream's oldest delivery: overdue, failed, sent again, given up, rejected, suspected,
replayed."""

from itertools import pairwise

import pytest

from chatd.core.model import Owed, OwedRun, StreamAcks, StreamKey
from chatd.core.stream import DeviceStream, Published, Run, StreamState
from chatd.core.stream.redelivery import LONGEST
from chatd.errors import NotInFlight

KEY = StreamKey("p", "d", 7)


def published(room: str, first: int, last: int) -> Published:
    return Published((Run(room, first, last),), last - first + 1, b"r" * (last - first + 1))


@pytest.fixture
def stream() -> DeviceStream:
    """Live, events 1 to 3 of room a in flight."""
    made = DeviceStream(KEY, window_messages=4, window_bytes=100)
    made.begin_pull()
    made.pulled(Owed(cursors={"a": 0, "b": 0}))
    made.offer(published("a", 1, 3))
    return made


def fail_head(stream: DeviceStream) -> StreamAcks:
    """Its time is up, and that is written."""
    assert stream.oldest_failed(send_again=True)
    acks = stream.pending_acks.take()
    assert acks is not None
    stream.acks_written()
    return acks


def test_the_oldest_delivery_is_overdue_after_a_time_that_doubles(stream: DeviceStream) -> None:
    assert not stream.overdue(100.0, 10.0), "seen for the first time"
    assert not stream.overdue(109.9, 10.0)
    assert stream.overdue(110.0, 10.0)
    assert not stream.overdue(129.9, 10.0), "twice as long now"
    assert stream.overdue(130.0, 10.0)
    for _ in range(10):
        stream.overdue(130.0 + 1e6, 10.0)
    assert stream.overdue(130.0 + 1e6 + LONGEST, 10.0), "never longer than that"


def test_progress_begins_the_wait_anew_and_an_empty_window_has_none(stream: DeviceStream) -> None:
    stream.overdue(100.0, 10.0)
    stream.ack(1)
    assert not stream.overdue(110.0, 10.0)
    assert not stream.overdue(119.9, 10.0)
    stream.ack(3)
    assert not stream.overdue(1000.0, 10.0)


def test_what_failed_is_pulled_and_sent_again_behind_the_rest(stream: DeviceStream) -> None:
    assert fail_head(stream).failed == ("a", 1)
    assert stream.wants_pull
    pull = stream.begin_pull()
    assert pull is not None
    assert (pull.again, pull.sent) == (("a", 1), {"a": 3})
    frames, _ = stream.pulled(Owed((OwedRun("a", 1, 1, b"again", again=True),)))
    assert frames == [b"again"]
    assert stream.window.sent == 4
    stream.ack(4)
    acks = stream.pending_acks.take()
    assert acks is not None
    assert acks.cursors == {"a": 3}, "the copy does not turn the cursor back"


def test_the_ack_of_a_copy_does_not_undo_one_that_waits(stream: DeviceStream) -> None:
    fail_head(stream)
    stream.begin_pull()
    stream.pulled(Owed((OwedRun("a", 1, 1, b"again", again=True),)))
    stream.ack(3)
    stream.ack(4)
    acks = stream.pending_acks.take()
    assert acks is not None
    assert acks.cursors == {"a": 3}


def test_it_is_sent_again_even_when_the_window_is_full(stream: DeviceStream) -> None:
    stream.offer(published("a", 4, 4))
    assert stream.window.free_messages == 0
    fail_head(stream)
    pull = stream.begin_pull()
    assert pull is not None
    assert (pull.again, pull.max_messages) == (("a", 1), 0)


def test_an_ack_that_comes_first_spares_the_repeat(stream: DeviceStream) -> None:
    assert stream.oldest_failed(send_again=True)
    assert stream.pending_acks.take() is not None
    stream.ack(1)
    stream.acks_written()
    assert not stream.wants_pull


def test_a_failed_pull_is_made_again_with_the_repeat(stream: DeviceStream) -> None:
    fail_head(stream)
    stream.begin_pull()
    stream.pull_failed()
    pull = stream.begin_pull()
    assert pull is not None
    assert pull.again == ("a", 1)


def test_a_repeat_that_is_wanted_during_a_pull_waits_for_the_next(stream: DeviceStream) -> None:
    stream.ack(1)
    stream.fall_behind()
    assert stream.begin_pull() is not None
    fail_head(stream)
    stream.pulled(Owed(more=True))
    assert stream.wants_pull
    pull = stream.begin_pull()
    assert pull is not None
    assert pull.again == ("a", 2)


def test_a_failure_behind_the_one_that_was_asked_for_is_asked_for_next(stream: DeviceStream) -> None:
    fail_head(stream)
    stream.begin_pull()
    stream.ack(1)
    fail_head(stream)
    stream.pulled(Owed((OwedRun("a", 1, 1, b"again", again=True),)))
    assert stream.wants_pull
    pull = stream.begin_pull()
    assert pull is not None
    assert pull.again == ("a", 2)


def test_what_is_given_up_no_longer_holds_up_the_rest(stream: DeviceStream) -> None:
    stream.offer(published("a", 4, 4))
    fail_head(stream)
    stream.begin_pull()
    stream.pulled(Owed((OwedRun("a", 1, 1, b"marker", skipped=True, again=True),)))
    assert stream.window.acked == 1, "the first copy is not waited for"
    assert stream.pending_acks.take() is None, "but the cursor is not moved for the device"
    stream.ack(5)
    acks = stream.pending_acks.take()
    assert acks is not None
    assert acks.cursors == {"a": 4}


def test_the_ack_of_a_marker_alone_moves_the_cursor() -> None:
    stream = DeviceStream(KEY, window_messages=4, window_bytes=100)
    stream.begin_pull()
    stream.pulled(Owed(cursors={"a": 0}))
    stream.offer(published("a", 1, 1))
    fail_head(stream)
    stream.begin_pull()
    stream.pulled(Owed((OwedRun("a", 1, 1, b"marker", skipped=True, again=True),)))
    stream.ack(2)
    acks = stream.pending_acks.take()
    assert acks is not None
    assert acks.cursors == {"a": 1}


def test_the_end_of_a_stream_counts_without_a_repeat(stream: DeviceStream) -> None:
    stream.ack(1)
    assert stream.oldest_failed(send_again=False)
    stream.close()
    acks = stream.pending_acks.take()
    assert acks is not None
    assert (acks.cursors, acks.failed) == ({"a": 1}, ("a", 2))
    stream.acks_written()
    assert not stream.wants_pull


def test_with_nothing_in_flight_nothing_has_failed(stream: DeviceStream) -> None:
    stream.ack(3)
    assert not stream.oldest_failed(send_again=False)


def test_a_rejection_is_written_with_the_acks_and_survives_their_failure(stream: DeviceStream) -> None:
    stream.reject(2, "no key")
    stream.ack(3)
    first = stream.pending_acks.take()
    stream.pending_acks.lost()
    second = stream.pending_acks.take()
    assert first == second
    assert second is not None
    assert (second.rejected, second.cursors) == ((("a", 2, "no key"),), {"a": 3})


@pytest.mark.parametrize("delivery", [0, 1, 4])
def test_only_what_is_in_flight_can_be_rejected(stream: DeviceStream, delivery: int) -> None:
    stream.ack(1)
    with pytest.raises(NotInFlight):
        stream.reject(delivery, "")


def test_a_marker_for_many_events_is_one_delivery() -> None:
    stream = DeviceStream(KEY, window_messages=4, window_bytes=100)
    stream.begin_pull()
    stream.pulled(
        Owed(
            (OwedRun("a", 1, 1000, b"gap", skipped=True), OwedRun("a", 1001, 1002, b"xy")),
            cursors={"a": 1002},
        )
    )
    assert stream.window.sent == 3
    stream.ack(1)
    acks = stream.pending_acks.take()
    assert acks is not None
    assert acks.cursors == {"a": 1000}
    assert stream.offer(published("a", 1003, 1003))


def test_a_suspect_is_alone_then_the_window_opens_again_by_doubling() -> None:
    stream = DeviceStream(KEY, window_messages=4, window_bytes=100)
    stream.begin_pull()
    stream.pulled(Owed((OwedRun("a", 1, 1, b"x"),), more=True, alone=True))
    assert not stream.wants_pull
    assert not stream.offer(published("b", 1, 1)), "nothing else is in flight with it"
    stream.ack(1)
    assert stream.wants_pull
    pull = stream.begin_pull()
    assert pull is not None
    assert pull.max_messages == 2
    stream.pulled(Owed((OwedRun("a", 2, 3, b"xy"),), more=True))
    stream.ack(2)
    assert not stream.wants_pull, "one of the two is still in flight"
    stream.ack(3)
    pull = stream.begin_pull()
    assert pull is not None
    assert pull.max_messages == 4
    stream.pulled(Owed())
    assert stream.state is StreamState.LIVE


def test_a_suspect_that_fails_is_sent_again_alone_too() -> None:
    stream = DeviceStream(KEY, window_messages=4, window_bytes=100)
    stream.begin_pull()
    stream.pulled(Owed((OwedRun("a", 1, 1, b"x"),), more=True, alone=True))
    fail_head(stream)
    pull = stream.begin_pull()
    assert pull is not None
    assert (pull.again, pull.max_messages) == (("a", 1), 0)


def test_a_replay_is_sent_once_and_its_ack_is_told_apart(stream: DeviceStream) -> None:
    replay = OwedRun("a", 1, 1, b"replay", replay=True)
    stream.ack(3)
    stream.fall_behind()
    stream.begin_pull()
    assert stream.pulled(Owed((replay,)))[0] == [b"replay"]
    stream.fall_behind()
    stream.begin_pull()
    assert stream.pulled(Owed((replay,)))[0] == [], "it is in flight"
    stream.ack(4)
    acks = stream.pending_acks.take()
    assert acks is not None
    assert (acks.cursors, acks.replayed) == ({"a": 3}, (("a", 1),))
    stream.fall_behind()
    stream.begin_pull()
    assert stream.pulled(Owed((replay,)))[0] == [], "its ack is being written"
    stream.pending_acks.lost()
    again = stream.pending_acks.take()
    assert again is not None
    assert again.replayed == (("a", 1),)
    assert stream.offer(published("a", 4, 4)), "the room's own order is not touched"


def never_acknowledged(
    stream: DeviceStream, seconds: float, *, retries: int, replay: bool = False
) -> list[float]:
    """The times at which something is sent again to a device that acknowledges nothing; the first
    timeout is 0.1 s, and a delivery that failed more often than ``retries`` is given up."""
    failures: dict[tuple[str, int], int] = {}
    sent_at = []
    for tick in range(round(seconds / 0.01)):
        now = tick * 0.01
        if not stream.overdue(now, 0.1):
            continue
        place = fail_head(stream).failed
        assert place is not None
        failures[place] = failures.get(place, 0) + 1
        dead = failures[place] > retries
        pull = stream.begin_pull()
        assert pull is not None
        assert pull.again == place
        run = OwedRun(*place, place[1], b"again", skipped=dead, again=True, replay=replay and not dead)
        frames, _ = stream.pulled(Owed((run,)))
        sent_at += [now] * len(frames)
    return sent_at


def test_markers_that_are_not_acknowledged_come_at_times_that_double() -> None:
    stream = DeviceStream(KEY, window_messages=1000, window_bytes=100_000)
    stream.begin_pull()
    stream.pulled(Owed(cursors={"a": 0}))
    stream.offer(published("a", 1, 1))
    times = never_acknowledged(stream, 400.0, retries=2)
    assert len(times) <= 16
    pauses = [later - earlier for earlier, later in pairwise(times[3:])]
    assert all(later > 1.8 * earlier for earlier, later in pairwise(pauses))


def test_markers_that_are_not_acknowledged_stay_in_the_window() -> None:
    stream = DeviceStream(KEY, window_messages=4, window_bytes=100_000)
    stream.begin_pull()
    stream.pulled(Owed(cursors={"a": 0}))
    stream.offer(published("a", 1, 4))
    times = never_acknowledged(stream, 12.0, retries=2)
    assert len(times) == 4 * (2 + 1), "each event's copies, then one marker for each"
    stream.ack(stream.window.sent)
    acks = stream.pending_acks.take()
    assert acks is not None
    assert (acks.cursors, stream.window.empty) == ({"a": 4}, True)


def test_a_replay_that_is_given_up_holds_up_nothing_and_may_come_again() -> None:
    stream = DeviceStream(KEY, window_messages=4, window_bytes=100_000)
    stream.begin_pull()
    stream.pulled(Owed((OwedRun("a", 1, 1, b"replay", replay=True),), cursors={"a": 5}))
    times = never_acknowledged(stream, 5.0, retries=2, replay=True)
    assert (len(times), stream.window.empty) == (2, True)
    stream.fall_behind()
    stream.begin_pull()
    assert stream.pulled(Owed((OwedRun("a", 1, 1, b"replay", replay=True),)))[0] == [b"replay"]
    stream.ack(stream.window.sent)
    acks = stream.pending_acks.take()
    assert acks is not None
    assert (acks.cursors, acks.replayed) == ({}, (("a", 1),))

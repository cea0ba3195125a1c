"""Urgent events on a stream that has much else to send: sent at once, pulled first, ahead of a
pull."""

import pytest

from chatd.core.model import Owed, OwedRun, Pull, StreamKey
from chatd.core.stream import DeviceStream, Published, Run, StreamState

KEY = StreamKey("p", "d", 7)


def published(room: str, first: int, last: int, size: int = 10, *, urgent: bool = True) -> Published:
    count = last - first + 1
    return Published((Run(room, first, last),), count, b"p" * (size * count), urgent)


def owed(room: str, first: int, last: int, size: int = 10) -> OwedRun:
    return OwedRun(room, first, last, b"o" * (size * (last - first + 1)))


def pull_of(stream: DeviceStream) -> Pull:
    pull = stream.begin_pull()
    assert pull is not None
    return pull


@pytest.fixture
def behind() -> DeviceStream:
    """A window of 16 deliveries and 2 urgent ones, 1,600 bytes and 200 urgent ones; nothing in
    flight.

    "bulk" owes more than fits, "calls" stands at 5.
    """
    stream = DeviceStream(KEY, window_messages=16, window_bytes=1600)
    pull_of(stream)
    stream.pulled(Owed((owed("bulk", 1, 1),), more=True, cursors={"calls": 5, "other": 0}))
    stream.ack(1)
    return stream


def fill(stream: DeviceStream) -> None:
    """All of the window that bulk may have is in flight."""
    pull = pull_of(stream)
    assert (pull.max_messages, pull.max_bytes, pull.want_cursors) == (16, 1600, False)
    stream.pulled(Owed((owed("bulk", 2, 17),), more=True))
    assert not stream.wants_pull


def test_it_goes_at_once_in_what_is_kept_for_it(behind: DeviceStream) -> None:
    fill(behind)
    assert not behind.offer(published("other", 1, 1, urgent=False))
    assert behind.offer(published("calls", 6, 6))
    assert behind.offer(published("calls", 7, 7))
    assert not behind.offer(published("calls", 8, 8)), "the window is full"
    assert behind.window.free_messages == 0
    assert behind.begin_pull() is None
    behind.ack(2)
    pull = pull_of(behind)
    assert (pull.urgent_only, pull.max_messages) == (True, 1), "the next ack makes room for it"


def test_what_is_not_next_is_pulled_alone_when_the_window_has_no_more_room(behind: DeviceStream) -> None:
    fill(behind)
    assert not behind.offer(published("calls", 7, 7)), "the sixth is missing"
    assert behind.wants_pull
    pull = pull_of(behind)
    assert (pull.urgent_only, pull.max_messages, pull.max_bytes) == (True, 2, 1800 - 160)
    assert behind.pulled(Owed((owed("calls", 6, 7),), more=True)) == ([owed("calls", 6, 7).records], False)
    assert behind.state is StreamState.CATCHING_UP
    assert not behind.wants_pull
    behind.ack(18)
    assert not pull_of(behind).urgent_only, "half the window is free: the pull is for everything"


def test_a_pull_of_urgent_events_that_fails_is_wanted_again(behind: DeviceStream) -> None:
    fill(behind)
    behind.offer(published("calls", 7, 7))
    pull_of(behind)
    behind.pull_failed()
    assert pull_of(behind).urgent_only


def test_urgent_events_alone_do_not_make_it_live(behind: DeviceStream) -> None:
    fill(behind)
    behind.offer(published("calls", 7, 7))
    pull_of(behind)
    assert behind.pulled(Owed((owed("calls", 6, 7),))) == ([owed("calls", 6, 7).records], False)
    assert behind.state is StreamState.CATCHING_UP


def test_what_was_held_and_lost_with_a_pull_is_pulled_first(behind: DeviceStream) -> None:
    fill(behind)
    behind.offer(published("calls", 7, 7))
    pull_of(behind)
    behind.offer(published("other", 9, 9))
    assert behind.pulled(Owed(more=True)) == ([], False)
    assert behind.wants_pull, "it was published meanwhile, and was not next"
    assert pull_of(behind).urgent_only


def test_it_overtakes_a_pull_that_is_under_way(behind: DeviceStream) -> None:
    pull_of(behind)
    assert behind.offer(published("calls", 6, 6))
    assert not behind.offer(published("other", 1, 1, urgent=False)), "what is not waits for the answer"
    frames, _ = behind.pulled(Owed((owed("calls", 6, 6), owed("bulk", 2, 10)), more=True))
    assert frames == [owed("bulk", 2, 10).records, published("other", 1, 1).records], (
        "the answer held it too: a repeat"
    )
    assert behind.window.sent == 1 + 1 + 9 + 1


def test_it_never_takes_the_room_a_pull_has_asked_for(behind: DeviceStream) -> None:
    pull_of(behind)
    assert behind.offer(published("calls", 6, 7))
    assert not behind.offer(published("calls", 8, 8)), "deliveries"
    behind.pulled(Owed((owed("bulk", 2, 17),), more=True))
    assert behind.window.free_messages == 0
    behind.ack(19)
    pull_of(behind)
    assert not behind.offer(published("calls", 8, 8, size=201)), "bytes"
    assert behind.offer(published("calls", 8, 8, size=200))


def test_an_answer_that_begins_before_what_overtook_it_is_pulled_again(behind: DeviceStream) -> None:
    pull_of(behind)
    assert behind.offer(published("calls", 6, 6))
    frames, caught_up = behind.pulled(Owed((owed("calls", 6, 7), owed("calls", 8, 9), owed("bulk", 2, 3))))
    assert frames == [owed("bulk", 2, 3).records], "nothing of the room: it would repeat 6, or leave 7 out"
    assert not caught_up
    assert pull_of(behind).sent["calls"] == 6
    assert behind.pulled(Owed((owed("calls", 7, 9),)))[0] == [owed("calls", 7, 9).records]


def test_a_delivery_larger_than_the_window_waits_when_it_was_overtaken(behind: DeviceStream) -> None:
    assert pull_of(behind).first_may_exceed
    assert behind.offer(published("calls", 6, 6))
    assert behind.pulled(Owed((owed("bulk", 2, 2, size=5000), owed("bulk", 3, 3)), more=True)) == (
        [],
        False,
    ), "nor what follows it"
    assert behind.wants_pull
    assert not pull_of(behind).first_may_exceed
    behind.pulled(Owed(more=True))
    behind.ack(2)
    assert pull_of(behind).first_may_exceed
    assert behind.pulled(Owed((owed("bulk", 2, 2, size=5000),), more=True))[0]


def test_a_suspect_is_not_sent_behind_what_overtook_it(behind: DeviceStream) -> None:
    pull_of(behind)
    assert behind.offer(published("calls", 6, 6))
    assert behind.pulled(Owed((owed("bulk", 2, 2),), more=True, alone=True)) == ([], False)
    assert behind.begin_pull() is None, "it waits until nothing is in flight"
    behind.ack(2)
    pull_of(behind)
    assert behind.pulled(Owed((owed("bulk", 2, 2),), more=True, alone=True))[0]
    assert not behind.offer(published("calls", 7, 7)), "nor is anything sent beside it"


def test_a_live_stream_leaves_what_is_kept_to_urgent_events(behind: DeviceStream) -> None:
    pull_of(behind)
    behind.pulled(Owed())
    assert behind.offer(published("other", 1, 16, urgent=False))
    assert behind.offer(published("calls", 6, 6))
    assert not behind.offer(published("other", 17, 17, urgent=False))
    assert behind.state is StreamState.CATCHING_UP
    assert behind.offer(published("calls", 7, 7))


def test_an_urgent_event_that_finds_a_live_stream_full_is_pulled_with_the_next_ack(
    behind: DeviceStream,
) -> None:
    pull_of(behind)
    behind.pulled(Owed())
    assert behind.offer(published("calls", 6, 23))
    assert not behind.offer(published("calls", 24, 24))
    assert behind.begin_pull() is None
    behind.ack(2)
    assert pull_of(behind).urgent_only

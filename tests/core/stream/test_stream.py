"""One device's stream, step by step: what goes straight through, what waits, what makes it pull."""

import pytest

from chatd.core.model import Owed, OwedRun, StreamKey
from chatd.core.stream import DeviceStream, Published, Run, StreamState, count_of
from chatd.errors import AckAhead, StreamUnknown, Superseded

KEY = StreamKey("p", "d", 7)


def record(room: str, first: int, last: int, size: int = 10) -> bytes:
    return f"{room}{first}-{last}".encode().ljust(size * (last - first + 1), b".")


def published(room: str, first: int, last: int, size: int = 10) -> Published:
    return Published((Run(room, first, last),), last - first + 1, record(room, first, last, size))


def owed_run(room: str, first: int, last: int, size: int = 10) -> OwedRun:
    return OwedRun(room, first, last, record(room, first, last, size))


@pytest.fixture
def fresh() -> DeviceStream:
    return DeviceStream(KEY, window_messages=4, window_bytes=100)


@pytest.fixture
def live(fresh: DeviceStream) -> DeviceStream:
    """Caught up, at seq 10 of room a and seq 0 of room b, nothing in flight."""
    fresh.begin_pull()
    fresh.pulled(Owed(cursors={"a": 10, "b": 0}))
    return fresh


def test_a_new_stream_first_asks_where_it_stands(fresh: DeviceStream) -> None:
    assert fresh.wants_pull
    pull = fresh.begin_pull()
    assert pull is not None
    assert (pull.stream, pull.sent, pull.max_messages, pull.max_bytes, pull.want_cursors) == (
        KEY,
        {},
        4,
        100,
        True,
    )
    assert not fresh.wants_pull
    assert fresh.begin_pull() is None, "one pull at a time"


def test_the_device_is_told_once_that_it_has_caught_up(fresh: DeviceStream) -> None:
    fresh.begin_pull()
    assert fresh.pulled(Owed((owed_run("a", 1, 2),), more=True)) == ([record("a", 1, 2)], False)
    fresh.begin_pull()
    assert fresh.pulled(Owed(cursors={"a": 2})) == ([], True)
    assert fresh.state is StreamState.LIVE
    fresh.fall_behind()
    again = fresh.begin_pull()
    assert again is not None
    assert not again.want_cursors, "asked for once"
    assert fresh.pulled(Owed()) == ([], False)
    assert fresh.state is StreamState.LIVE


def test_what_follows_goes_straight_through(live: DeviceStream) -> None:
    assert live.offer(published("a", 11, 12))
    assert live.offer(published("b", 1, 1))
    assert (live.window.sent, live.state) == (3, StreamState.LIVE)


def test_a_repeat_is_dropped_without_a_pull(live: DeviceStream) -> None:
    assert not live.offer(published("a", 9, 10))
    assert (live.wants_pull, live.state) == (False, StreamState.LIVE)


@pytest.mark.parametrize(
    "message", [published("a", 12, 12), published("a", 10, 11), published("c", 5, 5), published("a", 11, 15)]
)
def test_a_gap_an_overlap_an_unknown_room_and_a_full_window_make_it_pull(
    live: DeviceStream, message: Published
) -> None:
    assert not live.offer(message)
    assert (live.wants_pull, live.state) == (True, StreamState.CATCHING_UP)


def test_the_first_event_of_a_new_room_needs_no_pull(live: DeviceStream) -> None:
    assert not live.offer(published("new", 1, 1)), "seq 0 of a room nobody told of is not known"
    live.begin_pull()
    live.pulled(Owed((owed_run("new", 1, 1),)))
    assert live.offer(published("new", 2, 2))


def test_a_message_of_several_rooms_passes_only_if_all_of_it_follows(live: DeviceStream) -> None:
    both = (Run("a", 11, 11), Run("b", 1, 1))
    assert live.offer(Published(both, count_of(both), b"x" * 20))
    torn = (Run("a", 12, 12), Run("b", 3, 3))
    assert not live.offer(Published(torn, count_of(torn), b"x" * 20))
    assert live.window.sent == 2


def test_what_is_published_during_a_pull_is_joined_on(fresh: DeviceStream) -> None:
    fresh.begin_pull()
    assert not fresh.offer(published("a", 2, 2))
    assert not fresh.offer(published("a", 3, 3))
    frames, caught_up = fresh.pulled(Owed((owed_run("a", 1, 2),), cursors={"a": 2}))
    assert frames == [record("a", 1, 2), record("a", 3, 3)]
    assert caught_up


def test_what_cannot_be_joined_on_is_pulled_again(fresh: DeviceStream) -> None:
    fresh.begin_pull()
    fresh.offer(published("a", 3, 3))
    assert fresh.pulled(Owed((owed_run("a", 1, 1),), cursors={"a": 1})) == ([record("a", 1, 1)], False)
    assert (fresh.wants_pull, fresh.state) == (True, StreamState.CATCHING_UP)


def test_no_more_than_a_window_is_held(fresh: DeviceStream) -> None:
    fresh.begin_pull()
    fresh.offer(published("a", 1, 1, size=60))
    fresh.offer(published("a", 2, 2, size=60))
    frames, _ = fresh.pulled(Owed((owed_run("a", 1, 1),), cursors={"a": 1}))
    assert frames == [record("a", 1, 1)], "the first was a repeat, the second was not kept"
    assert (fresh.wants_pull, fresh.state) == (True, StreamState.CATCHING_UP)


def test_a_notice_during_a_pull_outlives_its_answer(fresh: DeviceStream) -> None:
    fresh.begin_pull()
    fresh.fall_behind()
    assert fresh.pulled(Owed(cursors={"a": 0})) == ([], False)
    assert fresh.wants_pull


def test_a_failed_pull_is_wanted_again_and_holds_nothing(fresh: DeviceStream) -> None:
    fresh.begin_pull()
    fresh.offer(published("a", 1, 1))
    fresh.pull_failed()
    assert fresh.wants_pull
    fresh.begin_pull()
    assert fresh.pulled(Owed(cursors={"a": 0})) == ([], True)


def test_a_pull_waits_for_half_a_window(live: DeviceStream) -> None:
    live.offer(published("a", 11, 13))
    live.fall_behind()
    assert live.begin_pull() is None
    assert not live.wants_pull, "an ack wakes it"
    live.ack(1)
    assert live.wants_pull
    pull = live.begin_pull()
    assert pull is not None
    assert (pull.max_messages, pull.sent) == (2, {"a": 13})


def test_a_pull_names_what_was_sent_beyond_the_written_cursors(live: DeviceStream) -> None:
    live.offer(published("a", 11, 11))
    live.offer(published("b", 1, 1))
    live.ack(2)

    def sent() -> dict[str, int]:
        live.fall_behind()
        pull = live.begin_pull()
        assert pull is not None
        live.pulled(Owed())
        return pull.sent

    assert sent() == {"a": 11, "b": 1}, "acknowledged, not yet taken to be written"
    live.pending_acks.take()
    assert sent() == {"a": 11, "b": 1}, "being written"
    live.acks_written()
    assert sent() == {}


def test_acks_are_written_one_batch_at_a_time_and_kept_when_that_fails(live: DeviceStream) -> None:
    live.offer(published("a", 11, 13))
    live.offer(published("b", 1, 1))
    live.ack(2)
    assert cursors(live) == {"a": 12}
    live.ack(4)
    assert live.pending_acks.take() is None, "some are under way"
    live.pending_acks.lost()
    assert cursors(live) == {"a": 13, "b": 1}, "the newer ack of a room wins"
    assert live.pending_acks.under_way
    live.acks_written()
    assert not live.pending_acks
    assert not live.pending_acks.under_way


def cursors(stream: DeviceStream) -> dict[str, int]:
    """The cursors that are to be written next."""
    acks = stream.pending_acks.take()
    assert acks is not None
    return acks.cursors


def test_an_ack_of_what_was_not_sent_is_refused(live: DeviceStream) -> None:
    with pytest.raises(AckAhead):
        live.ack(1)


def test_a_newer_stream_ends_this_one(fresh: DeviceStream) -> None:
    fresh.begin_pull()
    with pytest.raises(Superseded):
        fresh.pulled(Owed(superseded=True))


def test_a_closed_stream_takes_and_wants_nothing(live: DeviceStream) -> None:
    live.close()
    live.close()
    assert not live.offer(published("a", 11, 11))
    assert (live.wants_pull, live.begin_pull(), live.state) == (False, None, StreamState.CLOSED)
    with pytest.raises(KeyError):
        live.fall_behind()


def test_a_large_event_waits_until_nothing_is_in_flight(live: DeviceStream) -> None:
    assert live.offer(published("a", 11, 11, size=40))
    live.fall_behind()
    pull = live.begin_pull()
    assert pull is not None
    assert (pull.max_bytes, pull.first_may_exceed) == (60, False)
    live.pulled(Owed(more=True))
    assert not live.wants_pull, "the same pull would get the same answer"
    live.ack(1)
    assert live.wants_pull
    again = live.begin_pull()
    assert again is not None
    assert again.first_may_exceed


def test_bytes_of_a_message_of_several_rooms_are_freed_with_its_last_run(live: DeviceStream) -> None:
    message = Published((Run("a", 11, 11), Run("b", 1, 1)), 2, b"x" * 90)
    assert live.offer(message)
    live.ack(1)
    assert live.window.free_bytes == 10
    live.ack(2)
    assert live.window.free_bytes == 100


def test_a_stream_that_the_database_does_not_know_ends_to_come_back(fresh: DeviceStream) -> None:
    fresh.begin_pull()
    with pytest.raises(StreamUnknown):
        fresh.pulled(Owed(unknown=True))

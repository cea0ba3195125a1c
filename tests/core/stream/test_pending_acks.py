"""Outcomes on their way to the database: each is given out until it is known to be there."""

from chatd.core.model import StreamAcks, StreamKey
from chatd.core.stream.pending_acks import PendingAcks

KEY = StreamKey("p", "d", 7)


def test_nothing_pending_is_nothing_to_take() -> None:
    acks = PendingAcks(KEY)
    assert acks.take() is None
    assert acks.written() is None
    acks.lost()
    assert not acks


def test_everything_is_taken_at_once() -> None:
    acks = PendingAcks(KEY)
    acks.handled({"a": 3})
    acks.rejected("a", 2, "no key")
    acks.replays_handled([("b", 1)])
    acks.failed("a", 4)
    assert acks.take() == StreamAcks(KEY, {"a": 3}, (("a", 2, "no key"),), (("b", 1),), ("a", 4))
    assert not acks
    assert acks.under_way


def test_a_cursor_never_moves_back() -> None:
    acks = PendingAcks(KEY)
    acks.handled({"a": 3})
    acks.handled({"a": 2, "b": 1})
    taken = acks.take()
    assert taken is not None
    assert taken.cursors == {"a": 3, "b": 1}


def test_the_next_waits_until_the_last_is_known_to_be_written() -> None:
    acks = PendingAcks(KEY)
    acks.handled({"a": 1})
    first = acks.take()
    acks.handled({"a": 2})
    assert acks.take() is None
    assert acks.rooms() == {"a"}
    assert acks.written() is first
    second = acks.take()
    assert second is not None
    assert second.cursors == {"a": 2}


def test_what_was_lost_is_given_again_with_what_came_since() -> None:
    acks = PendingAcks(KEY)
    acks.handled({"a": 5, "b": 1})
    acks.rejected("a", 5, "no key")
    acks.replays_handled([("c", 1)])
    acks.failed("a", 6)
    acks.take()
    acks.handled({"a": 4, "b": 2})
    acks.rejected("b", 2, "too old")
    acks.failed("b", 3)
    assert acks.replays() == {("c", 1)}
    acks.lost()
    again = acks.take()
    assert again is not None
    assert again.cursors == {"a": 5, "b": 2}
    assert again.rejected == (("a", 5, "no key"), ("b", 2, "too old"))
    assert again.replayed == (("c", 1),)
    assert again.failed == ("b", 3), "one at a time; the newest"
    acks.written()
    assert (acks.rooms(), acks.replays()) == (set(), set())


def test_markers_of_removed_events_are_kept_until_they_are_written() -> None:
    acks = PendingAcks(KEY)
    acks.removed_handled([("a", 1, 2)])
    assert acks
    acks.take()
    acks.removed_handled([("a", 5, 6)])
    acks.lost()
    taken = acks.take()
    assert taken is not None
    assert taken.removed == (("a", 1, 2), ("a", 5, 6))
    acks.written()
    assert not acks


def test_acks_that_nobody_will_write_are_dropped() -> None:
    pending = PendingAcks(KEY)
    pending.handled({"a": 1})
    pending.take()
    pending.handled({"a": 2})
    pending.failed("a", 3)
    pending.drop()
    assert (pending.take(), pending.rooms()) == (None, set())

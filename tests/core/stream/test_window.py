import pytest

from chatd.core.stream.window import RunKind, Window
from chatd.errors import AckAhead


def window() -> Window:
    made = Window(10, 1000)
    made.add("a", 1, 4, 400)
    made.add("b", 7, 8, 200)
    return made


def test_an_ack_names_the_rooms_it_reaches() -> None:
    assert window().ack(6) == {"a": 4, "b": 8}


def test_an_ack_may_end_inside_a_run() -> None:
    made = window()
    assert made.ack(2) == {"a": 2}
    assert made.ack(5) == {"a": 4, "b": 7}
    assert made.ack(6) == {"b": 8}


def test_an_old_ack_frees_nothing() -> None:
    made = window()
    made.ack(4)
    assert made.ack(3) == made.ack(4) == {}
    assert made.free_normal_messages == 8


def test_an_ack_of_what_was_not_sent_is_refused() -> None:
    with pytest.raises(AckAhead):
        window().ack(7)


def test_messages_and_bytes_are_bounded() -> None:
    made = window()
    assert made.fits(4, 400)
    assert not made.fits(5, 1)
    assert not made.fits(1, 401)
    made.ack(4)
    assert made.fits(5, 800)


def test_an_eighth_more_may_be_in_flight_if_it_is_urgent() -> None:
    made = window()
    assert made.fits(5, 500, urgent=True)
    assert not made.fits(6, 1, urgent=True)
    assert (made.free_normal_messages, made.free_normal_bytes) == (4, 400)
    assert (made.free_messages, made.free_bytes) == (5, 525)
    small = Window(7, 700)
    small.add("r", 1, 7, 700)
    assert not small.fits(1, 1, urgent=True), "besides a window this small nothing is sent"


def test_one_large_delivery_fits_when_nothing_is_in_flight() -> None:
    made = window()
    assert not made.fits(1, 5000)
    made.ack(6)
    assert made.fits(1, 5000)
    assert not made.fits(2, 5000)


def test_rooms_are_those_in_flight() -> None:
    made = window()
    made.ack(4)
    assert made.rooms() == {"b"}


def test_a_replay_moves_no_cursor_and_is_told_once() -> None:
    made = Window(10, 1000)
    made.add("a", 3, 3, 10, kind=RunKind.REPLAY)
    assert (made.rooms(), made.replays()) == (set(), {("a", 3)})
    assert made.ack(1) == {}
    assert made.take_replayed() == (("a", 3),)
    assert made.take_replayed() == ()


def test_a_copy_moves_its_cursor_unless_the_room_is_further() -> None:
    made = window()
    made.add("a", 1, 1, 100, kind=RunKind.AGAIN)
    assert made.ack(7) == {"a": 4, "b": 8}
    made.add("b", 7, 7, 100, kind=RunKind.AGAIN)
    assert made.ack(8) == {"b": 7}, "PendingAcks keeps the larger one"


def test_the_oldest_in_flight_is_known_by_room_and_seq() -> None:
    made = window()
    assert made.oldest == ("a", 1)
    made.ack(5)
    assert made.oldest == ("b", 8)
    made.ack(6)
    assert made.oldest is None


def test_a_marker_of_removed_events_is_one_delivery_and_delivers_none_of_them() -> None:
    made = Window(10, 1000)
    made.add("a", 1, 5, 10, kind=RunKind.REMOVED)
    made.add("a", 6, 6, 10)
    assert made.sent == 2
    assert made.ack(2) == {"a": 6}
    assert (made.take_removed(), made.take_removed()) == ((("a", 1, 5),), ())

import pytest

from chatd.core.stream.window import Window
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

"""Positions of rooms, and what is counted in the window with them."""

import pytest

from chatd.core.model import OwedRun
from chatd.core.stream import Published, Run, count_of
from chatd.core.stream.sent import UNKNOWN, Sent
from chatd.core.stream.window import Window


def message(*runs: Run, size: int = 10, urgent: bool = False) -> Published:
    return Published(runs, count_of(runs), b"x" * size, urgent)


@pytest.fixture
def sent() -> Sent:
    """Room a at 10, room b at 0; a window of 8 deliveries and 80 bytes, 1 and 10 more for urgent
    events."""
    made = Sent(Window(8, 80))
    made.learn({"a": 10, "b": 0})
    return made


def test_a_room_that_nothing_was_said_of_is_unknown(sent: Sent) -> None:
    assert sent.position("c") == UNKNOWN
    assert not sent.accept(message(Run("c", 1, 1))), "it may be that events before it are owed"


def test_a_cursor_does_not_turn_a_room_back(sent: Sent) -> None:
    sent.accept(message(Run("a", 11, 12)))
    sent.learn({"a": 10, "c": 5})
    assert sent.positions(["a", "c"]) == {"a": 12, "c": 5}


NOT_NEXT = [(Run("a", 12, 12),), (Run("a", 10, 11),), (Run("a", 11, 11), Run("b", 2, 2))]


@pytest.mark.parametrize("runs", NOT_NEXT)
def test_all_of_a_message_is_next_or_nothing_is_counted(sent: Sent, runs: tuple[Run, ...]) -> None:
    assert not sent.accept(message(*runs))
    assert (sent.window.sent, sent.window.sent_bytes, sent.position("a")) == (0, 0, 10)


def test_a_message_that_does_not_fit_is_not_counted(sent: Sent) -> None:
    assert not sent.accept(message(Run("a", 11, 19)))
    assert not sent.accept(message(Run("a", 11, 12), size=81))
    assert (sent.window.sent, sent.position("a")) == (0, 10)
    assert sent.accept(message(Run("a", 11, 19), size=90, urgent=True)), "the part that is kept for it"


def test_bytes_are_counted_with_the_last_run(sent: Sent) -> None:
    assert sent.accept(message(Run("a", 11, 12), Run("b", 1, 1), size=70))
    assert sent.window.sent == 3
    sent.window.ack(2)
    assert sent.window.free_normal_bytes == 10
    sent.window.ack(3)
    assert sent.window.free_normal_bytes == 80


def test_only_what_was_sent_in_whole_is_a_repeat(sent: Sent) -> None:
    assert sent.is_repeat(message(Run("a", 9, 10)))
    assert not sent.is_repeat(message(Run("a", 10, 11)))
    assert not sent.is_repeat(message(Run("a", 9, 10), Run("c", 1, 1)))


def test_a_pulled_marker_is_one_delivery_for_its_whole_range(sent: Sent) -> None:
    sent.accept_run(OwedRun("a", 11, 500, b"gap", skipped=True))
    assert (sent.window.sent, sent.position("a")) == (1, 500)

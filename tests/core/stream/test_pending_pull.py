"""A pull and what comes while it is under way: held, joined on, missed."""

import pytest

from chatd.core.model import Owed, OwedRun, Pull, StreamKey
from chatd.core.stream import Published, Run
from chatd.core.stream.pending_acks import PendingAcks
from chatd.core.stream.pending_pull import PendingPull
from chatd.core.stream.sent import Sent
from chatd.core.stream.window import Window
from chatd.errors import StreamUnknown

KEY = StreamKey("p", "d", 7)


def offered(room: str, seq: int, size: int = 10, *, urgent: bool = False) -> Published:
    return Published((Run(room, seq, seq),), 1, b"o" * size, urgent)


def run(room: str, seq: int) -> OwedRun:
    return OwedRun(room, seq, seq, b"r" * 10)


@pytest.fixture
def sent() -> Sent:
    made = Sent(Window(4, 100))
    made.learn({"a": 0, "b": 0})
    return made


@pytest.fixture
def pull(sent: Sent) -> PendingPull:
    return PendingPull(Pull(KEY, max_messages=4, max_bytes=100), sent, PendingAcks(KEY))


def test_held_messages_follow_the_answer_in_their_order(pull: PendingPull) -> None:
    pull.hold(offered("a", 2))
    pull.hold(offered("b", 1))
    pull.hold(offered("a", 3))
    assert pull.take(Owed((run("a", 1),))) == [b"r" * 10, b"o" * 10, b"o" * 10, b"o" * 10]
    assert not pull.missed


def test_a_held_message_that_the_answer_held_too_is_dropped(pull: PendingPull) -> None:
    pull.hold(offered("a", 1))
    assert pull.take(Owed((run("a", 1),))) == [b"r" * 10]
    assert not pull.missed


@pytest.mark.parametrize("urgent", [True, False])
def test_a_held_message_that_leaves_a_hole_is_missed(pull: PendingPull, urgent: bool) -> None:
    pull.hold(offered("a", 3, urgent=urgent))
    assert pull.take(Owed((run("a", 1),))) == [b"r" * 10]
    assert (pull.missed, pull.missed_urgent) == (True, urgent)


def test_no_more_bytes_than_a_window_are_held(pull: PendingPull) -> None:
    pull.hold(offered("a", 1, size=60))
    pull.hold(offered("a", 2, size=41))
    assert (pull.held_bytes, pull.missed, pull.missed_urgent) == (60, True, False)
    pull.hold(offered("a", 3, size=41, urgent=True))
    assert pull.missed_urgent
    assert pull.take(Owed()) == [b"o" * 60]


def test_a_room_learned_from_the_answer_can_be_joined_on(pull: PendingPull) -> None:
    pull.hold(offered("new", 6))
    assert pull.take(Owed(cursors={"new": 5})) == [b"o" * 10]


def test_a_pull_that_fails_has_missed_everything(pull: PendingPull, sent: Sent) -> None:
    pull.hold(offered("a", 1))
    pull.fail()
    assert (pull.missed, pull.missed_urgent) == (True, False)
    pull.hold(offered("b", 1, urgent=True))
    pull.fail()
    assert pull.missed_urgent
    assert sent.window.empty


def test_a_pull_of_urgent_events_that_fails_has_missed_them(sent: Sent) -> None:
    pull = PendingPull(Pull(KEY, urgent_only=True), sent, PendingAcks(KEY))
    pull.fail()
    assert pull.missed_urgent


def test_what_is_owed_anew_after_its_ack_was_written_is_of_another_log(sent: Sent, pull: PendingPull) -> None:
    sent.learn({"c": 9})
    with pytest.raises(StreamUnknown):
        pull.take(Owed((run("c", 5),)))

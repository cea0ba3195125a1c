"""A pull: at most what was asked for, over many rooms, beyond what the stream already has; suspects
alone."""

import pytest

from chatd.core.model import Owed, Pull, StreamKey
from chatd.core.priority import BULK, URGENT
from chatd.default.outbox import backlog_order
from chatd.default.outbox.backlog import MAX_ANSWER_BYTES, PullOwed
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.default.rooms.store import CreateRoom
from chatd.pb.gateway.v1.gateway_pb2 import ServerFrame
from tests.default.dead_letters.letters import bury
from tests.store.driver import Store, deliveries, event, failed, owed_deliveries, ranges, send


def fill_rooms(store: Store, rooms: str, count: int) -> None:
    for room in rooms:
        store.do(CreateRoom(room, "", "alice", ("bob",)))
    # Devices are registered by the caller before: the joining (seq 1) is owed too.
    for room in rooms:
        store.do(send("alice", *(event(room, f"{room}{number}", b"x" * 50) for number in range(count))))


def test_the_limit_on_messages_counts_over_all_rooms(store: Store) -> None:
    bob = store.open("bob", "d")
    fill_rooms(store, "abc", 2)
    owed = store.owed(bob, max_messages=4)
    assert (ranges(owed), owed.more) == ([("a", 1, 3), ("b", 1, 1)], True)
    owed = store.owed(bob, max_messages=9)
    assert (ranges(owed), owed.more) == ([("a", 1, 3), ("b", 1, 3), ("c", 1, 3)], False)


def test_the_limit_on_bytes_counts_over_all_rooms(store: Store) -> None:
    bob = store.open("bob", "d")
    fill_rooms(store, "ab", 2)
    everything = sum(len(run.records) for run in store.owed(bob).runs)
    whole = store.owed(bob, max_bytes=everything)
    assert (sum(len(run.records) for run in whole.runs), whole.more) == (everything, False)
    short = store.owed(bob, max_bytes=everything - 1)
    assert (ranges(short), short.more) == ([("a", 1, 3), ("b", 1, 2)], True)


def test_only_the_very_first_may_exceed_the_limit_on_bytes(store: Store) -> None:
    bob = store.open("bob", "d")
    store.do(send("alice", event("r", "huge", b"x" * 5000), event("r", "small")))
    owed = store.owed(bob, max_bytes=100)
    assert (ranges(owed), owed.more) == ([("r", 2, 2)], True)
    store.do(CreateRoom("a", "", "alice", ("bob",)))
    owed = store.owed(bob, max_bytes=1000)
    assert (ranges(owed), owed.more) == ([("a", 1, 1)], True), "the huge one is not the first of this pull"


def test_pulls_of_one_call_share_a_limit_on_bytes_and_the_rest_is_left_unread(store: Store) -> None:
    """Each of them may exceed its own limit by an event."""
    streams = [store.open("bob", f"d{number}") for number in range(5)]
    store.do(send("alice", event("r", "huge", b"x" * (MAX_ANSWER_BYTES // 3))))
    answers = store.ask(PullOwed(tuple(Pull(stream, max_bytes=100) for stream in streams)))
    assert [(ranges(one), one.unread) for one in answers] == [([("r", 2, 2)], False)] * 2 + [([], True)] * 3
    store.do(send("alice", event("r", "larger", b"x" * (MAX_ANSWER_BYTES + 2))))
    pulls = tuple(Pull(stream, sent={"r": 2}, max_bytes=100) for stream in streams)
    answers = store.ask(PullOwed(pulls))
    assert [one.unread for one in answers] == [False, True, True, True, True], "one is always answered"


def test_cursors_are_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog_order, "MAX_CURSORS", 2)
    fill_rooms(store, "abc", 0)
    bob = store.open("bob", "d")
    assert len(store.owed(bob, want_cursors=True).cursors) == 2


def test_a_pull_is_bounded(store: Store) -> None:
    bob = store.open("bob", "d")
    store.do(send("alice", *(event("r", f"{number}", b"x" * 90) for number in range(20))))
    assert ranges(store.owed(bob, max_messages=5)) == [("r", 2, 6)]
    assert store.owed(bob, max_messages=5).more
    assert not store.owed(bob, max_messages=20).more
    few = store.owed(bob, max_bytes=500)
    assert few.more
    assert 0 < sum(len(run.records) for run in few.runs) <= 500
    assert ranges(store.owed(bob, max_bytes=1)) == [("r", 2, 2)], "one always fits"
    assert ranges(store.owed(bob, sent={"r": 15})) == [("r", 16, 21)]


def test_a_pull_keeps_to_the_bytes_that_are_free(store: Store) -> None:
    bob = store.open("bob", "d")
    store.do(send("alice", event("r", "1", b"x" * 900)))
    waiting = store.owed(bob, max_bytes=600, first_may_exceed=False)
    assert (waiting.runs, waiting.more) == ((), True)


def test_more_than_is_read_at_once_comes_in_order(store: Store) -> None:
    bob = store.open("bob", "d")
    store.do(send("alice", *(event("r", f"{number}") for number in range(600))))
    owed = store.owed(bob, max_messages=1000, max_bytes=10**7)
    frame = ServerFrame.FromString(b"".join(run.records for run in owed.runs))
    assert [delivery.event.seq for delivery in frame.deliveries] == list(range(2, 602))
    assert not owed.more
    assert store.owed(bob, max_messages=599, max_bytes=10**7).more


def test_events_sent_ahead_are_skipped_over_ranges(store: Store) -> None:
    bob = store.open("bob", "d")
    store.do(RemoveSubscriptions("r", ("bob",), "bob", False))
    store.do(send("alice", event("r", "unseen")))
    store.do(AddSubscriptions("r", ("bob",), "alice", False))
    store.do(send("alice", event("r", "seen")))
    assert ranges(store.owed(bob)) == [("r", 2, 2), ("r", 4, 5)]
    assert ranges(store.owed(bob, sent={"r": 2})) == [("r", 4, 5)]
    assert ranges(store.owed(bob, sent={"r": 4})) == [("r", 5, 5)]
    assert store.owed(bob, sent={"r": 5}) == Owed()
    assert ranges(store.owed(bob, sent={"elsewhere": 9})) == [("r", 2, 2), ("r", 4, 5)]


def test_cursors_are_where_the_stream_stands_after_the_pull(store: Store) -> None:
    bob = store.open("bob", "d")
    fill_rooms(store, "ab", 1)
    owed = store.owed(bob, want_cursors=True, sent={"a": 1})
    assert (owed.cursors, owed.more) == ({"a": 2, "b": 2, "r": 1}, False)
    assert store.owed(bob).cursors == {}


def test_cursors_are_told_of_rooms_that_owe_nothing_more(rooms: Store) -> None:
    rooms.do(send("alice", *(event("a", f"{number}", priority=BULK) for number in range(5))))
    rooms.do(send("alice", event("b", "urgent", priority=URGENT)))
    bob = rooms.open("bob", "d")
    owed = rooms.owed(bob, max_messages=3, want_cursors=True)
    assert (owed.cursors, owed.more) == ({"b": 2, "c": 1, "d": 1, "r": 1}, True)


def test_an_event_that_failed_more_than_once_is_pulled_first_and_alone(store: Store, bob: StreamKey) -> None:
    store.do(failed(bob, "r", 2))
    assert not store.owed(bob).alone
    store.do(failed(bob, "r", 2))
    suspect = store.owed(bob)
    assert (suspect.alone, suspect.more) == (True, True)
    assert [one.event.seq for one in deliveries(suspect.runs)] == [2]
    assert not store.owed(bob, first_may_exceed=False).alone, "something is in flight: it cannot be alone"
    assert [one.event.seq for one in owed_deliveries(store, bob, sent={"r": 2})] == [3, 4, 5]


def test_the_oldest_in_flight_is_pulled_again_beside_the_rest(store: Store, bob: StreamKey) -> None:
    store.do(failed(bob, "r", 2))
    found = store.owed(bob, sent={"r": 4}, again=("r", 2))
    assert [(run.first_seq, run.again, run.skipped) for run in found.runs] == [
        (2, True, False),
        (5, False, False),
    ]
    assert store.owed(bob, sent={"r": 5}, again=("r", 2), max_messages=0).runs[0].again, "whatever the limits"
    bury(store, bob, 2)
    given_up = store.owed(bob, sent={"r": 5}, again=("r", 2)).runs[0]
    assert (given_up.again, given_up.skipped) == (True, True)

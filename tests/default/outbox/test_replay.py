"""A device is owed again what an operator replays, and can tell it from a repeat."""

import pytest

from chatd.core.model import Owed, StreamKey
from chatd.default.dead_letters.store import DropDeadLetters, ListDeadLetters
from chatd.default.outbox.cursors import NotCounted
from chatd.default.outbox.replay import FindReplayed, Replayed, ReplayOutbox
from chatd.default.outbox.skip import SkipEvent, SkipOutbox
from chatd.default.retention.store import PurgeLog
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.pb.events.v1.payloads_pb2 import DeliveryState
from tests.default.outbox.test_skip import pulled, state_of
from tests.store.driver import Store, acks, event, failed, owed_deliveries, send


@pytest.fixture
def acked(rooms: Store) -> StreamKey:
    """A stream of bob's device "d", which has acknowledged events 2 to 7 of rooms a and b."""
    for number in range(6):
        rooms.do(send("alice", event("a", f"a{number}"), event("b", f"b{number}")))
    stream = rooms.open("bob", "d")
    assert rooms.do(acks((stream, {"a": 7, "b": 7}))) == NotCounted()
    return stream


def replay(store: Store, *rooms: tuple[str, int], device: str = "d") -> int:
    return sum(one.events for one in store.do(ReplayOutbox("bob", device, rooms)))


def replays(store: Store, stream: StreamKey) -> list[int]:
    """Seqs of what the next pull marks as replayed."""
    return [one.event.seq for one in owed_deliveries(store, stream) if one.replay]


def test_a_cursor_moves_back_and_what_comes_again_says_so(rooms: Store, acked: StreamKey) -> None:
    rooms.do(send("alice", event("a", "newer")))
    assert rooms.ask(FindReplayed("bob", "d", "a", 5, 0)) == (Replayed("a", 4, 3, 0),)
    assert replay(rooms, ("a", 4)) == 3
    assert rooms.owed(acked) == Owed(unknown=True)
    assert rooms.do(acks((acked, {"a": 8}))) == NotCounted(unknown=(0,)), "or it would be undone"
    stream = rooms.open("bob", "d")
    assert pulled(rooms, stream) == ["a/5", "a/6", "a/7", "a/8"]
    assert replays(rooms, stream) == [5, 6, 7], "8 was never acknowledged: a repeat of it is one"
    assert state_of(rooms, "a", 5) == DeliveryState.DELIVERY_STATE_OWED
    rooms.do(acks((stream, {"a": 6})))
    assert replays(rooms, stream) == [7]
    assert replay(rooms, ("a", 2)) == 4
    assert replays(rooms, rooms.open("bob", "d")) == [3, 4, 5, 6, 7]


def test_the_last_events_of_each_room(rooms: Store, acked: StreamKey) -> None:
    found = rooms.ask(FindReplayed("bob", "d", "", 0, 0, last=2))
    assert found[:2] == (Replayed("a", 5, 2, 0), Replayed("b", 5, 2, 0))
    assert rooms.ask(FindReplayed("bob", "d", "a", 0, 0, last=100)) == (Replayed("a", 0, 7, 0),)


def test_a_second_copy_says_so_too(rooms: Store, acked: StreamKey) -> None:
    replay(rooms, ("a", 5))
    stream = rooms.open("bob", "d")
    rooms.do(failed(stream, "a", 6))
    (again,) = owed_deliveries(rooms, stream, sent={"a": 7}, again=("a", 6))
    assert (again.event.seq, again.replay, again.retry_count) == (6, True, 1)


def test_from_before_the_device_was_registered(rooms: Store, acked: StreamKey) -> None:
    """Its profile was a member then."""
    late = rooms.open("bob", "late")
    assert pulled(rooms, late) == []
    assert rooms.ask(FindReplayed("bob", "late", "", 1, 0))[:1] == (Replayed("a", 0, 7, 0),)
    assert replay(rooms, ("a", 0), device="late") == 7
    stream = rooms.open("bob", "late")
    assert pulled(rooms, stream) == [f"a/{seq}" for seq in range(1, 8)]
    rooms.do(acks((stream, {"a": 7})))
    assert pulled(rooms, stream) == []


def test_never_from_before_the_profile_joined(rooms: Store, acked: StreamKey) -> None:
    rooms.do(RemoveSubscriptions("a", ("bob",), "alice", False))
    rooms.do(acks((acked, {"a": 8})))
    rooms.do(send("alice", event("a", "private")))
    rooms.do(AddSubscriptions("a", ("bob",), "alice", False))
    stream = rooms.open("bob", "d")
    rooms.do(acks((stream, {"a": 10})))
    assert rooms.ask(FindReplayed("bob", "d", "a", 1, 0)) == (Replayed("a", 0, 1, 0),)
    assert replay(rooms, ("a", 0)) == 1
    assert pulled(rooms, rooms.open("bob", "d")) == ["a/10"]


def test_an_ended_membership_that_is_not_over(rooms: Store, acked: StreamKey) -> None:
    rooms.do(RemoveSubscriptions("a", ("bob",), "alice", False))
    assert replay(rooms, ("a", 5)) == 2
    assert pulled(rooms, rooms.open("bob", "d")) == ["a/6", "a/7", "a/8"]


def test_what_is_gone_is_said(rooms: Store, acked: StreamKey) -> None:
    rooms.do(PurgeLog("a", 4, 0, 100, 0))
    assert rooms.ask(FindReplayed("bob", "d", "a", 2, 0)) == (Replayed("a", 1, 3, 3),)
    assert replay(rooms, ("a", 1)) == 3
    assert pulled(rooms, rooms.open("bob", "d")) == ["a/5", "a/6", "a/7"]


def test_from_a_time(rooms: Store, acked: StreamKey) -> None:
    ((at_us,),) = rooms.database.rows("SELECT sent_at_us FROM room_event WHERE room_id = 'b' AND seq = 6")
    found = rooms.ask(FindReplayed("bob", "d", "", 0, at_us))
    assert found == (Replayed("a", 5, 2, 0), Replayed("b", 5, 2, 0))
    assert rooms.ask(FindReplayed("bob", "d", "", 0, rooms.now_us + 1)) == ()


def test_skipped_events_are_owed_again(rooms: Store, acked: StreamKey) -> None:
    for number in range(3):
        rooms.do(send("alice", event("a", f"skipped{number}"), event("b", f"skip{number}")))
    rooms.do(SkipOutbox("bob", "d", (("a", 10),)))
    rooms.do(SkipEvent("bob", "d", "b", 9))
    assert [(one.room_id, one.events) for one in rooms.ask(FindReplayed("bob", "d", "", 9, 0))] == [
        ("a", 2),
        ("b", 1),
    ]
    assert replay(rooms, ("a", 8), ("b", 8)) == 3
    stream = rooms.open("bob", "d")
    rest = ["a/9", "a/10", "b/8", "b/9", "b/10"]
    assert pulled(rooms, stream) == ["a/8-8", *rest], "the rest of the stretch stays skipped"
    assert pulled(rooms, stream, sent={"a": 8}) == rest
    assert state_of(rooms, "a", 8) == DeliveryState.DELIVERY_STATE_SKIPPED
    assert state_of(rooms, "b", 9) == DeliveryState.DELIVERY_STATE_OWED


def test_dead_letters_stay_dead_letters(rooms: Store, acked: StreamKey) -> None:
    rooms.do(send("alice", event("a", "hard")))
    for _ in range(3):
        rooms.do(failed(acked, "a", 8))
    rooms.do(acks((acked, {"a": 8})))
    assert replay(rooms, ("a", 6)) == 2
    marker = owed_deliveries(rooms, rooms.open("bob", "d"))[-1]
    assert (marker.event.seq, marker.HasField("skipped")) == (8, True)
    ((letter,), _) = rooms.ask(ListDeadLetters("", "bob", "", "", 10))
    rooms.do(DropDeadLetters((letter.letter_id,)))
    assert replay(rooms, ("a", 8)) == 0, "nothing has been acknowledged behind it"


def test_a_delivered_replay_of_a_dead_letter_is_an_event_again(rooms: Store, acked: StreamKey) -> None:
    rooms.database.run(
        "INSERT INTO dead_letter SELECT 'bob', 'd', room_id, seq, 'l', 'delivered', event_id, sender_id, type, "
        "sent_at_us, 1, '', 1, 1, 1, 0, 0 FROM room_event WHERE room_id = 'a' AND seq = 6"
    )
    rooms.database.run("UPDATE device SET has_failures = 1")
    replay(rooms, ("a", 4))
    assert pulled(rooms, rooms.open("bob", "d")) == ["a/5", "a/6", "a/7"]

"""A device is no longer owed what an operator skips, and gets a marker in its place."""

import pytest

from chatd.core.model import Owed, StreamAcks, StreamKey
from chatd.default.dead_letters.failures import DeleteSettledFailures
from chatd.default.outbox import reset
from chatd.default.outbox.cursors import AckCursors, NotCounted
from chatd.default.outbox.replay import FindReplayed, ReplayOutbox
from chatd.default.outbox.skip import FindOwedEvent, FindSkipped, SkipEvent, SkipOutbox, Skipped
from chatd.default.outbox.store import GetBroadcast, ListOutbox
from chatd.default.retention.store import PurgeLog
from chatd.default.rooms.membership import RemoveSubscriptions
from chatd.errors import DeviceNotFound, LimitReached, RoomNotFound
from chatd.pb.events.v1.payloads_pb2 import DeliveryState, EventDelivery, SkipReason
from tests.store.driver import RULE, Store, acks, deliveries, event, ranges, send

Marker = tuple[str, int, int, int]


@pytest.fixture
def owed(rooms: Store) -> StreamKey:
    """A stream of bob's device "d", which is owed events 2 to 7 of rooms a and b."""
    for number in range(6):
        rooms.do(send("alice", event("a", f"a{number}"), event("b", f"b{number}")))
    return rooms.open("bob", "d")


def skip(store: Store, *rooms: tuple[str, int]) -> int:
    return sum(one.events for one in store.do(SkipOutbox("bob", "d", rooms)))


def shown(one: EventDelivery) -> str:
    """lobby/3, or lobby/3-5 for a marker."""
    if one.HasField("skipped"):
        assert one.skipped.reason == SkipReason.SKIP_REASON_OPERATOR
        assert one.event.seq == one.skipped.last_seq
        return f"{one.event.room_id}/{one.skipped.first_seq}-{one.skipped.last_seq}"
    return f"{one.event.room_id}/{one.event.seq}"


def pulled(store: Store, stream: StreamKey, **limits: object) -> list[str]:
    return [shown(one) for one in deliveries(store.owed(stream, **limits).runs)]


def told(stream: StreamKey, room: str, first: int, last: int) -> AckCursors:
    """The device acknowledges the marker of a stretch."""
    return AckCursors((StreamAcks(stream, {room: last}, removed=((room, first, last),)),), RULE)


def state_of(store: Store, room: str, seq: int) -> int:
    _, recipients, _ = store.ask(GetBroadcast(room, seq))
    (state,) = [one.state for one in recipients if (one.profile_id, one.device_id) == ("bob", "d")]
    return state


def test_a_stretch_is_found_and_skipped(rooms: Store, owed: StreamKey) -> None:
    assert rooms.ask(FindSkipped("bob", "d", "a", 4, 0)) == (Skipped("a", 4, 3),)
    assert rooms.ask(FindSkipped("bob", "d", "", 0, 0)) == (Skipped("a", 7, 6), Skipped("b", 7, 6))
    assert skip(rooms, ("a", 4)) == 3
    assert skip(rooms, ("a", 4)) == 0, "once"
    page, _ = rooms.ask(ListOutbox("bob", "d", "", 10))
    assert [(one.room_id, one.owed) for one in page] == [("b", 6), ("a", 3)]
    assert [state_of(rooms, "a", seq) for seq in (4, 5)] == [
        DeliveryState.DELIVERY_STATE_SKIPPED,
        DeliveryState.DELIVERY_STATE_OWED,
    ]


def test_the_open_stream_has_to_be_opened_again_and_its_acks_do_not_count(
    rooms: Store, owed: StreamKey
) -> None:
    skip(rooms, ("a", 4))
    assert rooms.owed(owed) == Owed(unknown=True), "not superseded: then the client would stay away"
    assert rooms.do(acks((owed, {"a": 3, "b": 7}))) == NotCounted(unknown=(0,))
    new = rooms.open("bob", "d")
    assert rooms.owed(owed) == Owed(superseded=True), "now there is a newer one"
    assert rooms.do(acks((owed, {"a": 3}))) == NotCounted(superseded=(0,))
    assert rooms.do(acks((new, {"b": 7}))) == NotCounted()


def test_the_marker_comes_first_and_until_it_is_acknowledged(rooms: Store, owed: StreamKey) -> None:
    skip(rooms, ("a", 4))
    stream = rooms.open("bob", "d")
    assert pulled(rooms, stream)[:4] == ["a/2-4", "a/5", "a/6", "a/7"]
    stream = rooms.open("bob", "d")
    assert pulled(rooms, stream)[0] == "a/2-4", "the connection was lost"
    assert pulled(rooms, stream, sent={"a": 4})[:3] == ["a/5", "a/6", "a/7"]
    rooms.do(told(stream, "a", 2, 4))
    assert pulled(rooms, stream)[:3] == ["a/5", "a/6", "a/7"], "told once"
    assert state_of(rooms, "a", 3) == DeliveryState.DELIVERY_STATE_SKIPPED
    rooms.do(DeleteSettledFailures(10))
    assert rooms.database.rows("SELECT has_failures FROM device") == [(0,)]


def test_all_markers_come_before_what_follows_in_a_small_window(rooms: Store, owed: StreamKey) -> None:
    skip(rooms, ("a", 7), ("b", 4))
    stream = rooms.open("bob", "d")
    first = rooms.owed(stream, max_messages=1, want_cursors=True)
    assert (ranges(first), first.more, first.alone) == ([("a", 2, 7)], True, True)
    assert first.cursors == {}, "the next pull asks for them"
    assert pulled(rooms, stream, max_messages=0, sent={"a": 7}) == [], "nothing of b passes its marker"
    assert pulled(rooms, stream, max_messages=1, sent={"a": 7}) == ["b/2-4"]
    assert pulled(rooms, stream, sent={"a": 7, "b": 4}) == ["b/5", "b/6", "b/7"]


def test_skipped_to_the_end_of_a_membership(rooms: Store, owed: StreamKey) -> None:
    rooms.do(RemoveSubscriptions("a", ("bob",), "alice", False))
    assert skip(rooms, ("a", 99)) == 7
    assert rooms.database.rows("SELECT 1 FROM outbox WHERE profile_id = 'bob' AND room_id = 'a'") == []
    assert pulled(rooms, rooms.open("bob", "d"))[0] == "a/2-8", "the device is told all the same"


def test_up_to_a_time(rooms: Store, owed: StreamKey) -> None:
    ((at_us,),) = rooms.database.rows("SELECT sent_at_us FROM room_event WHERE room_id = 'b' AND seq = 5")
    assert rooms.ask(FindSkipped("bob", "d", "", 0, at_us)) == (Skipped("a", 5, 4), Skipped("b", 5, 4))
    assert rooms.ask(FindSkipped("bob", "d", "", 0, 1)) == ()


def test_removed_events_do_not_count(rooms: Store, owed: StreamKey) -> None:
    rooms.do(PurgeLog("a", 3, 0, 100, 0))
    assert rooms.ask(FindSkipped("bob", "d", "a", 0, 0)) == (Skipped("a", 7, 4),)
    assert skip(rooms, ("a", 7)) == 4


def test_one_event_ahead_of_the_cursor(rooms: Store, owed: StreamKey) -> None:
    assert rooms.ask(FindOwedEvent("bob", "d", "a", 4))
    assert rooms.do(SkipEvent("bob", "d", "a", 4))
    assert not rooms.do(SkipEvent("bob", "d", "a", 4))
    assert not rooms.do(SkipEvent("bob", "d", "a", 8)), "there is none"
    assert rooms.owed(owed) == Owed(unknown=True)
    stream = rooms.open("bob", "d")
    assert pulled(rooms, stream)[:4] == ["a/2", "a/3", "a/4-4", "a/5"]
    rooms.do(acks((stream, {"a": 7})))
    assert state_of(rooms, "a", 4) == DeliveryState.DELIVERY_STATE_SKIPPED
    assert state_of(rooms, "a", 5) == DeliveryState.DELIVERY_STATE_ACKNOWLEDGED
    assert rooms.database.rows("SELECT state FROM dead_letter") == [("dropped",)], (
        "nobody is bothered with it"
    )


def test_a_suspect_is_still_delivered_alone(rooms: Store, owed: StreamKey) -> None:
    rooms.database.run("INSERT INTO delivery_attempt VALUES ('bob', 'd', 'b', 2, 2, 1, 1)")
    skip(rooms, ("a", 4))
    stream = rooms.open("bob", "d")
    first = rooms.owed(stream, first_may_exceed=True)
    assert ranges(first) == [("a", 2, 4)]
    assert first.alone
    rooms.do(told(stream, "a", 2, 4))
    second = rooms.owed(stream, first_may_exceed=True)
    assert ranges(second) == [("b", 2, 2)]
    assert second.alone


def test_retention_keeps_what_the_device_was_not_told_of(rooms: Store, owed: StreamKey) -> None:
    skip(rooms, ("a", 4))
    rooms.do(PurgeLog("a", 7, 0, 100, rooms.now_us + 1))
    stream = rooms.open("bob", "d")
    assert ranges(rooms.owed(stream))[:2] == [("a", 2, 4), ("a", 5, 7)]
    rooms.do(told(stream, "a", 2, 4))
    rooms.do(PurgeLog("b", 7, 0, 100, rooms.now_us + 1))
    assert rooms.database.rows("SELECT room_id, told FROM delivery_gap") == [("a", 1)]


def test_with_too_many_rooms_one_has_to_be_named(
    rooms: Store, owed: StreamKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reset, "MOST_ENTRIES", 1)
    for query in (FindSkipped, FindReplayed):
        with pytest.raises(LimitReached, match="name one"):
            rooms.ask(query("bob", "d", "", 0, 1))
        rooms.ask(query("bob", "d", "a", 0, 1))


def test_nobody_has_no_device(rooms: Store) -> None:
    with pytest.raises(DeviceNotFound, match="no device 'x' of 'bob'"):
        rooms.ask(FindSkipped("bob", "x", "", 0, 0))
    with pytest.raises(DeviceNotFound):
        rooms.ask(FindOwedEvent("bob", "x", "a", 2))
    assert rooms.do(ReplayOutbox("bob", "x", (("a", 0),))) == []


def test_a_room_that_is_named_is_there(rooms: Store, owed: StreamKey) -> None:
    for query in (FindSkipped, FindReplayed):
        with pytest.raises(RoomNotFound):
            rooms.ask(query("bob", "d", "nowhere", 1, 0))
    with pytest.raises(RoomNotFound):
        rooms.ask(FindOwedEvent("bob", "d", "nowhere", 1))
    assert rooms.ask(FindOwedEvent("bob", "d", "a", 99)) is False

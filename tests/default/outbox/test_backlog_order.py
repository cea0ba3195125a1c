"""The order of rooms in a pull: ways to urgent events, then normal rooms, then bulk. Inside a room
the log's order is the only one."""

from chatd.core.priority import BULK, NORMAL, URGENT
from chatd.default.retention.store import PurgeLog
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from tests.store.driver import Store, acks, event, ranges, send


def say(store: Store, room: str, *priorities: int) -> None:
    """Events of these priorities, in this order, one transaction."""
    store.do(
        send(
            "alice",
            *(
                event(room, f"{room}-{store.now_us}-{number}", priority=one)
                for number, one in enumerate(priorities)
            ),
        )
    )


def test_urgent_rooms_come_first_then_normal_ones_then_bulk(rooms: Store) -> None:
    say(rooms, "a", BULK, BULK)
    say(rooms, "b", NORMAL, BULK)
    say(rooms, "c", BULK, URGENT, BULK)
    say(rooms, "d", NORMAL, 3)
    bob = rooms.open("bob", "d")
    assert ranges(rooms.owed(bob)) == [("c", 2, 3), ("d", 2, 3), ("b", 2, 3), ("a", 2, 3), ("c", 4, 4)]


def test_the_shortest_way_to_an_urgent_event_goes_first(rooms: Store) -> None:
    say(rooms, "a", *[BULK] * 9, URGENT)
    say(rooms, "b", URGENT)
    bob = rooms.open("bob", "d")
    assert ranges(rooms.owed(bob, max_messages=5)) == [("b", 2, 2), ("a", 2, 5)]
    assert ranges(rooms.owed(bob, max_messages=5, sent={"b": 2})) == [("a", 2, 6)]


def test_an_event_that_is_acknowledged_or_sent_is_urgent_no_more(rooms: Store) -> None:
    say(rooms, "a", NORMAL)
    say(rooms, "b", URGENT, NORMAL)
    bob = rooms.open("bob", "d")
    assert ranges(rooms.owed(bob))[0] == ("b", 2, 2)
    assert ranges(rooms.owed(bob, sent={"b": 2}))[0] == ("a", 2, 2)
    rooms.do(acks((bob, {"b": 2})))
    assert ranges(rooms.owed(bob))[0] == ("a", 2, 2)


def test_urgent_only(rooms: Store) -> None:
    say(rooms, "a", *[BULK] * 9, URGENT)
    say(rooms, "b", NORMAL, URGENT, NORMAL)
    say(rooms, "c", NORMAL)
    bob = rooms.open("bob", "d")
    owed = rooms.owed(bob, max_messages=4, urgent_only=True)
    assert (ranges(owed), owed.more) == ([("b", 2, 3)], True), "the one in a is too far away"
    owed = rooms.owed(bob, max_messages=4, urgent_only=True, sent={"b": 3})
    assert (ranges(owed), owed.more) == ([], True)


def test_an_urgent_event_that_is_no_longer_kept_or_was_never_owed_counts_for_nothing(rooms: Store) -> None:
    say(rooms, "b", URGENT, NORMAL)
    rooms.do(PurgeLog("b", 2, 0, 100, 0))
    rooms.do(RemoveSubscriptions("c", ("bob",), "bob", False))
    say(rooms, "c", URGENT)
    say(rooms, "a", NORMAL)
    assert ranges(rooms.owed(rooms.open("bob", "d"))) == [("a", 2, 2), ("b", 2, 2), ("b", 3, 3), ("c", 2, 2)]


def test_the_older_part_of_a_room_that_was_left_and_joined_again_comes_first(rooms: Store) -> None:
    say(rooms, "b", BULK)
    rooms.do(RemoveSubscriptions("b", ("bob",), "bob", False))
    rooms.do(AddSubscriptions("b", ("bob",), "alice", False))
    say(rooms, "b", URGENT)
    say(rooms, "a", URGENT, NORMAL)
    assert ranges(rooms.owed(rooms.open("bob", "d"))) == [("a", 2, 2), ("b", 2, 3), ("b", 4, 5), ("a", 3, 3)]

"""Events that a device has shown and the log does not have, on both engines."""

from chatd.default.messages.rewound import FindRewound
from chatd.default.rooms.membership import RemoveSubscriptions
from chatd.store.log_row import EventPlace
from tests.store.driver import Store, event, send


def rewound(store: Store, profile: str, *marks: tuple[str, int, str]) -> list[tuple[str, int, int]]:
    places = tuple(EventPlace(*mark) for mark in marks)
    found = store.ask(FindRewound(profile, places))
    return [(one.room_id, one.head_seq, one.shown_seq) for one in found]


def test_an_event_that_is_there_is_not_lost(store: Store) -> None:
    store.do(send("alice", event("r", "two"), event("r", "three")))
    assert rewound(store, "bob", ("r", 3, "three")) == []
    assert rewound(store, "bob", ("r", 3, "")) == []


def test_one_beyond_the_head_or_with_another_in_its_place_is(store: Store) -> None:
    store.do(send("alice", event("r", "two"), event("r", "three")))
    assert rewound(store, "bob", ("r", 4, "")) == [("r", 3, 4)]
    assert rewound(store, "bob", ("r", 9, "nine")) == [("r", 3, 9)]
    assert rewound(store, "bob", ("r", 2, "another")) == [("r", 3, 2)]


def test_a_stranger_is_told_the_same_whatever_there_is(store: Store) -> None:
    store.do(send("alice", event("r", "two")))
    marks = (("none", 1, ""), ("r", 1, ""), ("r2", 2, "two"))
    assert rewound(store, "eve", *marks) == [(room, 0, seq) for room, seq, _ in marks]


def test_who_has_left_is_told_of_the_time_before(store: Store) -> None:
    store.do(send("alice", event("r", "two")))
    store.do(RemoveSubscriptions("r", ("bob",), "bob", False))
    store.do(send("alice", event("r", "four")))
    assert rewound(store, "bob", ("r", 2, "two")) == []
    assert rewound(store, "bob", ("r", 2, "lost")) == [("r", 0, 2)]
    assert rewound(store, "bob", ("r", 4, "four")) == [("r", 0, 4)]

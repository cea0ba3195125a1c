"""A log may be cut by age and count, never below what a living device is owed."""

from chatd.default.fan_out.marks import MarkPublished
from chatd.default.retention.cuts import FindCuts
from chatd.default.retention.model import Cut
from chatd.default.rooms.changes import UpdateRoom
from chatd.default.rooms.limits import DAY_US
from chatd.default.rooms.model import RoomRules
from chatd.default.rooms.store import CreateRoom
from tests.default.retention.log import cuts, fill
from tests.store.driver import Store, acks, event, send


def test_a_log_may_be_cut_by_count_and_by_age(store: Store) -> None:
    fill(store)
    assert cuts(store) == {}
    assert cuts(store, keep_events=4) == {"r": 7}
    assert cuts(store, keep_events=11) == {}
    ((half,),) = store.database.rows("SELECT sent_at_us FROM room_event WHERE seq = 2")
    store.now_us = half + 1_000
    store.do(send("alice", event("r", "late")))
    store.do(MarkPublished((("r", 12, 12),)))
    assert cuts(store, keep_since_us=half + 1) == {"r": 11}
    assert cuts(store, keep_since_us=half) == {"r": 1}


def test_a_rooms_own_rules_keep_less_but_never_more(store: Store) -> None:
    fill(store)
    store.do(UpdateRoom("r", "alice", False, rules=RoomRules(keep_events=5)))
    store.publish()  # 12 events with that of the change
    assert cuts(store) == {"r": 7}
    assert cuts(store, keep_events=4) == {"r": 8}
    assert cuts(store, keep_events=6) == {"r": 7}
    store.do(UpdateRoom("r", "alice", False, rules=RoomRules(keep_events=0, keep_days=2)))
    ((at_us,),) = store.database.rows("SELECT sent_at_us FROM room_event WHERE seq = 7")
    store.database.run("UPDATE room_event SET sent_at_us = ? WHERE room_id = 'r' AND seq < 7", (at_us - 10,))
    store.publish()
    assert cuts(store, now_us=at_us + 2 * DAY_US) == {"r": 6}
    assert cuts(store, now_us=at_us + 2 * DAY_US - 10) == {}
    assert cuts(store, keep_since_us=at_us, now_us=at_us) == {"r": 6}, "the service's are earlier"
    assert cuts(store) == {}, "nothing is old at a time that cannot be believed"


def test_a_rooms_own_rules_take_nothing_that_is_owed(store: Store) -> None:
    bob = store.open("bob", "d")
    fill(store)
    store.do(UpdateRoom("r", "alice", False, rules=RoomRules(keep_events=1)))
    store.publish()
    store.do(acks((bob, {"r": 5})))
    assert cuts(store) == {"r": 5}


def test_rooms_are_looked_at_some_at_a_time(store: Store) -> None:
    fill(store)
    store.do(CreateRoom("s", "", "alice", ()))
    query = FindCuts(4, 0, 0, 0, 0, after_room_id="", limit=1)
    assert store.ask(query) == ((Cut("r", 7),), "r")
    assert store.ask(FindCuts(4, 0, 0, 0, 0, after_room_id="r", limit=1)) == ((), "s")
    assert store.ask(FindCuts(4, 0, 0, 0, 0, after_room_id="s", limit=1)) == ((), "")


def test_nothing_goes_that_a_living_device_is_owed(store: Store) -> None:
    bob = store.open("bob", "d")
    fill(store)
    store.do(acks((bob, {"r": 5})))
    assert cuts(store, keep_events=1) == {"r": 5}
    store.do(acks((bob, {"r": 11})))
    assert cuts(store, keep_events=1) == {"r": 10}


def test_a_device_beyond_its_own_limit_holds_nothing_back(store: Store) -> None:
    bob = store.open("bob", "d")
    fill(store)
    store.do(acks((bob, {"r": 5})))
    assert cuts(store, keep_events=1, backlog_events=6) == {"r": 5}
    assert cuts(store, keep_events=1, backlog_events=5) == {"r": 10}
    ((oldest_owed,),) = store.database.rows("SELECT sent_at_us FROM room_event WHERE seq = 6")
    assert cuts(store, keep_events=1, backlog_since_us=oldest_owed) == {"r": 5}
    assert cuts(store, keep_events=1, backlog_since_us=oldest_owed + 1) == {"r": 10}


def test_nothing_goes_that_was_not_fanned_out(store: Store) -> None:
    store.do(send("alice", *(event("r", f"e{number}") for number in range(9))))
    store.do(MarkPublished((("r", 1, 4),)))
    assert cuts(store, keep_events=1) == {"r": 4}

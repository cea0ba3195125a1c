"""The log and what devices say that they have shown of it."""

from chatd.core.log_state import LogState
from chatd.core.model import Shown
from chatd.default.nodes.log_store import CompareLog, IsBehind, RaiseBeat, RenewLog
from chatd.default.rooms.membership import RemoveSubscriptions
from tests.default.retention.log import fill, purge
from tests.store.driver import Store, event, send


def lost(store: Store, profile: str, *shown: Shown) -> list[int]:
    """The indexes of events that are not there, for all that the profile may know."""
    found = store.ask(CompareLog(tuple((profile, one) for one in shown))).lost
    return [index for index, one in enumerate(shown) if (profile, one) in found]


def test_a_device_that_has_shown_what_the_log_does_not_have(store: Store) -> None:
    fill(store)
    name = store.log_state().incarnation
    shown = (
        Shown(name, "r", 3, "e3"),
        Shown(name, "r", 12, "e12"),
        Shown(name, "r", 3, "another event"),
        Shown(name, "none", 3, "e1"),
        Shown("another", "r", 12, "e12"),
    )
    assert lost(store, "bob", *shown) == [1, 2, 3], "of another log it is told by the log's name"


def test_what_was_purged_is_not_taken_for_lost(store: Store) -> None:
    fill(store)
    purge(store, 5, forget_before_us=10**18)
    assert store.database.rows("SELECT seq FROM room_event WHERE seq <= 5") == [], "not even its id is there"
    assert lost(store, "bob", Shown(store.log_state().incarnation, "r", 3, "e3")) == []


def test_a_stranger_is_answered_the_same_whatever_the_room_holds(store: Store) -> None:
    """A guess says nothing of its head, its events or its existence."""
    fill(store)
    purge(store, 5, forget_before_us=10**18)
    name = store.log_state().incarnation
    guesses = [("r", 3, "e3"), ("r", 8, "e8"), ("r", 8, "x"), ("r", 99, "x"), ("none", 1, "x")]
    assert lost(store, "mallory", *(Shown(name, *guess) for guess in guesses)) == [0, 1, 2, 3, 4]


def test_a_member_that_has_left_keeps_what_it_has_shown(store: Store) -> None:
    fill(store)
    store.do(RemoveSubscriptions("r", ("bob",), "bob", False))
    store.do(send("alice", event("r", "later")))
    name = store.log_state().incarnation
    found = lost(store, "bob", Shown(name, "r", 5, "e5"), Shown(name, "r", 13, "later"))
    assert found == [1], "the later one was not for it"


def test_a_log_behind_what_was_seen_is_renewed_and_another_is_not(store: Store) -> None:
    first = store.log_state()
    seen = LogState(first.incarnation, first.beat + 3)
    now = store.do(RaiseBeat(seen))
    assert (now.incarnation != first.incarnation, now.beat) == (True, seen.beat + 1)
    assert store.do(RaiseBeat(seen)).incarnation == now.incarnation


def test_a_log_that_does_not_go_as_far_as_it_was_seen_is_renewed_once(store: Store) -> None:
    first = store.log_state()
    assert (store.ask(IsBehind("r", 1)), store.ask(IsBehind("r", 2))) == (False, True)
    assert store.do(RenewLog(first, "r", 1)) == first
    now, again = store.many([RenewLog(first, "r", 2), RenewLog(first, "r", 2)])
    assert now.incarnation != first.incarnation
    assert again == now == store.log_state(), "two gateways have seen it"

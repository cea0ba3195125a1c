"""The outbox as operators see it: summaries, entries, and how far a broadcast has come."""

import pytest

from chatd.core.model import StreamKey
from chatd.default.outbox.store import LONGEST_OWED, ORDERS, GetBroadcast, ListOutbox, ListOutboxEntries
from chatd.default.pages import choose_order
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.default.rooms.store import CreateRoom
from chatd.errors import EventNotFound, RoomNotFound
from tests.default.dead_letters.letters import ACKNOWLEDGED, OWED, bury
from tests.store.driver import Store, acks, event, failed, send


def test_the_view_and_the_summary_agree(store: Store) -> None:
    store.open("bob", "d")
    store.do(send("alice", event("r", "1"), event("r", "2")))
    ((summary,), more) = store.ask(ListOutbox("", "", "", 10))
    assert (summary.profile_id, summary.owed, summary.acked_seq, summary.owed_until_seq, more) == (
        "bob",
        2,
        1,
        3,
        False,
    )
    rows = store.database.rows(
        "SELECT profile_id, device_id, room_id, seq, event_id, state FROM outbox_entry ORDER BY seq"
    )
    assert rows == [("bob", "d", "r", 2, "1", "pending"), ("bob", "d", "r", 3, "2", "pending")]


def test_the_longest_owed_comes_first_and_filters_narrow(store: Store) -> None:
    store.do(CreateRoom("s", "", "bob", ("alice",)))
    for profile, device in (("bob", "x"), ("alice", "y")):
        store.open(profile, device)
    store.do(send("alice", event("s", "older")))
    store.do(send("alice", event("r", "newer")))

    def listed(**which: str) -> list[tuple[str, str, str]]:
        query = ListOutbox(which.get("profile", ""), which.get("device", ""), which.get("room", ""), 10)
        return [(one.profile_id, one.device_id, one.room_id) for one in store.ask(query)[0]]

    everything = [("alice", "y", "s"), ("bob", "x", "s"), ("alice", "y", "r"), ("bob", "x", "r")]
    assert listed() == everything
    assert listed(profile="bob") == [everything[1], everything[3]]
    assert listed(room="r") == everything[2:]
    assert listed(device="y", room="s") == everything[:1]
    assert listed(profile="nobody") == []
    first, more = store.ask(ListOutbox("", "", "", 3))
    assert (len(first), more) == (3, True)
    assert store.ask(ListOutbox("", "", "", 4))[1] is False


@pytest.mark.parametrize("order", ["", "oldest_at_us desc", "owed", "owed desc", "attempts", "attempts desc"])
def test_the_outbox_comes_in_pages(store: Store, order: str) -> None:
    """The place stays good when its row has gone."""
    store.do(CreateRoom("s", "", "bob", ("alice",)))
    streams = {device: store.open("bob", device) for device in "vwxyz"}
    store.do(send("alice", event("r", "1"), event("r", "2"), event("s", "3")))
    store.do(acks((streams["v"], {"r": 2}), (streams["w"], {"r": 2})))
    store.do(failed(streams["x"], "r", 2))
    chosen = choose_order(order, ORDERS, LONGEST_OWED)
    everything, _ = store.ask(ListOutbox("", "", "", 100, chosen))
    values = [getattr(row, chosen.key) for row in everything]
    assert values == sorted(values, reverse=chosen.descending)
    place, paged, more = "", list(everything[:0]), True
    while more:
        page, more = store.ask(ListOutbox("", "", "", 2, chosen, chosen.read_place(place)))
        paged += page
        place = chosen.place_of(page, more)
    assert (paged, place, len(paged)) == (list(everything), "", 10)
    first, second, third = everything[:3]
    store.do(acks((streams[second.device_id], {second.room_id: 9})))
    behind = chosen.read_place(chosen.place_of((first, second), True))
    assert store.ask(ListOutbox("", "", "", 1, chosen, behind))[0] == (third,)


def test_entries_come_in_pages(store: Store) -> None:
    for device in "xy":
        store.open("bob", device)
    store.do(send("alice", event("r", "1"), event("r", "2"), event("r", "3")))
    everything, _ = store.ask(ListOutboxEntries("bob", "", "", 100))
    assert len(everything) == 6
    for at, last in enumerate(everything, 1):
        behind = (last.profile_id, last.device_id, last.room_id, last.seq)
        page, more = store.ask(ListOutboxEntries("bob", "", "", 2, behind))
        assert (page, more) == (everything[at : at + 2], at + 2 < len(everything))


def test_a_device_that_is_owed_nothing_is_not_listed(store: Store) -> None:
    bob = store.open("bob", "x")
    store.do(send("alice", event("r", "1")))
    store.do(acks((bob, {"r": 2})))
    assert store.ask(ListOutbox("", "", "", 10)) == ((), False)
    assert store.ask(ListOutboxEntries("", "", "", 10)) == ((), False)


def test_entries_of_a_member_that_left_end_with_the_leaving(store: Store) -> None:
    store.open("bob", "x")
    store.do(send("alice", event("r", "1")))
    store.do(RemoveSubscriptions("r", ("bob",), "bob", False))
    store.do(send("alice", event("r", "2")))
    entries, _ = store.ask(ListOutboxEntries("bob", "x", "r", 10))
    assert [entry.seq for entry in entries] == [2, 3]
    ((summary,), _) = store.ask(ListOutbox("bob", "", "", 10))
    assert (summary.owed, summary.owed_until_seq) == (2, 3)


def test_attempts_and_dead_letters_are_shown(store: Store, bob: StreamKey) -> None:
    store.do(failed(bob, "r", 2))
    (row,), _ = store.ask(ListOutbox("", "", "", 10))
    assert row.attempts == 1
    states = store.database.rows("SELECT seq, attempts, state FROM outbox_entry ORDER BY seq")
    assert states == [(2, 1, "retrying"), (3, 0, "pending"), (4, 0, "pending"), (5, 0, "pending")]
    bury(store, bob, 2)
    assert store.database.rows("SELECT attempts, state FROM outbox_entry WHERE seq = 2") == [(3, "dead")]


def test_attempts_count_failures_of_what_is_still_owed(store: Store) -> None:
    bob = store.open("bob", "d")
    store.do(send("alice", *(event("r", f"{number}") for number in range(4))))

    def attempts() -> list[int]:
        entries, _ = store.ask(ListOutboxEntries("bob", "", "", 100))
        return [entry.attempts for entry in entries]

    assert attempts() == [0, 0, 0, 0]
    store.do(failed(bob, "r", 2))
    store.do(failed(bob, "r", 2))
    assert attempts() == [2, 0, 0, 0]
    store.do(acks((bob, {"r": 2})))
    store.do(failed(bob, "r", 2))
    assert attempts() == [0, 0, 0], "it has been acknowledged"


def test_an_event_that_does_not_exist_has_no_broadcast(store: Store) -> None:
    with pytest.raises(EventNotFound):
        store.ask(GetBroadcast("r", 99))
    with pytest.raises(RoomNotFound):
        store.ask(GetBroadcast("none", 1))


def test_a_broadcast_names_each_recipients_progress(store: Store) -> None:
    bob = store.open("bob", "d")
    store.open("alice", "d")
    store.do(send("alice", event("r", "1")))
    store.open("bob", "later")
    store.do(acks((bob, {"r": 2})))
    _, recipients, _ = store.ask(GetBroadcast("r", 2))
    assert [(one.profile_id, one.device_id, one.state) for one in recipients] == [
        ("alice", "d", OWED),
        ("bob", "d", ACKNOWLEDGED),
    ]


def test_a_broadcast_does_not_name_devices_that_came_later(store: Store) -> None:
    store.do(send("bob", event("r", "1")))
    store.do(RemoveSubscriptions("r", ("bob",), "bob", False))
    store.open("bob", "later")
    assert store.ask(GetBroadcast("r", 2))[1] == ()


def test_a_broadcast_names_a_member_that_left_after_it_and_none_that_joined_after(store: Store) -> None:
    bob = store.open("bob", "x")
    carol = store.open("carol", "y")
    store.do(send("alice", event("r", "1")))
    store.do(AddSubscriptions("r", ("carol",), "alice", False))
    store.do(RemoveSubscriptions("r", ("bob",), "bob", False))
    store.do(send("alice", event("r", "2")))

    def recipients(seq: int) -> list[tuple[str, int]]:
        return [(one.profile_id, one.state) for one in store.ask(GetBroadcast("r", seq))[1]]

    assert recipients(2) == [("bob", OWED)]
    assert recipients(4) == [("bob", OWED), ("carol", OWED)], "who leaves is told that it did"
    assert recipients(5) == [("carol", OWED)]
    store.do(acks((bob, {"r": 4})))
    assert recipients(2) == [("bob", ACKNOWLEDGED)], "acknowledged to the end: its entry is gone"
    store.do(RemoveSubscriptions("r", ("carol",), "carol", False))
    store.do(acks((carol, {"r": 6})))
    assert recipients(2) == [("bob", ACKNOWLEDGED)], "who came later and is gone was never a recipient"


def test_recipients_come_in_pages(store: Store) -> None:
    for profile, device in (("alice", "a"), ("alice", "b"), ("bob", "a"), ("bob", "c")):
        store.open(profile, device)
    store.do(send("alice", event("r", "1")))
    found, after = [], ("", "")
    for _ in range(4):
        _, (one,), more = store.ask(GetBroadcast("r", 2, *after, 1))
        after = (one.profile_id, one.device_id)
        found.append(after)
    assert (found, more) == ([("alice", "a"), ("alice", "b"), ("bob", "a"), ("bob", "c")], False)

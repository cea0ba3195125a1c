"""How far profiles have read: forward only, within what was theirs; what is unread, and how far an event has come."""

import threading
from typing import Any

import pytest

from chatd.default.notifications.push import SetPush
from chatd.default.receipts.delivery_status import GetDeliveryStatus
from chatd.default.receipts.store import UNREAD, ListUnread, SetReadMarker
from chatd.default.rooms.members import FindMembers
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.default.rooms.store import CreateRoom
from chatd.errors import EventNotFound, NotAMember, RoomNotFound
from tests.store.driver import Store, acks, event, send


def say(store: Store, count: int, start: int = 0) -> None:
    store.do(send("alice", *(event("r", f"e{number}") for number in range(start, start + count))))


def mark(store: Store, profile: str, seq: int, room: str = "r") -> tuple[int, bool, int]:
    marker = store.do(SetReadMarker(profile, room, seq, "d"))
    assert (marker.profile_id, marker.room_id) == (profile, room)
    return marker.seq, marker.moved, marker.unread


def unread(store: Store, profile: str, *rooms: str) -> dict[str, tuple[int, int, int]]:
    found, more = store.ask(ListUnread(profile, rooms, "", 100))
    assert not more
    return {one.room_id: (one.read_seq, one.head_seq, one.unread) for one in found}


def test_a_marker_moves_forward_only_and_not_past_the_head(store: Store) -> None:
    say(store, 10)
    assert unread(store, "bob") == {"r": (0, 11, 10)}
    assert mark(store, "bob", 5) == (5, True, 6)
    assert mark(store, "bob", 3) == (5, False, 6)
    assert mark(store, "bob", 5) == (5, False, 6)
    assert mark(store, "bob", 2**62) == (11, True, 0)
    assert unread(store, "bob") == {"r": (11, 11, 0)}
    say(store, 3, start=10)
    assert unread(store, "bob") == {"r": (11, 14, 3)}
    assert unread(store, "alice") == {"r": (0, 14, 13)}, "each profile has its own"


def test_many_in_one_transaction_are_as_many_alone(store: Store) -> None:
    say(store, 10)
    commands = [SetReadMarker("bob", "r", seq, f"d{seq}") for seq in (3, 9, 5)] + [SetReadMarker("alice", "r", 4, "")]
    results = store.many(commands)
    assert [one.seq for one in results][-1] == 4
    assert max(one.seq for one in results[:3]) == 9
    assert unread(store, "bob") == {"r": (9, 11, 2)}


def test_two_writers_never_move_it_back(db_uri: str, store: Store) -> None:
    say(store, 200)
    others = [Store(db_uri) for _ in range(2)] if store.database.engine == "postgres" else [store]

    def run(one: Store) -> None:
        for command in [SetReadMarker("bob", "r", seq, "") for seq in range(1, 200, 3)]:
            one.do(command)

    threads = [threading.Thread(target=run, args=(one,)) for one in others]
    for thread in threads:
        thread.start()
    seen = 0
    while any(thread.is_alive() for thread in threads):
        ((read, _, _),) = unread(store, "bob").values() if store.database.engine == "postgres" else ((seen, 0, 0),)
        assert read >= seen
        seen = read
    for thread in threads:
        thread.join()
    for one in others:
        if one is not store:
            one.close()
    assert unread(store, "bob")["r"][0] == 199


def test_only_who_was_there_may_and_only_within_that(store: Store) -> None:
    say(store, 4)
    with pytest.raises(RoomNotFound):
        store.do(SetReadMarker("bob", "nowhere", 1, ""))
    with pytest.raises(NotAMember):
        store.do(SetReadMarker("mallory", "r", 1, ""))
    store.do(RemoveSubscriptions("r", ("bob",), by="alice", operator=False))
    say(store, 5, start=4)
    assert mark(store, "bob", 100) == (6, True, 0), "up to where it left; nothing is unread for who is gone"
    assert unread(store, "bob") == {}
    store.do(AddSubscriptions("r", ("bob",), by="alice", operator=False))
    say(store, 2, start=9)
    assert unread(store, "bob") == {"r": (6, 14, 2)}, "what was said while it was away does not count"


def test_rooms_are_listed_page_by_page(store: Store) -> None:
    for name in ("a", "b", "c"):
        store.do(CreateRoom(name, "", "bob", ()))
    page, more = store.ask(ListUnread("bob", (), "", 2))
    assert ([one.room_id for one in page], more) == (["a", "b"], True)
    page, more = store.ask(ListUnread("bob", (), "b", 2))
    assert ([one.room_id for one in page], more) == (["c", "r"], False)
    assert list(unread(store, "bob", "c", "nowhere")) == ["c"]


def test_what_is_unread_is_looked_up_and_never_counted(store: Store) -> None:
    """No table is read from end to end: each room is one look-up by key in each of three."""
    say(store, 10)
    if store.database.engine == "sqlite":
        plan = " ".join(str(row) for row in store.database.rows(f"EXPLAIN QUERY PLAN {UNREAD}", ("bob", "")))
        assert plan.count("SEARCH") == 3
        assert "SCAN" not in plan
        return
    store.database.rows("SELECT set_config('enable_seqscan', 'off', false)")  # tables this small are otherwise just read
    plan = " ".join(str(row) for row in store.database.rows(f"EXPLAIN {UNREAD}", ("bob", "")))
    assert "Seq Scan" not in plan


def status(store: Store, seq: int, **fields: Any) -> Any:
    query = {"profile_id": "alice", "operator": False, "after_profile_id": "", "limit": 100, **fields}
    return store.ask(GetDeliveryStatus(room_id="r", seq=seq, **query))


def test_how_far_an_event_has_come(store: Store) -> None:
    store.do(AddSubscriptions("r", ("carol", "dave"), by="alice", operator=False))
    phone, tablet, carol = store.open("bob", "phone"), store.open("bob", "tablet"), store.open("carol", "d")
    say(store, 2)
    found = status(store, 3)
    assert (found.recipients, found.delivered, found.read, found.more) == (3, 0, 0, False)
    store.do(acks((phone, {"r": 3}), (carol, {"r": 4})))
    mark(store, "bob", 3)
    found = status(store, 3)
    assert (found.recipients, found.delivered, found.read) == (3, 2, 1)
    assert [(one.profile_id, bool(one.read_at_us), one.devices) for one in found.profiles] == [
        ("bob", True, (("phone", True), ("tablet", False))),
        ("carol", False, (("d", True),)),
        ("dave", False, ()),
    ]
    found = status(store, 4)
    assert (found.delivered, found.read) == (1, 0)
    assert [one.profile_id for one in status(store, 3, limit=1).profiles] == ["bob"]
    assert status(store, 3, limit=1).more
    assert [one.profile_id for one in status(store, 3, limit=2, after_profile_id="bob").profiles] == ["carol", "dave"]
    store.do(acks((tablet, {"r": 4})))
    assert status(store, 4).delivered == 2


def test_who_joins_later_is_no_recipient_and_who_left_still_is(store: Store) -> None:
    bob = store.open("bob", "d")
    say(store, 1)
    store.do(RemoveSubscriptions("r", ("bob",), by="alice", operator=False))
    store.do(AddSubscriptions("r", ("carol",), by="alice", operator=False))
    found = status(store, 2)
    assert [(one.profile_id, one.devices) for one in found.profiles] == [("bob", (("d", False),))]
    store.do(acks((bob, {"r": 3})))
    assert store.database.rows("SELECT * FROM outbox WHERE profile_id = 'bob'") == []
    assert [(one.profile_id, one.devices) for one in status(store, 2).profiles] == [("bob", (("d", True),))]


def test_who_may_ask(store: Store) -> None:
    say(store, 1)
    with pytest.raises(NotAMember):
        status(store, 2, profile_id="mallory")
    assert status(store, 2, profile_id="mallory", operator=True).recipients == 1
    with pytest.raises(EventNotFound):
        status(store, 99, operator=True)
    with pytest.raises(RoomNotFound):
        store.ask(GetDeliveryStatus("nowhere", 1, "alice", True, "", 10))


def test_an_audience_is_a_rooms_members_now(store: Store) -> None:
    first = store.ask(FindMembers(store.members, ("r", "nowhere"), "", 10))
    assert {room: one.profiles for room, one in first.items()} == {"r": frozenset({"alice", "bob"})}
    assert store.ask(FindMembers(store.members, ("r",), "alice", 10))["r"] is first["r"], "remembered"
    assert store.ask(FindMembers(store.members, ("r",), "alice", 1)) == {}, "too large"
    store.do(AddSubscriptions("r", ("carol",), by="alice", operator=False))
    assert store.ask(FindMembers(store.members, ("r",), "carol", 10))["r"].profiles == frozenset({"alice", "bob", "carol"})
    with pytest.raises(NotAMember):
        store.ask(FindMembers(store.members, ("r",), "mallory", 10))
    with pytest.raises(RoomNotFound):
        store.ask(FindMembers(store.members, ("nowhere",), "alice", 10))


def test_an_erased_profile_leaves_no_marker(store: Store) -> None:
    say(store, 1)
    mark(store, "bob", 2)
    store.erase("bob", 100)
    assert store.database.rows("SELECT * FROM read_marker") == []


def test_reading_withdraws_what_was_notified(store: Store) -> None:
    """On the device it was read on it is gone, on the others it is dismissed; other rooms' and later events' stay."""
    for device in ("phone", "tablet"):
        store.do(SetPush("bob", device, "log", "", "", ""))
    say(store, 3)
    store.database.connect(readonly=False)
    for device, state in (("phone", "sent"), ("tablet", "sent")):
        store.database.run(
            "INSERT INTO notification (profile_id, device_id, room_id, seq, kind, state, due_at_us, attempts, error, claimed_until_us, at_us) "
            "VALUES ('bob', ?, 'r', 3, 'message', ?, 0, 1, '', 0, 0)",
            (device, state),
        )
    store.do(SetReadMarker("bob", "r", 2, "phone"))
    kinds = "SELECT device_id, kind, state FROM notification ORDER BY device_id"
    assert [row[1] for row in store.database.rows(kinds)] == ["message", "message"], "not read yet"
    store.do(SetReadMarker("bob", "r", 4, "phone"))
    assert store.database.rows(kinds) == [("tablet", "dismiss", "waiting")]

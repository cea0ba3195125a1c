"""Rooms, and who may change who is in them."""

import pytest

from chatd.default.messages.history import GetHistory
from chatd.default.outbox.store import GetBroadcast
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.default.rooms.model import MembershipChange
from chatd.default.rooms.store import CreateRoom, GetRoom, ListRooms
from chatd.errors import AlreadyExists, EventNotFound, NotAMember, PermissionDenied, RoomNotFound
from tests.store.driver import Store, event, send


def test_a_room_is_made_once(store: Store) -> None:
    with pytest.raises(AlreadyExists):
        store.do(CreateRoom("r", "", "eve", ()))
    room, members = store.ask(GetRoom("r"))
    assert (room.head_seq, room.member_count) == (1, 2)
    assert [(one.profile_id, one.owner) for one in members] == [("alice", True), ("bob", False)]


def test_changes_that_change_nothing(store: Store) -> None:
    assert store.do(AddSubscriptions("r", ("bob",), "alice", False)) == MembershipChange((), 0)
    assert store.do(RemoveSubscriptions("r", ("carol",), "alice", False)) == MembershipChange((), 0)


def test_who_may_change_memberships(store: Store) -> None:
    with pytest.raises(NotAMember):
        store.do(AddSubscriptions("r", ("eve",), "eve", False))
    with pytest.raises(PermissionDenied):
        store.do(RemoveSubscriptions("r", ("alice",), "bob", False))
    with pytest.raises(RoomNotFound):
        store.do(AddSubscriptions("nowhere", ("bob",), "alice", False))
    assert store.do(AddSubscriptions("r", ("carol",), "bob", False)).profiles == ("carol",)
    assert store.do(RemoveSubscriptions("r", ("bob", "carol"), "ops", True)).profiles == ("bob", "carol")


def test_history_ends_at_the_memberships(store: Store) -> None:
    store.do(send("alice", event("r", "1")))
    store.do(AddSubscriptions("r", ("carol",), "alice", False))
    store.do(send("alice", event("r", "2")))
    store.do(RemoveSubscriptions("r", ("carol",), "carol", False))
    store.do(send("alice", event("r", "3")))
    assert len(store.ask(GetHistory("r", "carol", False, 0, 100))[0]) == 3
    assert len(store.ask(GetHistory("r", "carol", True, 0, 100))[0]) == 6
    with pytest.raises(NotAMember):
        store.ask(GetHistory("r", "eve", False, 0, 100))
    with pytest.raises(RoomNotFound):
        store.ask(GetHistory("nowhere", "alice", False, 0, 100))


def test_history_pages_from_the_newest_back(store: Store) -> None:
    store.do(send("alice", *(event("r", f"{number}") for number in range(9))))
    newest, more = store.ask(GetHistory("r", "alice", False, 0, 4))
    assert (len(newest), more) == (4, True)
    oldest, more = store.ask(GetHistory("r", "alice", False, 7, 6))
    assert (len(oldest), more) == (6, False)


def test_rooms_are_listed_by_id(store: Store) -> None:
    for name in ("a", "z", "m"):
        store.do(CreateRoom(name, "", "alice", ()))
    page, more = store.ask(ListRooms("", 3))
    assert ([room.room_id for room in page], more) == (["a", "m", "r"], True)
    assert [room.room_id for room in store.ask(ListRooms("r", 3))[0]] == ["z"]


def test_an_event_that_is_not_there(store: Store) -> None:
    with pytest.raises(EventNotFound):
        store.ask(GetBroadcast("r", 99))


def test_a_page_of_history_is_bounded_in_bytes(store: Store) -> None:
    store.do(send("alice", *(event("r", f"{number}", b"x" * 60_000) for number in range(40))))
    page, more = store.ask(GetHistory("r", "alice", False, 0, 500))
    assert more
    assert 10 < len(page) < 20

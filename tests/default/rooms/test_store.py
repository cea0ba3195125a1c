"""Rooms: made once, listed by id, shown with their members and devices."""

import pytest

from chatd.default.rooms.membership import AddSubscriptions
from chatd.default.rooms.model import Room
from chatd.default.rooms.store import CreateRoom, GetRoom, ListRooms
from chatd.errors import AlreadyExists
from tests.store.driver import Store, at_once


def test_a_room_is_made_once(store: Store) -> None:
    with pytest.raises(AlreadyExists):
        store.do(CreateRoom("r", "", "eve", ()))
    room, members = store.ask(GetRoom("r"))
    assert (room.head_seq, room.member_count) == (1, 2)
    assert [(one.profile_id, one.owner) for one in members] == [("alice", True), ("bob", False)]


def test_rooms_are_listed_by_id(store: Store) -> None:
    for name in ("a", "z", "m"):
        store.do(CreateRoom(name, "", "alice", ()))
    page, more = store.ask(ListRooms("", 3))
    assert ([room.room_id for room in page], more) == (["a", "m", "r"], True)
    assert [room.room_id for room in store.ask(ListRooms("r", 3))[0]] == ["z"]


def test_a_room_lists_its_members_and_the_number_of_their_devices(store: Store) -> None:
    store.open("bob", "x")
    store.open("bob", "y")
    store.do(AddSubscriptions("r", ("carol",), "alice", False))
    room, members = store.ask(GetRoom("r"))
    assert [(one.profile_id, one.joined_seq, one.devices) for one in members] == [("alice", 1, 0), ("bob", 1, 2), ("carol", 2, 0)]
    assert room.member_count == 3


def test_of_two_nodes_one_makes_a_room(nodes: tuple[Store, Store]) -> None:
    for number in range(20):
        results = at_once(nodes, lambda node, number=number: node.many([CreateRoom(f"r{number}", "", "alice", ("bob",))])[0])  # type: ignore[misc]
        assert sorted(type(result).__name__ for result in results) == sorted((AlreadyExists.__name__, Room.__name__))

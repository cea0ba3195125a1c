"""Rooms: made once, listed by id, shown with their members and devices."""

from functools import partial

import pytest

from chatd.core.member_role import MemberRole
from chatd.default.messages.history import GetHistory
from chatd.default.pages import choose_order
from chatd.default.rooms.changes import UpdateRoom
from chatd.default.rooms.membership import AddSubscriptions
from chatd.default.rooms.model import Room
from chatd.default.rooms.store import OLDEST, ORDERS, CreateRoom, GetRoom, ListRooms
from chatd.errors import AlreadyExists, NotAMember, PermissionDenied, RoomNotFound
from chatd.pb.events.v1.payloads_pb2 import EventDelivery, EventType
from tests.store.driver import Store, at_once, event, send


def test_a_room_is_made_once(store: Store) -> None:
    with pytest.raises(AlreadyExists):
        store.do(CreateRoom("r", "", "eve", ()))
    room, members, _ = store.ask(GetRoom("r"))
    assert (room.head_seq, room.member_count) == (1, 2)
    assert [(one.profile_id, one.role) for one in members] == [
        ("alice", MemberRole.OWNER),
        ("bob", MemberRole.MEMBER),
    ]


def test_rooms_are_listed_by_id(store: Store) -> None:
    for name in ("a", "z", "m"):
        store.do(CreateRoom(name, "", "alice", ()))
    page, more = store.ask(ListRooms("", 3))
    assert ([room.room_id for room in page], more) == (["a", "m", "r"], True)
    assert [room.room_id for room in store.ask(ListRooms("r", 3))[0]] == ["z"]


def test_rooms_are_listed_in_other_orders(store: Store) -> None:
    for name in ("a", "m", "z"):
        store.do(CreateRoom(name, "", "alice", ("bob", "carol") if name == "m" else ()))
    store.do(send("alice", event("z", "1"), event("z", "2"), event("a", "3")))

    def pages(order: str, limit: int) -> list[str]:
        chosen, place, found, more = choose_order(order, ORDERS, OLDEST), "", list[str](), True
        while more:
            page, more = store.ask(ListRooms("", limit, chosen, chosen.read_place(place)))
            place = chosen.place_of(page, more)
            found += [room.room_id for room in page]
        return found

    for limit in (1, 3, 4):
        assert pages("head_seq desc", limit) == ["z", "a", "m", "r"]
        assert pages("head_seq", limit) == ["m", "r", "a", "z"]
        assert pages("member_count desc", limit) == ["m", "r", "a", "z"]
        assert sorted(pages("created_at_us", limit)) == ["a", "m", "r", "z"]


def test_a_room_lists_its_members_and_the_number_of_their_devices(store: Store) -> None:
    store.open("bob", "x")
    store.open("bob", "y")
    store.do(AddSubscriptions("r", ("carol",), "alice", False))
    room, members, _ = store.ask(GetRoom("r"))
    assert [(one.profile_id, one.joined_seq, one.devices) for one in members] == [
        ("alice", 1, 0),
        ("bob", 1, 2),
        ("carol", 2, 0),
    ]
    assert room.member_count == 3


def test_of_two_nodes_one_makes_a_room(nodes: tuple[Store, Store]) -> None:
    for number in range(20):
        command = CreateRoom(f"r{number}", "", "alice", ("bob",))
        results = [results[0] for results in at_once(nodes, partial(Store.many, commands=[command]))]
        assert sorted(type(result).__name__ for result in results) == sorted(
            (AlreadyExists.__name__, Room.__name__)
        )


def test_its_owner_changes_a_room_and_the_log_says_so(store: Store) -> None:
    phone = store.open("bob", "phone")
    change = store.do(UpdateRoom("r", "alice", False, name="new"))
    assert (change.room.name, change.room.head_seq, change.room.hide_previews, change.seq) == (
        "new",
        2,
        False,
        2,
    )
    assert store.ask(GetRoom("r"))[0] == change.room
    (run,) = store.owed(phone).runs
    assert (run.first_seq, run.last_seq) == (2, 2)
    ((delivery,), _) = store.ask(GetHistory("r", "bob", False, 0, 1))
    found = EventDelivery.FromString(delivery)
    assert (found.event.type, found.event.sender_id) == (EventType.EVENT_TYPE_ROOM, "alice")
    assert dict(found.payload) == {"name": "new"}


def test_nothing_is_said_when_nothing_changes(store: Store) -> None:
    assert store.do(UpdateRoom("r", "alice", False, name="", hide_previews=False)).seq == 0
    assert store.ask(GetRoom("r"))[0].head_seq == 1


def test_it_is_seen_by_what_comes_behind_it_in_its_transaction(store: Store) -> None:
    first, hidden, same = store.many(
        [
            send("alice", event("r", "e")),
            UpdateRoom("r", "alice", False, hide_previews=True),
            UpdateRoom("r", "alice", False, name="", hide_previews=True),
        ]
    )
    assert (first[0].seq, hidden.seq, same.seq, same.room.hide_previews) == (2, 3, 0, True)


def test_others_may_not(store: Store) -> None:
    with pytest.raises(PermissionDenied):
        store.do(UpdateRoom("r", "bob", False, name="bob's"))
    with pytest.raises(NotAMember):
        store.do(UpdateRoom("r", "eve", False, name="eve's"))
    with pytest.raises(NotAMember):
        store.do(UpdateRoom("nowhere", "alice", False, name="x"))
    with pytest.raises(RoomNotFound):
        store.do(UpdateRoom("nowhere", "root", True, name="x"))
    assert store.do(UpdateRoom("r", "root", True, name="an operator's")).room.name == "an operator's"


def test_members_come_in_pages(store: Store) -> None:
    store.do(CreateRoom("big", "", "a", ("b", "c")))
    found, after, more = [], "", True
    while more:
        _, (one,), more = store.ask(GetRoom("big", after, 1))
        after = one.profile_id
        found.append(after)
    assert found == ["a", "b", "c"]

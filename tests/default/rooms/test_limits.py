"""Limits of rooms and memberships: what is refused changes nothing, and what ends makes room."""

import dataclasses

import pytest

from chatd.default.devices.model import DeviceHello
from chatd.default.devices.store import OpenStreams
from chatd.default.limits import MAX_NEW_ENTRIES
from chatd.default.rooms.limits import DAY_US, RoomLimits
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.default.rooms.store import CreateRoom, GetRoom
from chatd.errors import LimitReached
from tests.store.driver import MANY, Store, at_once

LIMITS = RoomLimits(created_a_day=3, rooms=3, members=4)


def create(room: str, creator: str, *profiles: str, limits: RoomLimits = LIMITS) -> CreateRoom:
    return CreateRoom(room, "", creator, profiles, limits=limits)


def add(room: str, *profiles: str, by: str = "alice", limits: RoomLimits = LIMITS) -> AddSubscriptions:
    return AddSubscriptions(room, profiles, by, False, limits)


def members(store: Store, room: str) -> list[str]:
    return [one.profile_id for one in store.ask(GetRoom(room))[1]]


def counted(store: Store) -> dict[str, int]:
    return dict(store.database.rows("SELECT profile_id, rooms FROM profile WHERE rooms <> 0"))


def real(store: Store) -> dict[str, int]:
    return dict(
        store.database.rows(
            "SELECT profile_id, COUNT(*) FROM subscription WHERE left_seq IS NULL GROUP BY profile_id"
        )
    )


def test_a_profile_makes_so_many_rooms_within_24_hours(store: Store) -> None:
    limits = dataclasses.replace(LIMITS, rooms=0)
    for number in range(2):
        store.do(create(f"a{number}", "alice", limits=limits))  # the third: "r" is hers
    with pytest.raises(LimitReached, match="'alice' has made 3 rooms within 24 hours"):
        store.do(create("x", "alice", limits=limits))
    assert store.database.rows("SELECT 1 FROM room WHERE room_id = 'x'") == []
    store.do(create("b", "bob", limits=limits))
    store.do(create("x", "alice", limits=RoomLimits()))
    store.now_us += DAY_US
    store.do(create("y", "alice", limits=limits))
    store.now_us -= DAY_US // 2  # the clock was ahead: the rooms of the day before count again
    with pytest.raises(LimitReached):
        store.do(create("z", "alice", limits=limits))


def test_a_profile_is_in_so_many_rooms(store: Store) -> None:
    store.do(create("a", "carol", "bob"))
    store.do(create("b", "carol", "bob"))
    for command in (create("c", "dave", "bob", "erin"), create("c", "carol", "bob"), add("r", "dave", "bob")):
        if isinstance(command, CreateRoom):
            with pytest.raises(
                LimitReached, match="in 3 rooms already, the most that a profile may be in: 'bob'"
            ):
                store.do(command)
        else:
            assert store.do(command).profiles == ("dave",), "bob is a member there already"
    assert store.database.rows("SELECT 1 FROM room WHERE room_id = 'c'") == []
    store.do(create("c", "carol"))
    with pytest.raises(LimitReached):
        store.do(add("c", "erin", "bob", by="carol"))
    assert members(store, "c") == ["carol"], "all or none"
    store.do(RemoveSubscriptions("a", ("bob",), "bob", False))
    store.do(add("c", "erin", "bob", by="carol"))
    assert counted(store) == real(store)


def test_a_room_has_so_many_members(store: Store) -> None:
    with pytest.raises(LimitReached, match="a room has 4 members at most"):
        store.do(create("x", "alice", "a", "b", "c", "d"))
    with pytest.raises(LimitReached):
        store.do(add("r", "c", "d", "e"))
    store.do(add("r", "c", "d"))
    store.do(add("r", "c", "d"))
    with pytest.raises(LimitReached):
        store.do(add("r", "e"))
    store.do(add("r", "e", limits=RoomLimits()))
    assert members(store, "r") == ["alice", "bob", "c", "d", "e"]


def test_memberships_are_counted_whatever_changes_them(store: Store) -> None:
    store.do(create("s", "carol", "bob", limits=RoomLimits()))
    store.do(RemoveSubscriptions("s", ("carol", "nobody"), "ops", True))
    store.do(add("r", "carol", "dave", "bob"))
    assert counted(store) == real(store) == {"alice": 1, "bob": 2, "carol": 1, "dave": 1}
    while store.erase("bob").more:
        pass
    assert counted(store) == real(store) == {"alice": 1, "carol": 1, "dave": 1}
    store.do(add("r", "bob"))
    assert counted(store)["bob"] == 1


def test_one_call_makes_so_many_outbox_entries(store: Store) -> None:
    devices = MAX_NEW_ENTRIES // 10
    profiles = tuple(f"p{number:02}" for number in range(11))
    for profile in profiles:
        store.do(OpenStreams(tuple(DeviceHello(profile, f"d{number}") for number in range(devices)), MANY))
    for command in (create("x", "alice", *profiles), add("r", *profiles)):
        command = dataclasses.replace(command, limits=RoomLimits())
        with pytest.raises(
            LimitReached, match="these profiles have 11000 devices, and one call may name 10000"
        ):
            store.do(command)
    assert store.database.rows("SELECT COUNT(*) FROM outbox") == [(0,)]
    store.do(add("r", *profiles[1:], limits=RoomLimits()))
    assert store.database.rows("SELECT COUNT(*) FROM outbox") == [(MAX_NEW_ENTRIES,)]


def test_two_nodes_count_together(nodes: tuple[Store, Store]) -> None:
    """They hold the profile while they count."""

    def make(node: Store) -> list[object]:
        return node.many([create(f"{id(node)}-{number}", "alice", "bob") for number in range(10)])

    made = [one for results in at_once(nodes, make) for one in results]
    assert sum(isinstance(one, LimitReached) for one in made) == 17
    assert counted(nodes[0]) == real(nodes[0]) == {"alice": 3, "bob": 3}

"""Rooms are found by name and metadata, in pages and slices."""

import pytest

from chatd.default.rooms.bans import BanProfiles
from chatd.default.rooms.changes import DeleteRoom, UpdateRoom
from chatd.default.rooms.store import CreateRoom
from chatd.default.search import room_search
from chatd.default.search.room_search import FindRooms
from chatd.default.search.words import fold
from chatd.store.slices import Slice
from tests.default.explain import assert_looked_up
from tests.store.driver import Store


def find(store: Store, query: str = "", profile: str = "eve", limit: int = 100, **metadata: str) -> list[str]:
    """The rooms on all pages, which have no more than ``limit``."""
    found: list[str] = []
    after = ""
    while True:
        parts = tuple(fold(query).split())
        page, after = store.ask(
            FindRooms(profile, profile == "ops", parts, tuple(metadata.items()), after, limit)
        )
        assert len(page) <= limit
        found += [room.room_id for room in page]
        if not after:
            return found


def make(store: Store, room_id: str, name: str, *, public: bool = True, **metadata: str) -> None:
    store.do(CreateRoom(room_id, name, "dave", (), public=public, metadata=metadata))


def test_by_parts_of_the_name_and_by_metadata(store: Store) -> None:
    make(store, "a", "Gärten in Graz", city="Graz", topic="plants")
    make(store, "b", "The GARDEN of Linz", city="Linz")
    make(store, "c", "garten", public=False, city="Graz")
    assert find(store) == ["a", "b"]
    assert find(store, "gar") == ["a", "b"]
    assert find(store, "graz gärt") == ["a"]
    assert find(store, "GRAZ linz") == []
    assert find(store, city="Graz") == ["a"]
    assert find(store, city="") == ["a", "b"]
    assert find(store, "gar", city="Graz", topic="plants") == ["a"]
    assert find(store, city="graz") == find(store, other="") == []
    assert find(store, profile="dave", city="Graz") == find(store, profile="ops", city="Graz") == ["a", "c"]


def test_only_what_the_profile_may_join_or_is_in(store: Store) -> None:
    for room_id in ("a", "b", "c"):
        make(store, room_id, "x")
    store.do(BanProfiles("a", ("eve",), "dave", False))
    store.do(DeleteRoom("b", "dave", False))
    assert find(store, "x") == ["c"]
    assert find(store, "x", profile="ops") == ["a", "c"]
    store.do(UpdateRoom("c", "dave", False, public=False))
    assert find(store, "x") == []
    assert find(store, "x", profile="dave") == ["a", "c"]


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_and_slices_have_each_room_once(
    store: Store, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(room_search, "_CHUNK", 2)
    monkeypatch.setattr(room_search, "LOOK", 4)
    monkeypatch.setattr(Slice, "is_over", True)
    rooms = [f"r{number:02}" for number in range(11)]
    for number, room_id in enumerate(rooms):
        make(store, room_id, "odd" if number % 2 else "even", public=number != 4)
    assert find(store, "odd", limit=limit) == rooms[1::2]
    assert find(store, "e", limit=limit) == [one for one in rooms[::2] if one != "r04"]
    assert find(store, "e", profile="dave", limit=limit) == rooms[::2]


def test_deleted_rooms_are_looked_at_in_turn(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are in a row: each stays for ever."""
    monkeypatch.setattr(room_search, "_CHUNK", 2)
    monkeypatch.setattr(room_search, "LOOK", 4)
    for room_id in ("a", "b", "c", "d", "e"):
        make(store, room_id, "x")
    for room_id in ("a", "b", "c", "d"):
        store.do(DeleteRoom(room_id, "dave", False))
    assert store.ask(FindRooms("ops", True, (), (), "", 100)) == ((), "d")
    assert find(store, "x", profile="ops") == find(store, "x") == ["e"]


def test_rooms_are_found_by_their_indexes(store: Store) -> None:
    assert_looked_up(store, room_search._ALL, ("", 9))
    visible = ("", "eve", 9, "eve", "", 9, 9)
    if store.database.engine == "postgres":
        assert_looked_up(store, room_search._VISIBLE, visible)
        return
    plan = [row[-1] for row in store.database.rows(f"EXPLAIN QUERY PLAN {room_search._VISIBLE}", visible)]
    assert "room_public" in " ".join(plan)
    scanned = {line for line in plan if line.startswith("SCAN")}
    assert scanned <= {"SCAN public_room", "SCAN own_room"}, "the two short lists"


def test_a_page_ends_at_its_bytes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_search, "MAX_PAGE_BYTES", 1_000)
    for room_id in ("a", "b", "c"):
        make(store, room_id, "x", text="t" * 600)
    page, after = store.ask(FindRooms("eve", False, (), (), "", 100))
    assert ([room.room_id for room in page], after) == (["a"], "a")
    assert find(store) == ["a", "b", "c"]

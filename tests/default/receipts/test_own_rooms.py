"""A profile's rooms: in pages that miss none and repeat none, with what is its own of each."""

import pytest

from chatd.core.member_role import MemberRole
from chatd.default.messages.unreadable import Unreadable
from chatd.default.notifications.push import MENTIONS, SetRoomNotifications
from chatd.default.receipts.own_rooms import OWN, PAGE, RECENT_FIRST, GetOwnRoom, ListMyRooms, Shown
from chatd.default.receipts.store import SetReadMarker
from chatd.default.rooms.changes import DeleteRoom, UpdateRoom
from chatd.default.rooms.membership import RemoveSubscriptions
from chatd.default.rooms.store import CreateRoom
from chatd.errors import NotAMember, RoomNotFound
from chatd.pb.events.v1.payloads_pb2 import EventDelivery
from tests.default.explain import assert_looked_up
from tests.store.driver import Store, event, send

SHOWN = Shown(plain=True, unreadable=Unreadable())


def listed(store: Store, *, recent: bool = True, limit: int = 100, since_us: int = 0) -> list[str]:
    """The ids of bob's rooms, page by page."""
    order = RECENT_FIRST if recent else None
    found: list[str] = []
    after: tuple[int | str, ...] = ()
    while True:
        page, more = store.ask(ListMyRooms("bob", order, after, limit, since_us, SHOWN))
        found += [own.room_id for own in page]
        if not more:
            return found
        after = (page[-1].at_us, page[-1].room_id) if recent else (page[-1].room_id,)


@pytest.fixture
def rooms(store: Store) -> Store:
    """Bob is in r, a, b and c; the last event is in a, the one before in c."""
    for room in ("a", "b", "c"):
        store.do(CreateRoom(room, f"Room {room}", "alice", ("bob",)))
    store.do(CreateRoom("d", "", "alice", ()))
    store.do(send("alice", event("c", "1", b"\n\x08\n\x04text\x12\x00")))
    store.do(send("alice", event("a", "2")))
    return store


@pytest.mark.parametrize("limit", [1, 3, 4, 100])
def test_rooms_come_in_pages(rooms: Store, limit: int) -> None:
    assert listed(rooms, limit=limit) == ["a", "c", "b", "r"]
    assert listed(rooms, recent=False, limit=limit) == ["a", "b", "c", "r"]


def test_those_that_are_no_longer_his_are_left_out(rooms: Store) -> None:
    rooms.do(RemoveSubscriptions("a", ("bob",), "bob", False))
    rooms.do(DeleteRoom("b", "alice", False))
    assert listed(rooms) == ["c", "r"]


def test_those_that_have_changed(rooms: Store) -> None:
    now_us = rooms.now_us
    assert listed(rooms, since_us=now_us + 1) == []
    rooms.do(SetReadMarker("bob", "c", 2, ""))
    rooms.do(UpdateRoom("r", "alice", False, name="new"))
    assert listed(rooms, since_us=now_us + 1) == ["r", "c"]


def test_all_that_a_list_shows(rooms: Store) -> None:
    rooms.do(SetReadMarker("bob", "c", 1, ""))
    rooms.do(SetRoomNotifications("bob", "c", MENTIONS, 5))
    own = rooms.ask(GetOwnRoom("c", "bob", False, SHOWN))
    assert (own.room.name, own.room.head_seq, own.role, own.joined_seq) == ("Room c", 2, MemberRole.MEMBER, 1)
    assert (own.read_seq, own.unread, own.level, own.muted_until_us) == (1, 1, MENTIONS, 5)
    assert own.read_at_us == rooms.now_us - 1
    assert EventDelivery.FromString(own.last_event).event.seq == 2
    assert rooms.ask(GetOwnRoom("c", "alice", False, SHOWN))[1:4] == (MemberRole.OWNER, 1, 0)


def test_an_event_that_cannot_be_read_has_a_marker(rooms: Store) -> None:
    rooms.database.run("UPDATE room_event SET delivery = ? WHERE room_id = 'c' AND seq = 2", (b"\xff",))
    own = rooms.ask(GetOwnRoom("c", "bob", False, SHOWN))
    assert EventDelivery.FromString(own.last_event).skipped.last_seq == 2


def test_operators_see_a_room_and_strangers_none(rooms: Store) -> None:
    own = rooms.ask(GetOwnRoom("c", "ops", True, SHOWN))
    assert (own.room.name, own.role, own.last_event) == ("Room c", 0, b"")
    for room in ("c", "nowhere"):
        with pytest.raises(NotAMember):
            rooms.ask(GetOwnRoom(room, "eve", False, SHOWN))
    with pytest.raises(RoomNotFound):
        rooms.ask(GetOwnRoom("nowhere", "ops", True, SHOWN))


def test_no_table_is_read_from_end_to_end(rooms: Store) -> None:
    assert_looked_up(rooms, PAGE, ("bob", 0, 0))
    assert_looked_up(rooms, OWN, ("bob",))

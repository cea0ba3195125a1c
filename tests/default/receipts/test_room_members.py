"""The members of a room with their roles, and the ticks of a whole page."""

import pytest

from chatd.core.member_role import MemberRole
from chatd.default.receipts.room_members import MEMBERS, ListMembers, RoomMember
from chatd.default.receipts.store import SetReadMarker
from chatd.default.rooms.membership import AddSubscriptions
from chatd.errors import NotAMember, RoomNotFound
from tests.default.explain import assert_looked_up
from tests.store.driver import Store, acks, event, send

OWNER, MEMBER = MemberRole.OWNER, MemberRole.MEMBER


def members(store: Store, by: str = "alice", *, operator: bool = False) -> list[RoomMember]:
    return list(store.ask(ListMembers("r", by, operator, "", 100))[0])


def test_how_far_each_has_read_and_received(store: Store) -> None:
    old = store.open("bob", "old")
    store.do(send("alice", *(event("r", f"e{number}") for number in range(5))))
    store.do(acks((old, {"r": 3})))
    assert members(store)[1].delivered == (0, 0), "he takes no part yet"
    assert members(store, "ops", operator=True)[1].delivered == (1, 3)
    store.do(SetReadMarker("bob", "r", 2, ""))
    assert members(store) == [
        RoomMember("alice", OWNER, 1, 0, (0, 0)),
        RoomMember("bob", MEMBER, 1, 2, (1, 3)),
    ]
    new = store.open("bob", "new")
    store.do(send("alice", event("r", "f")))
    store.do(acks((new, {"r": 7})))
    assert members(store)[1].delivered == (6, 7), "events 4 to 6 have come to none of them"
    store.do(acks((old, {"r": 6})))
    assert members(store)[1].delivered == (1, 7)


def test_they_come_in_pages(store: Store) -> None:
    store.do(AddSubscriptions("r", ("carol",), "alice", False))
    page, more = store.ask(ListMembers("r", "bob", False, "alice", 1))
    assert ([one.profile_id for one in page], more) == (["bob"], True)
    page, more = store.ask(ListMembers("r", "bob", False, "bob", 1))
    assert ([one.profile_id for one in page], more) == (["carol"], False)


def test_strangers_see_none(store: Store) -> None:
    with pytest.raises(NotAMember):
        members(store, "eve")
    with pytest.raises(RoomNotFound):
        store.ask(ListMembers("nowhere", "ops", True, "", 100))


def test_no_table_is_read_from_end_to_end(store: Store) -> None:
    assert_looked_up(store, MEMBERS, ("r", "", 100))

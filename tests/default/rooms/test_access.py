"""Permission: members add, the owner removes others, operators need neither, and an owner that left
owns nothing."""

import pytest

from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.default.rooms.store import GetRoom
from chatd.errors import NotAMember, PermissionDenied, RoomNotFound
from tests.store.driver import Store


def head(store: Store, room: str = "r") -> int:
    return int(store.ask(GetRoom(room))[0].head_seq)


def test_members_add_and_owners_remove(store: Store) -> None:
    with pytest.raises(NotAMember):
        store.do(AddSubscriptions("r", ("eve",), "eve", False))
    with pytest.raises(PermissionDenied):
        store.do(RemoveSubscriptions("r", ("alice",), "bob", False))
    with pytest.raises(RoomNotFound):
        store.do(AddSubscriptions("nowhere", ("bob",), "alice", False))
    assert store.do(AddSubscriptions("r", ("carol",), "bob", False)).profiles == ("carol",)
    assert store.do(RemoveSubscriptions("r", ("bob", "carol"), "ops", True)).profiles == ("bob", "carol")


@pytest.mark.parametrize("change", [AddSubscriptions, RemoveSubscriptions])
def test_an_operator_needs_a_room_but_no_membership(
    store: Store, change: type[AddSubscriptions] | type[RemoveSubscriptions]
) -> None:
    with pytest.raises(RoomNotFound):
        store.do(change("nowhere", ("bob",), "ops", True))
    with pytest.raises(NotAMember):
        store.do(change("r", ("bob",), "ops", False))
    store.do(change("r", ("bob", "carol"), "ops", True))
    assert "ops" not in [member.profile_id for member in store.ask(GetRoom("r"))[1]]


def test_a_member_may_remove_itself_and_nobody_with_it(store: Store) -> None:
    store.do(AddSubscriptions("r", ("carol",), "alice", False))
    for others in (("carol",), ("bob", "carol")):
        with pytest.raises(PermissionDenied):
            store.do(RemoveSubscriptions("r", others, "bob", False))
    assert head(store) == 2, "a refused change is no event"
    assert store.do(RemoveSubscriptions("r", ("bob",), "bob", False)).profiles == ("bob",)


def test_an_owner_that_left_owns_the_room_no_more(store: Store) -> None:
    store.do(RemoveSubscriptions("r", ("alice",), "alice", False))
    store.do(AddSubscriptions("r", ("alice",), "bob", False))
    with pytest.raises(PermissionDenied):
        store.do(RemoveSubscriptions("r", ("bob",), "alice", False))

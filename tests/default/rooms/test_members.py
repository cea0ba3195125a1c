"""The members of rooms as they are now, for signals."""

import pytest

from chatd.default.rooms.members import FindMembers
from chatd.default.rooms.membership import AddSubscriptions
from chatd.errors import NotAMember
from tests.store.driver import Store


def test_an_audience_is_a_rooms_members_now(store: Store) -> None:
    first = store.ask(FindMembers(store.members, ("r", "nowhere"), "", 10))
    assert {room: one.profiles for room, one in first.items()} == {"r": frozenset({"alice", "bob"})}
    assert store.ask(FindMembers(store.members, ("r",), "alice", 10))["r"] is first["r"], "remembered"
    assert store.ask(FindMembers(store.members, ("r",), "alice", 1)) == {}, "too large"
    store.do(AddSubscriptions("r", ("carol",), by="alice", operator=False))
    assert store.ask(FindMembers(store.members, ("r",), "carol", 10))["r"].profiles == frozenset(
        {"alice", "bob", "carol"}
    )
    with pytest.raises(NotAMember):
        store.ask(FindMembers(store.members, ("r",), "mallory", 10))
    with pytest.raises(NotAMember):
        store.ask(FindMembers(store.members, ("nowhere",), "alice", 10))

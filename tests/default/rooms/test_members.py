"""The members of rooms as they are now, for signals."""

from dataclasses import replace

import pytest

from chatd.default.rooms.members import SHARES, FindMembers, ShareRoom
from chatd.default.rooms.membership import AddSubscriptions
from chatd.default.rooms.store import CreateRoom
from chatd.errors import NotAMember
from chatd.store import slices
from chatd.store.slices import Unfinished
from tests.default.explain import assert_looked_up
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


def test_rooms_are_shared_with_many_slice_by_slice(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those who made a room of carol's take part in it; the answer is the same in one slice."""
    profiles = tuple(f"p{number}" for number in range(20))
    for number, profile in enumerate(profiles):
        store.do(CreateRoom(f"x{number}", "", profile, ("carol",) if number % 3 else ()))
    query = ShareRoom("carol", (*profiles, "carol", "nobody"), everybody=False)
    whole = store.ask(query)
    assert whole == {profile for number, profile in enumerate(profiles) if number % 3} | {"carol"}
    monkeypatch.setattr(slices, "SLICE_SECONDS", 0.0)
    with pytest.raises(Unfinished) as first:
        query.answer(store.database)
    assert first.value.rest == replace(query, others=query.others[1:])
    assert store.ask(query) == whole
    assert_looked_up(store, SHARES, ("carol", "p0"))

"""Bans: a profile that is banned is no member, and does not become one."""

import pytest

from chatd.core.member_role import MemberRole
from chatd.default.rooms.bans import BanProfiles, ListBans, UnbanProfiles
from chatd.default.rooms.changes import UpdateRoom
from chatd.default.rooms.membership import AddSubscriptions, JoinRoom
from chatd.default.rooms.store import GetRoom
from chatd.errors import Conflict, NotAMember
from tests.store.driver import Store


def members(store: Store) -> list[str]:
    return [one.profile_id for one in store.ask(GetRoom("r"))[1]]


def banned(store: Store) -> list[str]:
    return [one.profile_id for one in store.ask(ListBans("r", "alice", False, "", 100))[0]]


def test_a_banned_profile_goes_and_does_not_come_back(store: Store) -> None:
    store.do(UpdateRoom("r", "alice", False, public=True))
    done = store.do(BanProfiles("r", ("bob", "eve"), "alice", False))
    assert (done.profiles, done.removed, done.seq) == (("bob", "eve"), ("bob",), 3)
    assert (members(store), banned(store)) == (["alice"], ["bob", "eve"])
    with pytest.raises(NotAMember):
        store.do(JoinRoom("r", "bob"))
    for operator in (False, True):
        with pytest.raises(Conflict, match="'eve'"):
            store.do(AddSubscriptions("r", ("carol", "eve"), "alice", operator))
    assert store.do(BanProfiles("r", ("bob",), "alice", False)).seq == 0
    change = store.do(UnbanProfiles("r", ("bob", "dan"), "alice", False))
    assert (change.profiles, banned(store)) == (("bob",), ["eve"])
    assert store.do(UnbanProfiles("r", ("bob",), "alice", False)).seq == 0
    assert store.do(JoinRoom("r", "bob")).profiles == ("bob",)


def test_an_owner_that_is_banned_passes_the_room_on(store: Store) -> None:
    store.do(BanProfiles("r", ("alice",), "ops", True))
    assert store.ask(GetRoom("r"))[1][0].role == MemberRole.OWNER


def test_a_ban_is_erased_with_its_profile(store: Store) -> None:
    store.do(BanProfiles("r", ("eve",), "alice", False))
    while store.erase("eve").more:
        pass
    assert banned(store) == []
    rows = store.database.rows("SELECT delivery FROM room_event WHERE room_id = 'r'")
    assert not any(b"eve" in bytes(delivery) for (delivery,) in rows)


def test_bans_come_in_pages(store: Store) -> None:
    store.do(BanProfiles("r", ("x", "y", "z"), "alice", False))
    page, more = store.ask(ListBans("r", "alice", False, "x", 1))
    assert ([one.profile_id for one in page], more) == (["y"], True)

"""The profiles that proposals name are found by an index when one is erased, and decided proposals
are bounded."""

from collections.abc import Sequence
from typing import Any

import pytest

from chatd.core.ids import ERASED
from chatd.core.member_role import MemberRole
from chatd.default.rooms.bans import BanProfiles, UnbanProfiles
from chatd.default.rooms.change import RoomCommand
from chatd.default.rooms.changes import DeleteRoom, UpdateRoom
from chatd.default.rooms.limits import RoomLimits
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.default.rooms.proposal_rows import DECIDED_BY, NAMING, STEP
from chatd.default.rooms.proposals import MakeOrPropose, Proposed, RejectProposal
from chatd.default.rooms.role_changes import SetMemberRole
from chatd.store.database import Database
from tests.default.explain import assert_looked_up
from tests.default.rooms.test_proposals import NAME, add, approve, is_sound, make_room, propose
from tests.store.driver import Store


@pytest.fixture
def strict(store: Store) -> Store:
    make_room(store)
    return store


def names(store: Store, proposal_id: str) -> list[str]:
    rows = store.database.rows(
        "SELECT profile_id FROM named_in_proposal WHERE proposal_id = ? ORDER BY profile_id", (proposal_id,)
    )
    return [profile_id for (profile_id,) in rows]


def kept(store: Store) -> list[tuple[str, str]]:
    return store.database.rows("SELECT proposal_id, decided_by FROM room_proposal ORDER BY proposal_id")


def erase(store: Store, profile: str) -> int:
    """The steps that it took."""
    steps = 1
    while store.erase(profile).more:
        steps += 1
    return steps


def test_each_change_names_its_profiles(strict: Store) -> None:
    both = "eve", "fay"
    new = AddSubscriptions("s", (*both, "bob"), "bob", False), BanProfiles("s", both, "bob", False)
    members = (
        RemoveSubscriptions("s", both, "bob", False),
        SetMemberRole("s", both, MemberRole.MODERATOR, "bob", False),
    )
    banned = (UnbanProfiles("s", both, "bob", False),)
    stages: tuple[tuple[RoomCommand[Any], tuple[RoomCommand[Any], ...]], ...] = (
        (UpdateRoom("s", "alice", False), new),
        (AddSubscriptions("s", both, "alice", False), members),
        (BanProfiles("s", both, "alice", False), banned),
    )
    for before, commands in stages:
        strict.do(before)
        for command in commands:
            request = type(command).__name__.encode()
            assert names(strict, propose(strict, command, request=request)) == ["bob", *both]
    assert names(strict, propose(strict, UpdateRoom("s", "bob", False, name="eve"), NAME)) == ["bob"]
    assert is_sound(strict)


def test_erased_profiles_are_in_none(strict: Store) -> None:
    """Its own go, and those about it, wherever it is; a longer name, and a room's name, are
    others'."""
    for profile, role in (("dan", MemberRole.OWNER), ("carol", MemberRole.ADMIN)):
        strict.do(SetMemberRole("s", (profile,), role, "alice", False))
    propose(strict, add("x", by="bob"), request=b"1")
    propose(strict, add("bob2", "bob"), request=b"2")
    others = propose(strict, add("bob2"), request=b"3")
    named = propose(strict, UpdateRoom("s", "carol", False, name="eve"), NAME)
    decided = propose(strict, add("y"), request=b"4")
    approve(strict, decided, add("y"), "dan")
    propose(strict, add("zoe"), request=b"5")
    for profile in ("bob", "dan"):
        strict.do(RemoveSubscriptions("s", (profile,), profile, False))
    for profile in ("bob", "dan", "eve", "zoe", "s"):
        erase(strict, profile)
    assert sorted(kept(strict)) == sorted([(others, ""), (named, ""), (decided, ERASED)])
    assert is_sound(strict)


def test_an_erasure_goes_in_steps(strict: Store) -> None:
    for room in ("t", "u"):
        make_room(strict, room)
    for number in range(STEP):
        for room in ("s", "t", "u"):
            one = propose(strict, add("zoe", room=room), request=b"%d" % number, room=room)
            strict.do(RejectProposal(room, one, "alice", False))
    others = propose(strict, add("eve"))
    erase(strict, "alice")
    assert {decided_by for _, decided_by in kept(strict)} == {ERASED, ""}
    assert erase(strict, "zoe") == 3
    assert kept(strict) == [(others, "")]
    assert is_sound(strict)


@pytest.mark.parametrize("sql", [NAMING, DECIDED_BY])
def test_an_erasure_looks_up_what_names_the_profile(strict: Store, sql: str) -> None:
    assert_looked_up(strict, sql, ("bob", STEP))


def test_an_erasure_reads_no_request(strict: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    propose(strict, add("eve"))
    statements: list[str] = []
    rows = Database.rows

    def noted(self: Database, sql: str, parameters: Sequence[object] = ()) -> list[tuple[object, ...]]:
        statements.append(sql)
        return rows(self, sql, parameters)

    monkeypatch.setattr(Database, "rows", noted)
    erase(strict, "eve")
    about = [sql for sql in statements if "proposal" in sql]
    assert about
    assert not [sql for sql in about if "request" in sql]


def test_a_deleted_room_s_names_are_no_fault(strict: Store) -> None:
    propose(strict, add("eve"))
    strict.do(DeleteRoom("s", "alice", False))
    assert is_sound(strict)
    erase(strict, "carol")
    assert strict.database.rows("SELECT 1 FROM named_in_proposal") == []


def test_decided_ones_are_bounded(strict: Store) -> None:
    """The oldest decision goes when another change is proposed; nothing that is pending does."""
    limits = RoomLimits(proposals=20)
    pending = propose(strict, add("eve"), request=b"pending")
    decided: list[str] = []
    for number in range(25):
        one = strict.do(MakeOrPropose("s", add("eve", by="bob"), "", b"%d" % number, limits))
        assert isinstance(one, Proposed)
        strict.do(RejectProposal("s", one.proposal_id, "alice", False))
        decided.append(one.proposal_id)
    assert sorted(kept(strict)) == sorted([(pending, ""), *((one, "alice") for one in decided[-21:])])
    assert is_sound(strict)
    strict.do(RejectProposal("s", pending, "alice", False))
    strict.do(MakeOrPropose("s", add("eve", by="bob"), "", b"less", RoomLimits(proposals=1)))
    assert len(kept(strict)) == 22 - STEP + 1, "many go in steps"

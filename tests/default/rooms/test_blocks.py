"""Blocks: no direct room with the other, no room by the other; groups are as before."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest

from chatd.default.invariants import INVARIANTS
from chatd.default.rooms.blocks import BlockProfiles, ListBlocked, UnblockProfiles
from chatd.default.rooms.changes import DeleteRoom
from chatd.default.rooms.direct import OpenDirectRoom, direct_room_id
from chatd.default.rooms.invitation_lists import ListInvitations, ListRoomInvitations
from chatd.default.rooms.invitations import AcceptInvitation, DeclineInvitation
from chatd.default.rooms.limits import RoomLimits
from chatd.default.rooms.members import FindMembers, ShareRoom
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.default.rooms.store import CreateRoom
from chatd.errors import ChatdError, LimitReached, NotAMember, PermissionDenied
from chatd.store.command import Command
from chatd.store.database import Database
from chatd.store.invariant import check
from tests.default.explain import assert_looked_up
from tests.store.driver import Store, at_once, event, send

DIRECT = direct_room_id("alice", "bob")


def is_sound(database: Database) -> bool:
    with database.connection(readonly=True):
        return check(database, INVARIANTS, lambda *_: None) == []


def may_send(store: Store, profile: str, room: str = DIRECT) -> bool:
    """And type."""
    try:
        store.do(send(profile, event(room, f"{profile}{store.now_us}")))
    except PermissionDenied:
        with pytest.raises(PermissionDenied):
            store.ask(FindMembers(store.members, (room,), profile, 10))
        return False
    store.ask(FindMembers(store.members, (room,), profile, 10))
    return True


def both(store: Store) -> list[bool]:
    assert is_sound(store.database)
    return [may_send(store, "alice"), may_send(store, "bob")]


def test_nobody_writes_in_their_direct_room(store: Store) -> None:
    store.do(OpenDirectRoom("alice", "bob"))
    assert both(store) == [True, True]
    assert store.do(BlockProfiles("alice", ("bob", "eve"))) == ("bob", "eve")
    assert store.do(BlockProfiles("alice", ("bob",))) == ()
    assert both(store) == [False, False]
    assert may_send(store, "bob", "r"), "a group"
    for one, other in (("alice", "bob"), ("bob", "alice")):
        with pytest.raises(PermissionDenied, match=f"'{one}' may not have a direct room with '{other}'"):
            store.do(OpenDirectRoom(one, other))
    store.do(BlockProfiles("bob", ("alice",)))
    assert store.do(UnblockProfiles("alice", ("bob", "dan"))) == ("bob",)
    assert both(store) == [False, False], "bob has blocked, too"
    assert store.do(UnblockProfiles("bob", ("alice",))) == ("alice",)
    assert both(store) == [True, True]
    assert [one.profile_id for one in store.ask(ListBlocked("alice", "", 10))[0]] == ["eve"]


def test_there_is_none_before_either(store: Store) -> None:
    store.do(BlockProfiles("alice", ("bob",)))
    with pytest.raises(PermissionDenied):
        store.do(OpenDirectRoom("bob", "alice"))
    store.do(UnblockProfiles("alice", ("bob",)))
    store.do(OpenDirectRoom("bob", "alice"))
    assert both(store) == [True, True]


LEAVE: list[Callable[[Store], object]] = [
    lambda store: store.do(RemoveSubscriptions(DIRECT, ("alice",), "alice", False)),
    lambda store: store.do(DeleteRoom(DIRECT, "ops", True)),
    lambda store: [store.erase("bob") for _ in range(5)],
]


@pytest.mark.parametrize("leave", LEAVE, ids=("leave", "delete", "erase"))
def test_a_room_that_one_has_left_goes_on_when_it_may(store: Store, leave: Callable[[Store], object]) -> None:
    store.do(OpenDirectRoom("alice", "bob"))
    store.do(BlockProfiles("alice", ("bob",)))
    leave(store)
    assert is_sound(store.database)
    store.do(UnblockProfiles("alice", ("bob",)))
    assert is_sound(store.database)
    store.do(OpenDirectRoom("bob", "alice"))
    assert both(store) == [True, True]


def test_the_blocked_one_adds_the_other_to_no_room(store: Store) -> None:
    store.do(BlockProfiles("carol", ("alice",)))
    for invites in (False, True):
        with pytest.raises(PermissionDenied, match="'alice' may not add 'carol'"):
            store.do(AddSubscriptions("r", ("dan", "carol"), "alice", False, invites=invites))
        with pytest.raises(PermissionDenied, match="'alice' may not add 'carol'"):
            store.do(CreateRoom(f"new{invites}", "", "alice", ("dan", "carol"), invites=invites))
    assert store.do(AddSubscriptions("r", ("carol",), "bob", False)).profiles == ("carol",), "others may"
    assert store.do(AddSubscriptions("r", ("carol", "dan"), "alice", False)).profiles == ("dan",)
    assert store.do(CreateRoom("ours", "", "alice", ("carol",), operator=True)).member_count == 2
    store.do(RemoveSubscriptions("r", ("carol",), "carol", False))
    assert store.do(AddSubscriptions("r", ("carol",), "alice", True)).profiles == ("carol",), "operators may"
    assert is_sound(store.database)


def test_its_invitations_are_not_listed(store: Store) -> None:
    store.do(AddSubscriptions("r", ("carol",), "alice", False, invites=True))
    store.do(BlockProfiles("carol", ("alice",)))
    assert store.ask(ListInvitations("carol", (), 10)) == ((), False)


def test_their_direct_room_shows_no_presence(store: Store) -> None:
    store.do(OpenDirectRoom("alice", "bob"))
    store.do(RemoveSubscriptions("r", ("bob",), "bob", False))
    asked = ShareRoom("bob", ("alice",), everybody=False)
    assert store.ask(asked) == {"alice"}
    store.do(BlockProfiles("alice", ("bob",)))
    assert store.ask(asked) == frozenset()


def test_limits_and_pages(store: Store) -> None:
    limits = RoomLimits(blocked=2)
    with pytest.raises(LimitReached):
        store.do(BlockProfiles("alice", ("x", "y", "z"), limits))
    store.do(BlockProfiles("alice", ("x", "y"), limits))
    assert store.do(BlockProfiles("alice", ("x", "y"), limits)) == ()
    page, more = store.ask(ListBlocked("alice", "", 1))
    assert ([one.profile_id for one in page], more) == (["x"], True)
    assert [one.profile_id for one in store.ask(ListBlocked("alice", "x", 1))[0]] == ["y"]


def test_an_erased_profile_is_in_no_list(store: Store) -> None:
    store.do(BlockProfiles("alice", ("bob",)))
    store.do(BlockProfiles("bob", ("alice", "eve")))
    while store.erase("bob").more:
        pass
    assert store.database.rows("SELECT COUNT(*) FROM block") == [(0,)]


def _act(acts: dict[Store, Command[object]], node: Store) -> object:
    try:
        return node.do(acts[node])
    except ChatdError as exc:
        return exc


def test_one_node_opens_while_the_other_blocks(nodes: tuple[Store, Store]) -> None:
    """Whichever was first: the room says whether it is blocked, or there is none."""
    for number in range(20):
        other = f"b{number}"
        at_once(
            nodes,
            partial(_act, {nodes[0]: BlockProfiles("a", (other,)), nodes[1]: OpenDirectRoom(other, "a")}),
        )
        with pytest.raises((PermissionDenied, NotAMember)):
            nodes[1].do(send(other, event(direct_room_id("a", other), "e")))
    assert is_sound(nodes[0].database)


def test_invitations_that_a_block_hides_keep_no_others_away(store: Store) -> None:
    limits = RoomLimits(invitations=1)
    store.do(CreateRoom("s", "", "carol", ("dan",), invites=True))
    with pytest.raises(LimitReached):
        store.do(AddSubscriptions("r", ("dan",), "alice", False, limits, invites=True))
    store.do(BlockProfiles("dan", ("carol",)))
    assert store.do(AddSubscriptions("r", ("dan",), "alice", False, limits, invites=True)).invited == ("dan",)


def test_each_is_looked_up(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks and invitations are asked about with each new member: no table is read for it."""
    asked: list[tuple[str, Sequence[object]]] = []
    for name in ("rows", "run"):
        monkeypatch.setattr(Database, name, _noting(getattr(Database, name), asked))
    limits = RoomLimits(invitations=10, blocked=10)
    store.do(BlockProfiles("alice", ("dan",), limits))
    store.do(UnblockProfiles("alice", ("dan",)))
    store.do(OpenDirectRoom("alice", "bob"))
    store.do(AddSubscriptions("r", ("dan", "eve"), "alice", False, limits, invites=True))
    store.do(DeclineInvitation("r", "dan"))
    store.do(AcceptInvitation("r", "eve"))
    store.ask(ListInvitations("dan", (1, "r"), 10))
    store.ask(ListRoomInvitations("r", "bob", False, "", 10))
    store.ask(ListBlocked("alice", "", 10))
    store.do(DeleteRoom("r", "alice", False))
    store.erase("dan")
    monkeypatch.undo()
    ours = [one for one in asked if re.search(r"(FROM|UPDATE) (block|invitation)\b|SET blocked", one[0])]
    assert len(ours) > 20
    for sql, parameters in ours:
        assert_looked_up(store, sql, parameters)


def _noting(call: Callable[..., Any], asked: list[tuple[str, Sequence[object]]]) -> Callable[..., Any]:
    def noting(database: Database, sql: str, parameters: Sequence[object] = ()) -> Any:
        asked.append((sql, tuple(parameters)))
        return call(database, sql, parameters)

    return noting

"""Direct rooms: one for each pair, whoever asks, and both are in it afterwards."""

from functools import partial

import pytest

from chatd.core.member_role import MemberRole, RoomKind
from chatd.default.rooms.bans import BanProfiles
from chatd.default.rooms.changes import DeleteRoom, UpdateRoom
from chatd.default.rooms.direct import OpenDirectRoom, direct_room_id
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.default.rooms.model import Room, RoomRules
from chatd.default.rooms.role_changes import SetMemberRole
from chatd.default.rooms.store import GetRoom
from chatd.errors import Conflict, InvalidArgument, NotAMember, PermissionDenied
from chatd.store.command import Command
from tests.store.driver import Store, at_once, event, send

ROOM = direct_room_id("alice", "bob")


def test_each_pair_has_one(store: Store) -> None:
    made = store.do(OpenDirectRoom("alice", "bob"))
    assert (made.room_id, made.kind, made.head_seq) == (ROOM, RoomKind.DIRECT, 1)
    assert store.do(OpenDirectRoom("bob", "alice")).head_seq == 1
    assert direct_room_id("alice", "carol") != ROOM
    assert [one.role for one in store.ask(GetRoom(ROOM))[1]] == [MemberRole.MEMBER] * 2


def test_one_that_has_left_is_back_when_it_is_asked_for(store: Store) -> None:
    store.do(OpenDirectRoom("alice", "bob"))
    store.do(RemoveSubscriptions(ROOM, ("bob",), "bob", False))
    assert store.do(OpenDirectRoom("alice", "bob")).head_seq == 3
    (stored,) = store.do(send("bob", event(ROOM, "e")))
    assert stored.seq == 4


DENIED: list[Command[object]] = [
    UpdateRoom(ROOM, "alice", False, name="x"),
    DeleteRoom(ROOM, "alice", False),
    RemoveSubscriptions(ROOM, ("bob",), "alice", False),
    AddSubscriptions(ROOM, ("carol",), "alice", False),
]
INVALID: list[Command[object]] = [
    AddSubscriptions(ROOM, ("carol",), "ops", True),
    SetMemberRole(ROOM, ("bob",), MemberRole.OWNER, "ops", True),
    UpdateRoom(ROOM, "ops", True, rules=RoomRules(send=MemberRole.OWNER)),
]


def test_it_is_of_two_and_stays_as_it_is(store: Store) -> None:
    store.do(OpenDirectRoom("alice", "bob"))
    for command in DENIED:
        with pytest.raises(PermissionDenied):
            store.do(command)
    for command in INVALID:
        with pytest.raises(InvalidArgument):
            store.do(command)


def test_one_that_was_deleted_goes_on_behind_its_last_event(store: Store) -> None:
    """A client that has shown its events takes those for new ones."""
    store.do(OpenDirectRoom("alice", "bob"))
    store.do(DeleteRoom(ROOM, "ops", True))
    with pytest.raises(NotAMember):
        store.do(send("bob", event(ROOM, "e")))
    assert store.do(OpenDirectRoom("alice", "bob")).deleted_seq == 0
    (stored,) = store.do(send("bob", event(ROOM, "e")))
    assert stored.seq == 3


def test_a_banned_one_is_not_brought_back(store: Store) -> None:
    store.do(OpenDirectRoom("alice", "bob"))
    store.do(BanProfiles(ROOM, ("bob",), "ops", True))
    with pytest.raises(Conflict):
        store.do(OpenDirectRoom("bob", "alice"))


def _open(pairs: dict[Store, tuple[str, str]], node: Store) -> Room:
    return node.do(OpenDirectRoom(*pairs[node]))


def test_two_nodes_that_are_asked_at_once_make_one(nodes: tuple[Store, Store]) -> None:
    for number in range(20):
        pairs = {nodes[0]: ("a", f"b{number}"), nodes[1]: (f"b{number}", "a")}
        one, other = at_once(nodes, partial(_open, pairs))
        assert (one.room_id, one.head_seq) == (other.room_id, other.head_seq)

"""Roles: who gets them, who keeps them, and that the log has every change at its seq."""

from functools import partial

import pytest
from google.protobuf.json_format import MessageToDict

from chatd.core.member_role import MemberRole
from chatd.default.messages.history import GetHistory
from chatd.default.rooms.access import not_a_member
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.default.rooms.role_changes import SetMemberRole
from chatd.default.rooms.store import CreateRoom, GetRoom
from chatd.errors import Conflict, NotAMember, PermissionDenied
from chatd.pb.events.v1.payloads_pb2 import EventDelivery
from tests.store.driver import Store, at_once, event, send

GUEST, MEMBER, MODERATOR, ADMIN, OWNER = MemberRole


def roles(store: Store, room: str = "r") -> dict[str, int]:
    return {one.profile_id: one.role for one in store.ask(GetRoom(room))[1]}


def last_change(store: Store) -> dict[str, object]:
    """The payload of the room's last event."""
    ((delivery,), _) = store.ask(GetHistory("r", "ops", True, 0, 1))
    return MessageToDict(EventDelivery.FromString(delivery).payload)


def give(role: MemberRole, *profiles: str, by: str = "alice", expected: int | None = None) -> SetMemberRole:
    return SetMemberRole("r", profiles, role, by, False, expected)


def test_a_role_is_an_event_and_counts_from_then_on(store: Store) -> None:
    store.do(send("bob", event("r", "1")))
    assert store.do(give(GUEST, "bob")).seq == 3
    with pytest.raises(PermissionDenied):
        store.do(send("bob", event("r", "2")))
    assert last_change(store) == {"changed": ["bob"], "role": "guest", "by": "alice"}
    assert store.do(give(GUEST, "bob")).seq == 0, "nothing changes"
    assert roles(store) == {"alice": OWNER, "bob": GUEST}


def test_a_room_keeps_an_owner(store: Store) -> None:
    with pytest.raises(Conflict):
        store.do(give(ADMIN, "alice"))
    store.do(give(OWNER, "bob"))
    store.do(give(ADMIN, "alice"))
    assert roles(store) == {"alice": ADMIN, "bob": OWNER}


def test_the_last_owner_that_leaves_passes_it_on(store: Store) -> None:
    """To the highest role, and of those to the one that has been there longest."""
    store.do(AddSubscriptions("r", ("carol", "dan"), "alice", False))
    store.do(AddSubscriptions("r", ("adam",), "alice", False))
    store.do(RemoveSubscriptions("r", ("alice",), "alice", False))
    assert last_change(store) == {"left": ["alice"], "owner": "bob", "by": "alice"}
    store.do(give(MODERATOR, "adam", by="bob"))
    change = store.do(RemoveSubscriptions("r", ("bob", "dan"), "ops", True))
    assert roles(store) == {"adam": OWNER, "carol": MEMBER}
    assert store.ask(GetRoom("r"))[0].head_seq == change.seq, "in the same event"
    store.do(give(GUEST, "carol", by="adam"))
    store.do(RemoveSubscriptions("r", ("adam",), "adam", False))
    assert roles(store) == {"carol": OWNER}
    store.do(RemoveSubscriptions("r", ("carol",), "carol", False))
    assert roles(store) == {}


def test_erasing_the_last_owner_passes_it_on_and_leaves_no_name(store: Store) -> None:
    store.do(give(MODERATOR, "bob"))
    while store.erase("alice").more:
        pass
    assert roles(store) == {"bob": OWNER}
    assert last_change(store) == {"left": ["erased:"], "owner": "bob", "by": "erased:"}
    while store.erase("bob").more:
        pass
    deliveries, _ = store.ask(GetHistory("r", "ops", True, 0, 10))
    assert not any(b"bob" in one or b"alice" in one for one in deliveries)
    for table in ("room_role", "named_in_event"):
        assert store.database.rows(f"SELECT COUNT(*) FROM {table}") == [(0,)]


def test_one_that_is_no_member_gets_no_role(store: Store) -> None:
    with pytest.raises(NotAMember) as refused:
        store.do(give(ADMIN, "bob", "eve"))
    assert str(refused.value) == str(not_a_member("eve", "r"))
    assert roles(store) == {"alice": OWNER, "bob": MEMBER}


def test_a_role_ends_with_the_membership(store: Store) -> None:
    store.do(give(ADMIN, "bob"))
    store.do(RemoveSubscriptions("r", ("bob",), "bob", False))
    store.do(AddSubscriptions("r", ("bob",), "alice", False))
    assert roles(store)["bob"] == MEMBER


def test_a_change_of_another_version_is_refused(store: Store) -> None:
    version = store.ask(GetRoom("r"))[0].membership_version
    store.do(give(ADMIN, "bob", expected=version))
    with pytest.raises(Conflict):
        store.do(give(MODERATOR, "bob", expected=version))
    assert roles(store)["bob"] == ADMIN


def _do(commands: dict[Store, SetMemberRole], node: Store) -> object:
    (result,) = node.many([commands[node]])
    return result


def test_of_two_owners_that_go_at_once_one_stays(nodes: tuple[Store, Store]) -> None:
    nodes[0].do(CreateRoom("r", "", "alice", ("bob",)))
    nodes[0].do(give(OWNER, "bob"))
    for number in range(20):
        commands = {nodes[0]: give(ADMIN, "alice"), nodes[1]: give(ADMIN, "bob", by="bob")}
        results = at_once(nodes, partial(_do, commands))
        assert sorted(type(result).__name__ for result in results) == ["Conflict", "MembershipChange"], number
        (owner,) = [one for one, role in roles(nodes[0]).items() if role == OWNER]
        nodes[1].do(give(OWNER, "alice", "bob", by=owner))


def test_a_role_given_on_one_node_counts_on_the_other(nodes: tuple[Store, Store]) -> None:
    one, two = nodes
    one.do(CreateRoom("r", "", "alice", ("bob",)))
    for number in range(10):
        two.do(send("bob", event("r", f"e{number}")))
        one.do(give(GUEST, "bob"))
        with pytest.raises(PermissionDenied):
            two.do(send("bob", event("r", f"f{number}")))
        two.do(give(MEMBER, "bob"))

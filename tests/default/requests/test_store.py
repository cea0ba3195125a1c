"""Calls that come again: done once, answered each time; on both engines, on two nodes at once."""

import threading
from collections.abc import Sequence

import pytest

from chatd.default.requests.model import Answered, RequestKey, request_key
from chatd.default.requests.store import ForgetRequests, Once
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.default.rooms.model import MembershipChange
from chatd.default.rooms.store import CreateRoom, GetRoom
from chatd.errors import NotAMember, RequestIdReused
from chatd.pb.chat.v1 import chat_pb2 as chat
from chatd.store.command import Command
from tests.store.driver import Store, at_once

ADD, REMOVE = "ChatService/AddRoomSubscriptions", "ChatService/RemoveRoomSubscriptions"


def encode(change: MembershipChange) -> bytes:
    return chat.AddRoomSubscriptionsResponse(added=change.profiles, seq=change.seq).SerializeToString()


def once(command: AddSubscriptions | RemoveSubscriptions, request_id: str, *, by: str = "alice") -> Once:
    method = ADD if isinstance(command, AddSubscriptions) else REMOVE
    return Once(command, request_key(by, request_id, method, repr(command).encode()), encode)


def add(*profiles: str, request_id: str = "id", by: str = "alice") -> Once:
    return once(AddSubscriptions("r", profiles, by, False), request_id, by=by)


def remove(*profiles: str, request_id: str) -> Once:
    return once(RemoveSubscriptions("r", profiles, "alice", False), request_id)


def members(store: Store) -> list[str]:
    return [member.profile_id for member in store.ask(GetRoom("r"))[1]]


def rows(store: Store) -> int:
    ((count,),) = store.database.rows("SELECT COUNT(*) FROM answered_request")
    return int(count)


def test_a_call_that_comes_again_is_answered_and_not_executed(store: Store) -> None:
    first = store.do(add("carol"))
    store.do(remove("carol", request_id="other"))
    again = store.do(add("carol"))
    assert (first.is_repeated, again.is_repeated) == (False, True)
    assert first.answer == again.answer == encode(MembershipChange(("carol",), 2))
    assert members(store) == ["alice", "bob"], "she does not come back"
    assert not store.do(add("carol", request_id="later")).is_repeated
    assert members(store) == ["alice", "bob", "carol"]


def test_repetitions_in_one_transaction(store: Store) -> None:
    """All that waits for the writer is one transaction."""
    commands: Sequence[Command[object]] = [
        CreateRoom("s", "", "alice", ()),
        *(add("carol") for _ in range(5)),
    ]
    _, first, *others = store.many(commands)
    assert isinstance(first, Answered)
    assert not first.is_repeated
    assert {(other.is_repeated, other.answer) for other in others} == {(True, first.answer)}
    assert store.ask(GetRoom("r"))[0].head_seq == 2


def test_an_id_is_for_one_call_of_one_profile(store: Store) -> None:
    store.do(add("carol"))
    for other in (add("dave"), remove("carol", request_id="id")):
        with pytest.raises(RequestIdReused, match="'id'"):
            store.do(other)
    assert members(store) == ["alice", "bob", "carol"], "nothing was done"
    assert not store.do(add("dave", by="bob")).is_repeated, "another profile's id is another"


def test_what_was_refused_is_not_remembered(store: Store) -> None:
    with pytest.raises(NotAMember):
        store.do(add("carol", by="carol"))
    assert rows(store) == 0
    store.do(add("carol", request_id="hers"))
    assert not store.do(add("carol", by="carol")).is_repeated


def test_two_nodes_at_once_do_it_once(nodes: tuple[Store, Store]) -> None:
    nodes[0].do(CreateRoom("r", "", "alice", ()))
    for number in range(30):
        results = at_once(nodes, lambda node: node.do(add("carol", request_id=f"id{number}")))  # noqa: B023
        assert sorted(result.is_repeated for result in results) == [False, True]
        assert len({result.answer for result in results}) == 1
        nodes[0].do(remove("carol", request_id=f"end{number}"))


def test_two_nodes_never_wait_for_each_other(nodes: tuple[Store, Store]) -> None:
    """Calls of several profiles in one transaction, some of them the same on both nodes."""
    nodes[0].do(CreateRoom("r", "", "alice", tuple("bcdef")))
    ready = threading.Barrier(2)

    def calls(node: Store) -> list[object]:
        ready.wait(20)
        order = "bcdef" if node is nodes[0] else "fedcb"
        return node.many(
            [add(f"{who}{number}", request_id=f"{number}", by=who) for number in range(40) for who in order]
        )

    for results in at_once(nodes, calls):
        assert all(isinstance(result, Answered) for result in results), results
    assert len(members(nodes[0])) == 6 + 200


def test_old_answers_are_forgotten_in_batches(store: Store) -> None:
    for number in range(7):
        store.do(add(f"p{number}", request_id=f"id{number}"))
    middle_us = store.now_us
    store.do(add("last", request_id="last"))
    assert [store.do(ForgetRequests(middle_us + 1, 3)) for _ in range(4)] == [3, 3, 1, 0]
    assert store.do(add("last", request_id="last")).is_repeated
    assert not store.do(add("p0", request_id="id0")).is_repeated


def test_two_nodes_forget_at_once(nodes: tuple[Store, Store]) -> None:
    nodes[0].do(CreateRoom("r", "", "alice", ()))
    for number in range(50):
        nodes[0].do(add(f"p{number}", request_id=f"id{number}"))
    while sum(at_once(nodes, lambda node: node.do(ForgetRequests(nodes[0].now_us + 1, 4)))):
        pass
    assert rows(nodes[0]) == 0


def test_an_erased_profile_is_in_no_answer(store: Store) -> None:
    store.do(add("carol", request_id="names"))
    store.do(add("caroline", "dave", request_id="does not"))
    store.do(add("eve", request_id="hers", by="carol"))
    while store.erase("carol").more:
        pass
    found = store.database.rows("SELECT request_id, answer FROM answered_request ORDER BY request_id")
    assert [request_id for request_id, _ in found] == ["does not", "names"]
    assert [bytes(answer) for _, answer in found][1] == b""
    assert bytes(found[0][1]) == encode(MembershipChange(("caroline", "dave"), 3))
    assert store.do(add("carol", request_id="names")).is_repeated, "nobody brings her back"
    assert "carol" not in members(store)


def test_the_key_is_of_the_method_and_the_request() -> None:
    keys = {
        request_key("p", "id", method, payload).content_hash
        for method, payload in ((ADD, b""), (REMOVE, b""), (ADD, b"x"), (ADD + "x", b""))
    }
    assert len(keys) == 4
    assert request_key("p", "id", ADD, b"") == RequestKey(
        "p", "id", request_key("q", "other", ADD, b"").content_hash
    )

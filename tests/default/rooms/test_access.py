"""Permission: members add, the owner removes others, operators need neither, and an owner that left
owns nothing. Strangers learn nothing, not even whether there is a room."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import pytest

from chatd.default.messages.history import GetEvent, GetHistory
from chatd.default.notifications.push import NONE, GetRoomNotifications, SetRoomNotifications
from chatd.default.receipts.delivery_status import GetDeliveryStatus
from chatd.default.receipts.store import SetReadMarker
from chatd.default.rooms.changes import UpdateRoom
from chatd.default.rooms.members import FindMembers
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.default.rooms.store import CreateRoom, GetRoom
from chatd.default.search.search import SearchEvents
from chatd.default.search.terms import parse
from chatd.errors import NotAMember, PermissionDenied, RoomNotFound
from chatd.store import room_log
from chatd.store.command import Command, Query
from tests.store.driver import Store, event, send


def head(store: Store, room: str = "r") -> int:
    return int(store.ask(GetRoom(room))[0].head_seq)


def test_members_add_and_owners_remove(store: Store) -> None:
    with pytest.raises(NotAMember):
        store.do(AddSubscriptions("r", ("eve",), "eve", False))
    with pytest.raises(PermissionDenied):
        store.do(RemoveSubscriptions("r", ("alice",), "bob", False))
    with pytest.raises(NotAMember):
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


def refusal(store: Store, asked: Command[Any] | Query[Any]) -> NotAMember:
    ask: Callable[[Any], object] = store.do if isinstance(asked, Command) else store.ask
    with pytest.raises(NotAMember) as refused:
        ask(asked)
    return refused.value


ASKED: list[Callable[[Store, str], Command[Any] | Query[Any]]] = [
    lambda _, room: send("eve", event(room, "e")),
    lambda _, room: send("eve", event("eves", "f"), event(room, "e")),
    lambda _, room: AddSubscriptions(room, ("eve",), "eve", False),
    lambda _, room: RemoveSubscriptions(room, ("alice",), "eve", False),
    lambda _, room: UpdateRoom(room, "eve", False, name="eve's"),
    lambda _, room: SetReadMarker("eve", room, 1, ""),
    lambda _, room: SetRoomNotifications("eve", room, NONE, 0),
    lambda _, room: GetRoomNotifications("eve", room),
    lambda _, room: GetHistory(room, "eve", False, 0, 10),
    lambda _, room: GetEvent(GetHistory(room, "eve", False, 0, 1), 1, "", ""),
    lambda _, room: GetEvent(GetHistory(room, "eve", False, 0, 1), 0, "alice", "e"),
    lambda _, room: SearchEvents(parse("word"), "eve", False, rooms=(room,)),
    lambda _, room: GetDeliveryStatus(room, 1, "eve", False, "", 10),
    lambda store, room: FindMembers(store.members, (room,), "eve", 100),
]


@pytest.mark.parametrize("asked", ASKED)
def test_a_stranger_cannot_tell_whether_there_is_a_room(
    store: Store, asked: Callable[[Store, str], Command[Any] | Query[Any]]
) -> None:
    store.do(CreateRoom("eves", "", "eve", ()))
    for _ in range(2):  # read from the database, and remembered
        there, nowhere = (str(refusal(store, asked(store, room))) for room in ("r", "nowhere"))
        assert there.replace("'r'", "'nowhere'") == nowhere
        assert "or there is no such room" in nowhere
    assert (head(store), head(store, "eves")) == (1, 1)


@pytest.mark.parametrize("kind", [0, 2, 8, 13])
def test_a_refusal_takes_no_longer_for_a_large_room(
    store: Store, monkeypatch: pytest.MonkeyPatch, kind: int
) -> None:
    """Its members are not read for a stranger, and nothing is made durable."""
    monkeypatch.setattr(room_log, "MEMBERS_KEPT", 0)  # only those of the room that was used last
    store.do(CreateRoom("large", "", "alice", tuple(f"p{number}" for number in range(10_000))))
    seconds: dict[str, list[float]] = {"large": [], "nowhere": []}
    for number in range(20):
        for room, taken in seconds.items():
            store.do(send("alice", event("r", f"{room}{number}")))
            asked = ASKED[kind](store, room)
            began = time.perf_counter()
            refusal(store, asked)
            taken.append(time.perf_counter() - began)
    large, nowhere = (statistics.median(taken) for taken in seconds.values())
    assert large < 2 * nowhere + 0.001

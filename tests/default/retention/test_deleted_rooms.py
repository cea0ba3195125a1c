"""Deleted rooms: read while something of them is owed, then nothing is left but their ids."""

import pytest

from chatd.default.invariants import INVARIANTS
from chatd.default.messages.history import GetHistory
from chatd.default.retention import deleted_rooms
from chatd.default.retention.deleted_rooms import DeletedRooms
from chatd.default.rooms import proposal_rows
from chatd.default.rooms.bans import BanProfiles
from chatd.default.rooms.changes import DeleteRoom, UpdateRoom
from chatd.default.rooms.deletion import ClearRoom, EndMemberships, FindDeletedRooms, ForgetMemberships
from chatd.default.rooms.direct import OpenDirectRoom
from chatd.default.rooms.membership import AddSubscriptions
from chatd.default.rooms.model import RoomRules
from chatd.default.rooms.proposals import MakeOrPropose
from chatd.default.rooms.store import CreateRoom, ListRooms
from chatd.errors import AlreadyExists, NotAMember, RoomNotFound
from chatd.store.command import Command
from chatd.store.invariant import check
from tests.store.driver import DirectAccess, Store, acks, event, ranges, send


@pytest.fixture
def sweep(store: Store) -> DeletedRooms:
    return DeletedRooms(DirectAccess(store), period=60)


def rows(store: Store, table: str) -> int:
    ((count,),) = store.database.rows(f"SELECT COUNT(*) FROM {table} WHERE room_id = 'r'")
    return int(count)


def test_everything_goes_when_everything_has_been_taken(store: Store, sweep: DeletedRooms) -> None:
    bob = store.open("bob", "phone")
    store.do(AddSubscriptions("r", ("carol",), "alice", False))
    store.do(BanProfiles("r", ("carol", "eve"), "alice", False))
    assert store.do(DeleteRoom("r", "alice", False)) == 4
    store.publish()
    sweep.begin()
    assert ranges(store.owed(bob)) == [("r", 2, 4)], "the last event, too"
    assert store.ask(GetHistory("r", "bob", False, 0, 10))[0], "it can be read"
    assert store.database.rows("SELECT member_count FROM room") == [(0,)]
    assert store.database.rows("SELECT SUM(rooms) FROM profile") == [(0,)]
    assert rows(store, "room_role") == 0, "nobody is a member"
    store.do(acks((bob, {"r": 4})))
    sweep.begin()
    with pytest.raises(NotAMember):
        store.ask(GetHistory("r", "bob", False, 0, 10))
    tables = (
        "subscription",
        "outbox",
        "ban",
        "room_role",
        "named_in_event",
        "named_in_proposal",
        "read_marker",
    )
    assert [rows(store, table) for table in tables] == [0] * len(tables)
    assert store.ask(ListRooms("", 10)) == ((), False)
    assert store.ask(FindDeletedRooms("", 10, 10)) == ()
    with pytest.raises(AlreadyExists):
        store.do(CreateRoom("r", "", "alice", ()))


REFUSED: list[Command[object]] = [
    send("alice", event("r", "e")),
    AddSubscriptions("r", ("carol",), "alice", False),
    UpdateRoom("r", "alice", False, name="x"),
    DeleteRoom("r", "alice", False),
]


def test_nothing_is_done_there_any_more(store: Store) -> None:
    store.do(DeleteRoom("r", "alice", False))
    for command in REFUSED:
        with pytest.raises(NotAMember):
            store.do(command)
    with pytest.raises(RoomNotFound):
        store.do(UpdateRoom("r", "ops", True, name="x"))


def test_a_large_room_goes_in_steps(
    store: Store, sweep: DeletedRooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deleted_rooms, "BATCH", 3)
    monkeypatch.setattr(proposal_rows, "NAMES", 1)
    store.do(UpdateRoom("r", "alice", False, rules=RoomRules(requires_approval=True)))
    for name in ("x", "y"):
        add = AddSubscriptions("r", (name,), "bob", False)
        store.do(MakeOrPropose("r", add, "AddRoomSubscriptions", name.encode()))
    store.do(AddSubscriptions("r", tuple(f"p{number}" for number in range(10)), "alice", False))
    store.do(send("alice", *(event("r", f"e{number}") for number in range(10))))
    bob = store.open("bob", "phone")
    store.do(DeleteRoom("r", "alice", False))
    store.publish()
    sweep.begin()
    assert (rows(store, "outbox"), rows(store, "subscription")) == (1, 12)
    store.do(acks((bob, {"r": 14})))
    sweep.begin()
    assert (rows(store, "subscription"), store.ask(FindDeletedRooms("", 10, 10))) == (0, ())
    assert rows(store, "named_in_proposal") == 0


def test_what_its_proposals_named_goes_in_steps(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proposal_rows, "NAMES", 6)
    store.do(UpdateRoom("r", "alice", False, rules=RoomRules(requires_approval=True)))
    for number in range(5):
        names = tuple(f"p{name}" for name in range(3))
        add = AddSubscriptions("r", names, "bob", False)
        store.do(MakeOrPropose("r", add, "AddRoomSubscriptions", b"%d" % number))
    deleted_seq = store.do(DeleteRoom("r", "alice", False))
    left = []
    more = True
    while more:
        left.append(rows(store, "named_in_proposal"))
        more = store.do(ClearRoom("r", deleted_seq))
    assert left == [20, 12, 4]
    assert rows(store, "named_in_proposal") == 0
    assert store.database.rows("SELECT cleared FROM room WHERE room_id = 'r'") == [(1,)]


def test_a_direct_room_that_is_deleted_again_keeps_its_members(store: Store) -> None:
    """A pass has looked at it when it was deleted first, and goes on when it has been opened and
    deleted again: nothing of that is for it."""
    both = ("alice", "bob")
    room_id = store.do(OpenDirectRoom(*both)).room_id
    first = store.do(DeleteRoom(room_id, "ops", True))
    store.do(EndMemberships(room_id, both))
    store.do(OpenDirectRoom(*both))
    store.do(DeleteRoom(room_id, "ops", True))
    store.do(ForgetMemberships(room_id, first, both))
    assert store.do(ClearRoom(room_id, first)) is False
    (found,) = store.ask(FindDeletedRooms("", 10, 10))
    assert (found.members, found.past) == (both, both)
    with store.database.connection(readonly=True):
        assert check(store.database, INVARIANTS, lambda *_: None) == []


def test_a_member_that_is_erased_adds_no_event(store: Store) -> None:
    store.do(DeleteRoom("r", "alice", False))
    while store.erase("bob").more:
        pass
    assert store.database.rows("SELECT head_seq FROM room") == [(2,)]
    while store.erase("alice").more:
        pass
    assert rows(store, "subscription") == 0

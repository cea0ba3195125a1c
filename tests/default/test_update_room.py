"""UpdateRoom: the owner's alone, said in the log, nothing said when nothing changes."""

import pytest

from chatd.default.messages.history import GetHistory
from chatd.default.rooms.store import CreateRoom, GetRoom, UpdateRoom
from chatd.errors import NotAMember, PermissionDenied, RoomNotFound
from chatd.pb.events.v1.payloads_pb2 import EventDelivery, EventType
from tests.store.driver import Store, event, send


@pytest.fixture
def store(db_uri: str) -> Store:
    running = Store(db_uri)
    running.do(CreateRoom("r", "old", "alice", ("bob",)))
    return running


def test_its_owner_changes_a_room_and_the_log_says_so(store: Store) -> None:
    phone = store.open("bob", "phone")
    change = store.do(UpdateRoom("r", "alice", False, name="new"))
    assert (change.room.name, change.room.head_seq, change.room.hide_previews, change.seq) == ("new", 2, False, 2)
    assert store.ask(GetRoom("r"))[0] == change.room
    (run,) = store.owed(phone).runs
    assert (run.first_seq, run.last_seq) == (2, 2)
    ((delivery,), _) = store.ask(GetHistory("r", "bob", False, 0, 1))
    found = EventDelivery.FromString(delivery)
    assert (found.event.type, found.event.sender_id) == (EventType.EVENT_TYPE_ROOM, "alice")
    assert dict(found.payload) == {"name": "new"}


def test_nothing_is_said_when_nothing_changes(store: Store) -> None:
    assert store.do(UpdateRoom("r", "alice", False, name="old", hide_previews=False)).seq == 0
    assert store.ask(GetRoom("r"))[0].head_seq == 1


def test_it_is_seen_by_what_comes_behind_it_in_its_transaction(store: Store) -> None:
    first, hidden, same = store.many(
        [
            send("alice", event("r", "e")),
            UpdateRoom("r", "alice", False, hide_previews=True),
            UpdateRoom("r", "alice", False, name="old", hide_previews=True),
        ]
    )
    assert (first[0].seq, hidden.seq, same.seq, same.room.hide_previews) == (2, 3, 0, True)


def test_others_may_not(store: Store) -> None:
    with pytest.raises(PermissionDenied):
        store.do(UpdateRoom("r", "bob", False, name="bob's"))
    with pytest.raises(NotAMember):
        store.do(UpdateRoom("r", "eve", False, name="eve's"))
    with pytest.raises(RoomNotFound):
        store.do(UpdateRoom("nowhere", "alice", False, name="x"))
    assert store.do(UpdateRoom("r", "root", True, name="an operator's")).room.name == "an operator's"

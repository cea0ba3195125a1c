"""The table of active rooms: nothing unpublished is outside it, and quiet rooms leave it."""

import pytest

from chatd.default.fan_out.active_rooms import FindQuietRooms, ForgetActiveRooms
from chatd.default.fan_out.marks import MarkPublished
from chatd.default.fan_out.repair import CountUnpublished, FindUnpublished
from chatd.default.rooms.store import CreateRoom
from chatd.store.room_log import MembersCache
from chatd.store.transaction import Transaction
from tests.store.driver import Store, event, send


def active(store: Store) -> list[tuple[str, int]]:
    """Rooms, and what their rows say."""
    return store.database.rows(
        """
        SELECT room.room_id, room.active
        FROM active_room
        JOIN room ON room.room_id = active_room.room_id
        ORDER BY room.room_id
        """
    )


def forget(store: Store) -> int:
    rooms = store.ask(FindQuietRooms(2**60))
    return store.do(ForgetActiveRooms(rooms))


def test_a_quiet_room_leaves_and_comes_back_with_an_event(store: Store) -> None:
    store.do(send("alice", event("r", "1")))
    assert active(store) == [("r", 1)]
    store.publish()
    assert (store.ask(FindQuietRooms(0)), store.ask(FindQuietRooms(2**60))) == ((), ("r",))
    assert forget(store) == 1
    assert (active(store), store.database.rows("SELECT active FROM room")) == ([], [(0,)])
    store.do(send("alice", event("r", "2")))
    store.do(send("alice", event("r", "3")))
    assert active(store) == [("r", 1)]
    assert [run.first_seq for run in store.ask(FindUnpublished(2**60, 10)).runs] == [3]


def test_a_room_with_unpublished_events_stays(store: Store) -> None:
    store.do(send("alice", event("r", "1")))
    store.do(CreateRoom("s", "", "alice", ("bob",)))
    store.do(MarkPublished((("r", 1, 1), ("s", 1, 1))))
    assert (forget(store), active(store)) == (1, [("r", 1)])
    assert store.ask(CountUnpublished()) == 1


@pytest.mark.parametrize("forgotten_first", [True, False])
def test_an_event_in_the_same_transaction_keeps_the_room_active(store: Store, forgotten_first: bool) -> None:
    store.publish()
    commands = [ForgetActiveRooms(("r",)), send("alice", event("r", "1"))]
    with store.database.connection(readonly=False):
        store.database.begin()
        transaction = Transaction(store.database, MembersCache(), 1)
        transaction.lock([command.locks() for command in commands])
        for command in commands if forgotten_first else reversed(commands):
            type(command).apply(transaction, [command])
            transaction.log.flush()
        store.database.commit()
    assert active(store) == [("r", 1)]


def test_a_room_that_is_gone_leaves_too(store: Store) -> None:
    with store.database.connection(readonly=False):
        store.database.begin()
        store.database.run("INSERT INTO active_room (room_id, since_us) VALUES ('gone', 1)")
        store.database.commit()
    store.publish()
    assert (forget(store), active(store)) == (2, [])


def test_a_search_goes_on_behind_its_page(store: Store) -> None:
    rooms = [f"page{number:03}" for number in range(250)]
    store.many([CreateRoom(room, "", "alice", ()) for room in rooms])
    first = store.ask(FindUnpublished(2**60, 10))
    rest = store.ask(FindUnpublished(2**60, 10, first.after))
    assert [run.room_id for run in (*first.runs, *rest.runs)] == [*rooms, "r"]
    assert (first.after, rest.after) == ("page199", "")

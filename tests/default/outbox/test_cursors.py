"""Cursors only move forward, and only for the newest stream of a device."""

from chatd.core.model import Owed, StreamKey
from chatd.default.outbox.cursors import NotCounted
from chatd.default.rooms.store import CreateRoom
from tests.store.driver import Store, acks, at_once, event, ranges, send


def test_cursors_never_move_back_and_stale_epochs_do_not_count(store: Store) -> None:
    old = store.open("bob", "d")
    store.do(send("alice", *(event("r", f"{number}") for number in range(10))))
    store.do(acks((old, {"r": 6})))
    store.do(acks((old, {"r": 3})))
    assert ranges(store.owed(old)) == [("r", 7, 11)]
    new = store.open("bob", "d")
    assert new.epoch == old.epoch + 1
    assert store.do(acks((new, {"r": 7}), (old, {"r": 11}))) == NotCounted(superseded=(1,))
    assert ranges(store.owed(new)) == [("r", 8, 11)]
    assert store.owed(old) == Owed(superseded=True)
    assert store.owed(StreamKey("nobody", "d", 1)) == Owed(unknown=True)


def test_cursors_acknowledged_through_two_nodes_end_at_the_newest(nodes: tuple[Store, Store]) -> None:
    one = nodes[0]
    rooms = [f"r{number}" for number in range(8)]
    for room in rooms:
        one.do(CreateRoom(room, "", "alice", ("bob",)))
    devices = [one.open("bob", f"d{number}") for number in range(8)]
    for room in rooms:
        one.do(send("alice", *(event(room, f"{room}-{number}") for number in range(40))))

    def acknowledge(node: Store) -> None:
        order: list[StreamKey] = devices if node is nodes[0] else devices[::-1]
        for seq in range(2, 42):
            cursors = dict.fromkeys(rooms if node is nodes[0] else rooms[::-1], seq)
            assert node.do(acks(*((device, cursors) for device in order))) == NotCounted()

    at_once(nodes, acknowledge)
    assert one.database.rows("SELECT DISTINCT acked_seq FROM outbox") == [(41,)]

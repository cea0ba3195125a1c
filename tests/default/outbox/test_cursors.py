"""Cursors only move forward, and only for the newest stream of a device."""

from chatd.core.log_state import LogState
from chatd.core.model import Owed, Pull, StreamAcks, StreamKey
from chatd.default.outbox.backlog import PullOwed
from chatd.default.outbox.cursors import AckCursors, NotCounted
from chatd.default.rooms.store import CreateRoom
from tests.store.driver import RULE, Store, acks, at_once, event, failed, ranges, send


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


def acked_seqs(store: Store) -> list[int]:
    return [row[0] for row in store.database.rows("SELECT acked_seq FROM outbox ORDER BY acked_seq")]


def test_a_cursor_does_not_pass_the_rooms_head(store: Store, bob: StreamKey) -> None:
    """An ack of events that are not there is of another log, though nothing else says so."""
    other = store.open("bob", "other")
    assert store.do(acks((bob, {"r": 6}), (other, {"r": 5}))) == NotCounted(unknown=(0,))
    assert acked_seqs(store) == [1, 5]
    assert store.do(acks((bob, {"r": 5, "s": 1}))) == NotCounted(unknown=(0,)), "there is no room s"
    assert acked_seqs(store) == [5, 5]
    assert store.do(acks((bob, {"r": 4}))) == NotCounted(), "an old ack is none"


def test_a_stream_that_the_database_does_not_know_has_not_been_superseded(
    store: Store, bob: StreamKey
) -> None:
    older = store.open("bob", "d")
    of_another_log = StreamKey("bob", "d", older.epoch + 1)
    assert store.do(acks((bob, {"r": 2}), (of_another_log, {"r": 3}))) == NotCounted((0,), (1,))
    assert store.do(acks((StreamKey("nobody", "d", 1), {"r": 3}))) == NotCounted(unknown=(0,))
    assert store.owed(of_another_log) == Owed(unknown=True)
    assert acked_seqs(store) == [1]


def test_of_another_log_nothing_counts(store: Store, bob: StreamKey) -> None:
    """Not even a failure, although the stream's epoch is that of the device."""
    log = store.log_state()
    for known in (LogState("another", log.beat), LogState(log.incarnation, log.beat + 1)):
        batch = (
            StreamAcks(bob, {"r": 3}, failed=("r", 4)),
            StreamAcks(bob, rejected=(("r", 2, "no"),), removed=(("r", 2, 3),)),
        )
        assert store.do(AckCursors(batch, RULE, known)) == NotCounted(unknown=(0, 1))
        assert store.ask(PullOwed((Pull(bob),), known)) == (Owed(unknown=True),)
    assert acked_seqs(store) == [1]
    for table in ("delivery_attempt", "dead_letter", "delivery_gap"):
        assert store.database.rows(f"SELECT * FROM {table}") == []
    assert store.do(AckCursors((StreamAcks(bob, {"r": 3}),), RULE, log)) == NotCounted()
    assert ranges(store.ask(PullOwed((Pull(bob),), log))[0]) == [("r", 4, 5)]


def test_a_failure_of_an_event_that_is_not_there_is_none(store: Store, bob: StreamKey) -> None:
    store.do(failed(bob, "r", 9))
    assert store.database.rows("SELECT * FROM delivery_attempt") == []


def test_a_stream_that_was_sent_more_than_there_is_is_of_another_log(store: Store, bob: StreamKey) -> None:
    assert ranges(store.owed(bob, sent={"r": 5})) == []
    assert store.owed(bob, sent={"r": 6}) == Owed(unknown=True)

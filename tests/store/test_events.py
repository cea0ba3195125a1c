"""Sending: places in the log, duplicates, refusals, and what is handed on to fan-out."""

from chatd.default.messages.history import GetHistory
from chatd.default.messages.model import StoredEvent
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.default.rooms.store import CreateRoom
from chatd.errors import EventIdReused, NotAMember, RoomNotFound
from tests.store.driver import Store, event, send


def seqs(stored: tuple[StoredEvent, ...]) -> list[int]:
    return [one.seq for one in stored]


def test_seqs_are_contiguous_per_room(store: Store) -> None:
    store.do(CreateRoom("other", "", "alice", ()))
    results = store.many([send("alice", event("r", f"a{number}"), event("other", f"b{number}")) for number in range(50)])
    assert [seqs(result) for result in results] == [[number + 2, number + 2] for number in range(50)]


def test_the_same_id_and_content_is_stored_once(store: Store) -> None:
    (first, again) = store.do(send("alice", event("r", "e", b"x"), event("r", "e", b"x")))
    assert (first.seq, first.duplicate, again.seq, again.duplicate) == (2, False, 2, True)
    both = store.many([send("alice", event("r", "f", b"x")), send("alice", event("r", "f", b"x"))])
    assert [(one.seq, one.duplicate) for (one,) in both] == [(3, False), (3, True)]
    ((later),) = store.do(send("alice", event("r", "e", b"x")))
    assert (later.seq, later.duplicate, later.sent_at_us) == (2, True, first.sent_at_us)


def test_the_same_id_with_other_content_is_refused(store: Store) -> None:
    store.do(send("alice", event("r", "e", b"x")))
    in_batch = store.many([send("alice", event("r", "f", b"1")), send("alice", event("r", "f", b"2"))])
    assert isinstance(in_batch[1], EventIdReused)
    for request in (send("alice", event("r", "e", b"y")), send("alice", event("r", "g", b"1"), event("r", "g", b"2"))):
        (refusal,) = store.many([request])
        assert isinstance(refusal, EventIdReused)


def test_another_senders_id_does_not_collide(store: Store) -> None:
    assert seqs(store.do(send("alice", event("r", "e", b"x")))) == [2]
    assert seqs(store.do(send("bob", event("r", "e", b"y")))) == [3]


def test_a_refused_request_stores_nothing_and_touches_no_other(store: Store) -> None:
    results = store.many(
        [
            send("alice", event("r", "1")),
            send("alice", event("r", "2"), event("nowhere", "3")),
            send("eve", event("r", "4")),
            send("alice", event("r", "5"), event("r", "1", b"other")),
            send("bob", event("r", "6")),
        ]
    )
    assert [type(result) for result in results] == [tuple, RoomNotFound, NotAMember, EventIdReused, tuple]
    assert (seqs(results[0]), seqs(results[4])) == ([2], [3])
    assert len(store.ask(GetHistory("r", "alice", False, 0, 100))[0]) == 3


def test_a_batch_of_one_room_is_one_run(store: Store) -> None:
    store.runs.clear()
    store.many([send("alice", event("r", f"e{number}")) for number in range(100)])
    assert sum(run.last_seq - run.first_seq + 1 for run in store.runs) == 100
    assert len(store.runs) <= store.batches
    assert [run.first_seq for run in store.runs][1:] == [run.last_seq + 1 for run in store.runs][:-1]


def test_runs_name_who_they_are_for(store: Store) -> None:
    store.runs.clear()
    store.do(send("alice", event("r", "1")))
    store.do(send("alice", event("r", "2")))
    store.do(AddSubscriptions("r", ("carol",), "alice", False))
    store.do(send("carol", event("r", "3")))
    store.do(RemoveSubscriptions("r", ("bob",), "alice", False))
    store.do(send("alice", event("r", "4")))
    before, same, joined, with_carol, left, without_bob = [run.recipients for run in store.runs]
    assert before is same, "fan-out knows by identity that nobody came or went"
    assert before.profiles == {"alice", "bob"}
    assert joined.profiles == with_carol.profiles == left.profiles == {"alice", "bob", "carol"}
    assert without_bob.profiles == {"alice", "carol"}


def test_a_sender_that_left_is_refused(store: Store) -> None:
    store.do(RemoveSubscriptions("r", ("bob",), "bob", False))
    (refusal,) = store.many([send("bob", event("r", "e"))])
    assert isinstance(refusal, NotAMember)


def test_a_run_does_not_grow_without_end(store: Store) -> None:
    store.runs.clear()
    store.many([send("alice", *(event("r", f"{turn}-{number}", b"x" * 60_000) for number in range(10))) for turn in range(3)])
    assert all(len(run.records) < 400_000 for run in store.runs)
    assert [run.first_seq for run in store.runs][1:] == [run.last_seq + 1 for run in store.runs][:-1]


def test_a_retry_gets_its_first_answer_although_its_sender_has_left(store: Store) -> None:
    (first,) = store.do(send("bob", event("r", "e")))
    store.do(RemoveSubscriptions("r", ("bob",), "bob", False))
    (again,) = store.do(send("bob", event("r", "e")))
    assert (again.seq, again.duplicate) == (first.seq, True)


def test_more_rooms_than_a_statement_has_variables(store: Store) -> None:
    requests = [send("alice", *(event(f"unknown-{turn}-{number}", f"{turn}-{number}") for number in range(250))) for turn in range(140)]
    results = store.many([*requests, send("alice", event("r", "fine"))])
    assert {type(result) for result in results[:-1]} == {RoomNotFound}
    assert seqs(results[-1]) == [2]

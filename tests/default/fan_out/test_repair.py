"""Events that a dead node left behind are found with the members of their time."""

from chatd.default.fan_out.marks import MarkPublished
from chatd.default.fan_out.repair import FindUnpublished
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from tests.store.driver import Store, event, send


def test_unpublished_events_are_found_with_their_recipients(store: Store) -> None:
    store.do(AddSubscriptions("r", ("carol",), "alice", False))
    store.do(send("alice", event("r", "1")))
    store.do(RemoveSubscriptions("r", ("bob",), "bob", False))
    store.do(send("alice", event("r", "2")))
    store.do(MarkPublished((("r", 1, 1),)))
    found = store.ask(FindUnpublished(2**60, 100)).runs
    assert [(run.first_seq, run.last_seq, sorted(run.recipients.profiles)) for run in found] == [
        (2, 2, ["alice", "bob", "carol"]),
        (3, 3, ["alice", "bob", "carol"]),
        (4, 4, ["alice", "bob", "carol"]),
        (5, 5, ["alice", "carol"]),
    ]
    assert store.ask(FindUnpublished(0, 100)).runs == ()


def test_unpublished_events_are_found_a_limit_at_a_time(store: Store) -> None:
    store.do(send("alice", *(event("r", f"{number}") for number in range(5))))
    first, second = store.ask(FindUnpublished(2**60, 4)).runs
    assert (first.first_seq, first.last_seq, second.first_seq, second.last_seq) == (1, 1, 2, 4)
    store.do(MarkPublished((("r", 1, 4),)))
    (rest,) = store.ask(FindUnpublished(2**60, 4)).runs
    assert (rest.first_seq, rest.last_seq, rest.recipients.profiles) == (5, 6, frozenset({"alice", "bob"}))


def test_a_repair_finds_the_runs_that_were_committed(store: Store) -> None:
    store.do(AddSubscriptions("r", ("carol",), "alice", False))
    store.do(send("alice", event("r", "1", b"\x0a\x00"), event("r", "2")))
    found = store.ask(FindUnpublished(2**60, 100)).runs
    assert [(run.first_seq, run.last_seq, run.records, run.recipients.profiles) for run in found] == [
        (run.first_seq, run.last_seq, run.records, run.recipients.profiles) for run in store.runs
    ]

"""Who is owed what: ranges that begin and end with memberships, and cursors that only move forward."""

from chatd.core.model import Owed, StreamKey
from chatd.default.devices.store import OpenStreams
from chatd.default.fan_out.marks import MarkPublished
from chatd.default.fan_out.repair import FindUnpublished
from chatd.default.outbox.store import GetBroadcast, ListOutbox, ListOutboxEntries
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from tests.store.driver import Store, acks, event, failed, send


def ranges(owed: Owed) -> list[tuple[str, int, int]]:
    return [(run.room_id, run.first_seq, run.last_seq) for run in owed.runs]


def test_a_new_device_begins_at_the_head(store: Store) -> None:
    store.do(send("alice", event("r", "1")))
    bob = store.open("bob", "d")
    assert store.owed(bob, want_cursors=True) == Owed(cursors={"r": 2})
    store.do(send("alice", event("r", "2"), event("r", "3")))
    assert ranges(store.owed(bob)) == [("r", 3, 4)]


def test_who_joins_and_leaves_is_owed_both_and_what_is_between(store: Store) -> None:
    carol = store.open("carol", "d")
    store.do(send("alice", event("r", "1")))
    store.do(AddSubscriptions("r", ("carol",), "alice", False))
    store.do(send("alice", event("r", "2")))
    store.do(RemoveSubscriptions("r", ("carol",), "alice", False))
    store.do(send("alice", event("r", "3")))
    assert ranges(store.owed(carol)) == [("r", 3, 5)]


def test_who_comes_back_has_a_second_range(store: Store) -> None:
    bob = store.open("bob", "d")
    store.do(RemoveSubscriptions("r", ("bob",), "bob", False))
    store.do(send("alice", event("r", "unseen")))
    store.do(AddSubscriptions("r", ("bob",), "alice", False))
    assert ranges(store.owed(bob)) == [("r", 2, 2), ("r", 4, 4)]
    store.do(acks((bob, {"r": 2})))
    assert ranges(store.owed(bob)) == [("r", 4, 4)]
    store.do(acks((bob, {"r": 4})))
    assert store.owed(bob) == Owed()
    assert store.database.rows("SELECT COUNT(*) FROM outbox") == [(1,)], "the range that ended is gone"


def test_cursors_never_move_back_and_stale_epochs_do_not_count(store: Store) -> None:
    old = store.open("bob", "d")
    store.do(send("alice", *(event("r", f"{number}") for number in range(10))))
    store.do(acks((old, {"r": 6})))
    store.do(acks((old, {"r": 3})))
    assert ranges(store.owed(old)) == [("r", 7, 11)]
    new = store.open("bob", "d")
    assert new.epoch == old.epoch + 1
    assert store.do(acks((new, {"r": 7}), (old, {"r": 11}))) == (1,)
    assert ranges(store.owed(new)) == [("r", 8, 11)]
    assert store.owed(old) == Owed(superseded=True)
    assert store.owed(StreamKey("nobody", "d", 1)) == Owed(superseded=True)


def test_a_pull_is_bounded(store: Store) -> None:
    bob = store.open("bob", "d")
    store.do(send("alice", *(event("r", f"{number}", b"x" * 90) for number in range(20))))
    assert ranges(store.owed(bob, max_messages=5)) == [("r", 2, 6)]
    assert store.owed(bob, max_messages=5).more
    assert not store.owed(bob, max_messages=20).more
    few = store.owed(bob, max_bytes=500)
    assert few.more
    assert 0 < sum(len(run.records) for run in few.runs) <= 500
    assert ranges(store.owed(bob, max_bytes=1)) == [("r", 2, 2)], "one always fits"
    assert ranges(store.owed(bob, sent={"r": 15})) == [("r", 16, 21)]


def test_a_device_opened_twice_in_a_batch_gets_two_epochs(store: Store) -> None:
    assert store.do(OpenStreams((("bob", "x"), ("bob", "x"), ("bob", "y")))) == (1, 2, 1)


def test_attempts_count_failures_of_what_is_still_owed(store: Store) -> None:
    bob = store.open("bob", "d")
    store.do(send("alice", *(event("r", f"{number}") for number in range(4))))

    def attempts() -> list[int]:
        entries, _ = store.ask(ListOutboxEntries("bob", "", "", 100))
        return [entry.attempts for entry in entries]

    assert attempts() == [0, 0, 0, 0]
    store.do(failed(bob, "r", 2))
    store.do(failed(bob, "r", 2))
    assert attempts() == [2, 0, 0, 0]
    store.do(acks((bob, {"r": 2})))
    store.do(failed(bob, "r", 2))
    assert attempts() == [0, 0, 0], "it has been acknowledged"


def test_the_view_and_the_summary_agree(store: Store) -> None:
    store.open("bob", "d")
    store.do(send("alice", event("r", "1"), event("r", "2")))
    ((summary,), more) = store.ask(ListOutbox("", "", "", 10))
    assert (summary.profile_id, summary.owed, summary.acked_seq, summary.owed_until_seq, more) == ("bob", 2, 1, 3, False)
    rows = store.database.rows("SELECT profile_id, device_id, room_id, seq, event_id, state FROM outbox_entry ORDER BY seq")
    assert rows == [("bob", "d", "r", 2, "1", "pending"), ("bob", "d", "r", 3, "2", "pending")]


def test_a_broadcast_names_each_recipients_progress(store: Store) -> None:
    bob = store.open("bob", "d")
    store.open("alice", "d")
    store.do(send("alice", event("r", "1")))
    store.open("bob", "later")
    store.do(acks((bob, {"r": 2})))
    _, recipients = store.ask(GetBroadcast("r", 2))
    assert [(one.profile_id, one.device_id, one.acked) for one in recipients] == [("alice", "d", False), ("bob", "d", True)]


def test_what_was_not_fanned_out_is_found_with_its_recipients(store: Store) -> None:
    store.do(AddSubscriptions("r", ("carol",), "alice", False))
    store.do(send("alice", event("r", "1")))
    store.do(RemoveSubscriptions("r", ("bob",), "bob", False))
    store.do(send("alice", event("r", "2")))
    store.do(MarkPublished((("r", 1, 1),)))
    found = store.ask(FindUnpublished(2**60, 100))
    assert [(run.first_seq, run.last_seq, sorted(run.recipients.profiles)) for run in found] == [
        (2, 2, ["alice", "bob", "carol"]),
        (3, 3, ["alice", "bob", "carol"]),
        (4, 4, ["alice", "bob", "carol"]),
        (5, 5, ["alice", "carol"]),
    ]
    assert store.ask(FindUnpublished(0, 100)) == ()


def test_a_mark_does_not_leap_over_a_gap(store: Store) -> None:
    store.do(send("alice", *(event("r", f"{number}") for number in range(5))))
    store.do(MarkPublished((("r", 4, 6),)))
    assert store.ask(FindUnpublished(2**60, 100))[0].first_seq == 1
    store.do(MarkPublished((("r", 1, 3), ("r", 4, 5))))
    assert store.ask(FindUnpublished(2**60, 100))[0].first_seq == 6


def test_a_broadcast_does_not_name_devices_that_came_later(store: Store) -> None:
    store.do(send("bob", event("r", "1")))
    store.do(RemoveSubscriptions("r", ("bob",), "bob", False))
    store.open("bob", "later")
    assert store.ask(GetBroadcast("r", 2))[1] == ()


def test_a_pull_keeps_to_the_bytes_that_are_free(store: Store) -> None:
    bob = store.open("bob", "d")
    store.do(send("alice", event("r", "1", b"x" * 900)))
    waiting = store.owed(bob, max_bytes=600, first_may_exceed=False)
    assert (waiting.runs, waiting.more) == ((), True)

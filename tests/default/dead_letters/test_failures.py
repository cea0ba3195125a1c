"""Deliveries that a device did not take: counted, made a dead letter, deleted when the cursor has
passed them."""

from chatd.core.model import StreamAcks, StreamKey
from chatd.default.dead_letters.failures import DeleteSettledFailures, RetryRule
from chatd.default.outbox.cursors import AckCursors
from chatd.pb.events.v1.payloads_pb2 import SkipReason
from tests.default.dead_letters.letters import bury, letters
from tests.default.retention.log import purge
from tests.store.driver import RULE, Store, acks, failed, owed_deliveries, reject


def test_after_too_many_failures_there_is_a_letter_and_a_marker(store: Store, bob: StreamKey) -> None:
    letter = bury(store, bob, 2)
    assert (letter.profile_id, letter.device_id, letter.room_id, letter.event_id, letter.sender_id) == (
        "bob",
        "d",
        "r",
        "e2",
        "alice",
    )
    assert (letter.attempts, letter.reason, letter.replaying) == (
        3,
        SkipReason.SKIP_REASON_UNDELIVERABLE,
        False,
    )
    assert letter.first_failed_at_us < letter.dead_at_us
    marker, *others = owed_deliveries(store, bob)
    assert (marker.event.seq, marker.event.event_id, marker.skipped.first_seq, marker.skipped.last_seq) == (
        2,
        "",
        2,
        2,
    )
    assert [one.event.event_id for one in others] == ["e3", "e4", "e5"]
    store.do(acks((bob, {"r": 3})))
    assert [one.event.seq for one in owed_deliveries(store, bob)] == [4, 5]
    store.do(failed(bob, "r", 2))
    assert len(letters(store)) == 1


def test_failures_too_soon_after_the_last_are_one(store: Store, bob: StreamKey) -> None:
    rule = RetryRule(max_retries=2, first_us=1_000_000)
    for _ in range(5):
        store.do(failed(bob, "r", 2, rule))
    assert [one.retry_count for one in owed_deliveries(store, bob)] == [1, 0, 0, 0]
    store.now_us += 500_000
    store.do(failed(bob, "r", 2, rule))
    assert [one.retry_count for one in owed_deliveries(store, bob, first_may_exceed=False)] == [2, 0, 0, 0]
    store.now_us += 900_000
    store.do(failed(bob, "r", 2, rule))
    assert letters(store) == [], "the second pause is twice as long"
    store.now_us += 200_000
    store.do(failed(bob, "r", 2, rule))
    assert len(letters(store)) == 1


def test_failures_of_an_ended_epoch_count_and_its_rejections_do_not(store: Store, bob: StreamKey) -> None:
    newer = store.open("bob", "d")
    assert store.do(failed(bob, "r", 2)).superseded == (0,)
    assert store.do(reject(bob, 3)).superseded == (0,)
    assert [one.retry_count for one in owed_deliveries(store, newer)] == [1, 0, 0, 0]
    assert letters(store) == []


def test_a_rejection_is_a_letter_at_once(store: Store, bob: StreamKey) -> None:
    store.do(reject(bob, 3, "x" * 500))
    (letter,) = letters(store)
    assert (letter.seq, letter.reason, letter.attempts, letter.text) == (
        3,
        SkipReason.SKIP_REASON_REJECTED,
        1,
        "x" * 200,
    )
    assert [one.HasField("skipped") for one in owed_deliveries(store, bob)] == [False, True, False, False]


def test_an_event_that_is_not_owed_cannot_be_rejected(store: Store, bob: StreamKey) -> None:
    store.do(acks((bob, {"r": 3})))
    store.do(reject(bob, 3))
    store.do(reject(bob, 17))
    assert letters(store) == []


def test_a_rejection_and_the_ack_past_it_go_together(store: Store, bob: StreamKey) -> None:
    store.do(AckCursors((StreamAcks(bob, {"r": 4}, rejected=(("r", 3, "no"),)),), RULE))
    assert [letter.seq for letter in letters(store)] == [3]
    assert [one.event.seq for one in owed_deliveries(store, bob)] == [5]


def test_a_device_whose_failures_are_settled_is_no_longer_looked_up(store: Store, bob: StreamKey) -> None:
    store.do(failed(bob, "r", 2))
    store.do(DeleteSettledFailures(100))
    assert store.database.rows("SELECT has_failures FROM device") == [(1,)]
    store.do(acks((bob, {"r": 2})))
    store.do(DeleteSettledFailures(100))
    assert store.database.rows("SELECT has_failures FROM device") == [(0,)]
    assert store.database.rows("SELECT COUNT(*) FROM delivery_attempt") == [(0,)]


def test_a_marker_of_removed_events_cannot_become_a_dead_letter(store: Store, bob: StreamKey) -> None:
    store.publish()
    purge(store, 4)
    for _ in range(RULE.max_retries + 2):
        store.do(failed(bob, "r", 4))
    store.do(reject(bob, 4))
    assert letters(store) == []


def test_a_clock_that_was_set_back_does_not_stop_the_counting(store: Store, bob: StreamKey) -> None:
    rule = RetryRule(max_retries=5, first_us=1_000_000)
    store.do(failed(bob, "r", 2, rule))
    store.now_us -= 500_000
    store.do(failed(bob, "r", 2, rule))
    assert owed_deliveries(store, bob, first_may_exceed=False)[0].retry_count == 2

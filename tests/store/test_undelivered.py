"""What a device did not take: counted, made a dead letter, shown as a marker, replayed, dropped."""

import pytest

from chatd.core.model import OwedRun, StreamAcks, StreamKey
from chatd.default.dead_letters.failures import DeleteSettledFailures, RetryRule
from chatd.default.dead_letters.model import DeadLetter
from chatd.default.dead_letters.store import DropDeadLetters, ListDeadLetters, ReplayDeadLetters
from chatd.default.outbox.cursors import AckCursors
from chatd.default.outbox.store import ListOutbox
from chatd.pb.events.v1.payloads_pb2 import EventDelivery, SkipReason
from chatd.pb.gateway.v1.gateway_pb2 import ServerFrame
from tests.store.driver import RULE, Store, acks, event, failed, send


@pytest.fixture
def bob(store: Store) -> StreamKey:
    """Owed events 2 to 5 of room r."""
    key = store.open("bob", "d")
    store.do(send("alice", *(event("r", f"e{number}") for number in range(2, 6))))
    return key


def deliveries(runs: tuple[OwedRun, ...]) -> list[EventDelivery]:
    return [one for run in runs for one in ServerFrame.FromString(run.records).deliveries]


def owed(store: Store, stream: StreamKey, **limits: object) -> list[EventDelivery]:
    return deliveries(store.owed(stream, **limits).runs)


def letters(store: Store) -> list[DeadLetter]:
    page, more = store.ask(ListDeadLetters("", "", "", "", 100))
    assert not more
    return list(page)


def bury(store: Store, stream: StreamKey, seq: int) -> DeadLetter:
    for _ in range(RULE.max_retries + 1):
        store.do(failed(stream, "r", seq))
    return next(letter for letter in letters(store) if letter.seq == seq)


def reject(stream: StreamKey, seq: int, text: str = "no") -> AckCursors:
    return AckCursors((StreamAcks(stream, rejected=(("r", seq, text),)),), RULE)


def test_a_delivery_says_how_often_it_failed(store: Store, bob: StreamKey) -> None:
    store.do(failed(bob, "r", 2))
    assert [one.retry_count for one in owed(store, bob)] == [1, 0, 0, 0]


def test_after_too_many_failures_there_is_a_letter_and_a_marker(store: Store, bob: StreamKey) -> None:
    letter = bury(store, bob, 2)
    assert (letter.profile_id, letter.device_id, letter.room_id, letter.event_id, letter.sender_id) == ("bob", "d", "r", "e2", "alice")
    assert (letter.attempts, letter.reason, letter.replaying) == (3, SkipReason.SKIP_REASON_UNDELIVERABLE, False)
    assert letter.first_failed_at_us < letter.dead_at_us
    marker, *others = owed(store, bob)
    assert (marker.event.seq, marker.event.event_id, marker.skipped.first_seq, marker.skipped.last_seq) == (2, "", 2, 2)
    assert [one.event.event_id for one in others] == ["e3", "e4", "e5"]
    store.do(acks((bob, {"r": 3})))
    assert [one.event.seq for one in owed(store, bob)] == [4, 5]
    store.do(failed(bob, "r", 2))
    assert len(letters(store)) == 1


def test_failures_too_soon_after_the_last_are_one(store: Store, bob: StreamKey) -> None:
    rule = RetryRule(max_retries=2, first_us=1_000_000)
    for _ in range(5):
        store.do(failed(bob, "r", 2, rule))
    assert [one.retry_count for one in owed(store, bob)] == [1, 0, 0, 0]
    store.now_us += 500_000
    store.do(failed(bob, "r", 2, rule))
    assert [one.retry_count for one in owed(store, bob, first_may_exceed=False)] == [2, 0, 0, 0]
    store.now_us += 900_000
    store.do(failed(bob, "r", 2, rule))
    assert letters(store) == [], "the second pause is twice as long"
    store.now_us += 200_000
    store.do(failed(bob, "r", 2, rule))
    assert len(letters(store)) == 1


def test_failures_of_an_ended_epoch_count_and_its_rejections_do_not(store: Store, bob: StreamKey) -> None:
    newer = store.open("bob", "d")
    assert store.do(failed(bob, "r", 2)) == (0,)
    assert store.do(reject(bob, 3)) == (0,)
    assert [one.retry_count for one in owed(store, newer)] == [1, 0, 0, 0]
    assert letters(store) == []


def test_what_failed_more_than_once_is_pulled_first_and_alone(store: Store, bob: StreamKey) -> None:
    store.do(failed(bob, "r", 2))
    assert not store.owed(bob).alone
    store.do(failed(bob, "r", 2))
    suspect = store.owed(bob)
    assert (suspect.alone, suspect.more) == (True, True)
    assert [one.event.seq for one in deliveries(suspect.runs)] == [2]
    assert not store.owed(bob, first_may_exceed=False).alone, "something is in flight: it cannot be alone"
    assert [one.event.seq for one in owed(store, bob, sent={"r": 2})] == [3, 4, 5]


def test_the_oldest_in_flight_is_pulled_again_beside_the_rest(store: Store, bob: StreamKey) -> None:
    store.do(failed(bob, "r", 2))
    found = store.owed(bob, sent={"r": 4}, again=("r", 2))
    assert [(run.first_seq, run.again, run.skipped) for run in found.runs] == [(2, True, False), (5, False, False)]
    assert store.owed(bob, sent={"r": 5}, again=("r", 2), max_messages=0).runs[0].again, "whatever the limits"
    bury(store, bob, 2)
    given_up = store.owed(bob, sent={"r": 5}, again=("r", 2)).runs[0]
    assert (given_up.again, given_up.skipped) == (True, True)


def test_a_rejection_is_a_letter_at_once(store: Store, bob: StreamKey) -> None:
    store.do(reject(bob, 3, "x" * 500))
    (letter,) = letters(store)
    assert (letter.seq, letter.reason, letter.attempts, letter.text) == (3, SkipReason.SKIP_REASON_REJECTED, 1, "x" * 200)
    assert [one.HasField("skipped") for one in owed(store, bob)] == [False, True, False, False]


def test_what_is_not_owed_cannot_be_rejected(store: Store, bob: StreamKey) -> None:
    store.do(acks((bob, {"r": 3})))
    store.do(reject(bob, 3))
    store.do(reject(bob, 17))
    assert letters(store) == []


def test_a_rejection_and_the_ack_past_it_go_together(store: Store, bob: StreamKey) -> None:
    store.do(AckCursors((StreamAcks(bob, {"r": 4}, rejected=(("r", 3, "no"),)),), RULE))
    assert [letter.seq for letter in letters(store)] == [3]
    assert [one.event.seq for one in owed(store, bob)] == [5]


def test_a_replay_comes_out_of_order_until_it_is_handled(store: Store, bob: StreamKey) -> None:
    letter = bury(store, bob, 2)
    store.do(acks((bob, {"r": 5})))
    assert owed(store, bob) == []
    assert store.do(ReplayDeadLetters((letter.letter_id, "none"))) == {letter.letter_id: ("bob", "d")}
    assert letters(store)[0].replaying
    (run,) = store.owed(bob).runs
    (delivery,) = deliveries((run,))
    assert (run.replay, delivery.replay, delivery.event.event_id, delivery.HasField("skipped")) == (True, True, "e2", False)
    store.do(AckCursors((StreamAcks(bob, replayed=(("r", 2),)),), RULE))
    assert (letters(store), owed(store, bob)) == ([], [])


def test_a_replay_that_fails_is_a_dead_letter_again(store: Store, bob: StreamKey) -> None:
    letter = bury(store, bob, 2)
    store.do(ReplayDeadLetters((letter.letter_id,)))
    store.do(failed(bob, "r", 2))
    (again,) = letters(store)
    assert (again.replaying, again.attempts) == (False, letter.attempts + 1)
    assert not any(one.replay for one in owed(store, bob))


def test_a_dropped_letter_keeps_its_marker_until_it_is_passed(store: Store, bob: StreamKey) -> None:
    letter = bury(store, bob, 2)
    assert store.do(DropDeadLetters((letter.letter_id, "none"))) == (letter.letter_id,)
    assert store.do(DropDeadLetters((letter.letter_id,))) == ()
    assert store.do(ReplayDeadLetters((letter.letter_id,))) == {}
    assert letters(store) == []
    store.do(DeleteSettledFailures(100))
    assert owed(store, bob)[0].HasField("skipped")
    store.do(acks((bob, {"r": 2})))
    store.do(DeleteSettledFailures(100))
    assert store.database.rows("SELECT COUNT(*) FROM dead_letter") == [(0,)]
    assert store.database.rows("SELECT has_failures FROM device") == [(0,)]


def test_a_device_whose_troubles_are_behind_it_is_no_longer_looked_up(store: Store, bob: StreamKey) -> None:
    store.do(failed(bob, "r", 2))
    store.do(DeleteSettledFailures(100))
    assert store.database.rows("SELECT has_failures FROM device") == [(1,)]
    store.do(acks((bob, {"r": 2})))
    store.do(DeleteSettledFailures(100))
    assert store.database.rows("SELECT has_failures FROM device") == [(0,)]
    assert store.database.rows("SELECT COUNT(*) FROM delivery_attempt") == [(0,)]


def test_attempts_and_letters_are_where_operators_look(store: Store, bob: StreamKey) -> None:
    store.do(failed(bob, "r", 2))
    (row,), _ = store.ask(ListOutbox("", "", "", 10))
    assert row.attempts == 1
    states = store.database.rows("SELECT seq, attempts, state FROM outbox_entry ORDER BY seq")
    assert states == [(2, 1, "retrying"), (3, 0, "pending"), (4, 0, "pending"), (5, 0, "pending")]
    bury(store, bob, 2)
    assert store.database.rows("SELECT attempts, state FROM outbox_entry WHERE seq = 2") == [(3, "dead")]


def test_letters_can_be_narrowed_down(store: Store, bob: StreamKey) -> None:
    one, two = bury(store, bob, 2), bury(store, bob, 3)
    assert store.ask(ListDeadLetters("", "bob", "d", "r", 1)) == ((two,), True)
    assert store.ask(ListDeadLetters(one.letter_id, "", "", "", 10)) == ((one,), False)
    assert store.ask(ListDeadLetters("", "carol", "", "", 10)) == ((), False)

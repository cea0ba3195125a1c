"""Dead letters: listed, replayed, dropped."""

from chatd.core.model import StreamAcks, StreamKey
from chatd.default.dead_letters.failures import DeleteSettledFailures, RetryRule
from chatd.default.dead_letters.store import DropDeadLetters, ListDeadLetters, ReplayDeadLetters
from chatd.default.outbox.cursors import AckCursors
from tests.default.dead_letters.letters import bury, letters
from tests.store.driver import RULE, Store, acks, deliveries, failed, owed_deliveries


def test_letters_can_be_narrowed_down(store: Store, bob: StreamKey) -> None:
    one, two = bury(store, bob, 2), bury(store, bob, 3)
    assert store.ask(ListDeadLetters("", "bob", "d", "r", 1)) == ((two,), True)
    assert store.ask(ListDeadLetters(one.letter_id, "", "", "", 10)) == ((one,), False)
    assert store.ask(ListDeadLetters("", "carol", "", "", 10)) == ((), False)


def test_a_replay_comes_out_of_order_until_it_is_handled(store: Store, bob: StreamKey) -> None:
    letter = bury(store, bob, 2)
    store.do(acks((bob, {"r": 5})))
    assert owed_deliveries(store, bob) == []
    assert store.do(ReplayDeadLetters((letter.letter_id, "none"))) == {letter.letter_id: ("bob", "d")}
    assert letters(store)[0].replaying
    (run,) = store.owed(bob).runs
    (delivery,) = deliveries((run,))
    assert (run.replay, delivery.replay, delivery.event.event_id, delivery.HasField("skipped")) == (
        True,
        True,
        "e2",
        False,
    )
    store.do(AckCursors((StreamAcks(bob, replayed=(("r", 2),)),), RULE))
    assert (letters(store), owed_deliveries(store, bob)) == ([], [])


def test_a_replay_is_tried_like_any_delivery_and_then_a_dead_letter_again(
    store: Store, bob: StreamKey
) -> None:
    letter = bury(store, bob, 2)
    store.do(acks((bob, {"r": 5})))
    for _ in range(2):
        store.do(ReplayDeadLetters((letter.letter_id,)))
        for tries in range(RULE.max_retries + 1):
            (delivery,) = owed_deliveries(store, bob)
            assert (delivery.replay, delivery.retry_count) == (True, tries)
            store.do(failed(bob, "r", 2))
        assert owed_deliveries(store, bob) == []
    (again,) = letters(store)
    assert (again.replaying, again.attempts) == (False, letter.attempts + 2 * (RULE.max_retries + 1))


def test_failures_of_a_replay_too_soon_after_the_last_are_one(store: Store, bob: StreamKey) -> None:
    rule = RetryRule(max_retries=1, first_us=1_000_000)
    letter = bury(store, bob, 2)
    store.do(ReplayDeadLetters((letter.letter_id,)))
    for _ in range(5):
        store.do(failed(bob, "r", 2, rule))
    assert letters(store)[0].replaying, "a connection that dies is one failure, whoever notices it"
    store.now_us += 600_000
    store.do(failed(bob, "r", 2, rule))
    assert not letters(store)[0].replaying


def test_a_replay_in_flight_is_sent_again_as_a_replay(store: Store, bob: StreamKey) -> None:
    letter = bury(store, bob, 2)
    store.do(acks((bob, {"r": 5})))
    store.do(ReplayDeadLetters((letter.letter_id,)))
    store.do(failed(bob, "r", 2))
    (run,) = store.owed(bob, again=("r", 2)).runs
    assert (run.replay, run.again, run.skipped) == (True, True, False)


def test_a_dropped_letter_keeps_its_marker_until_it_is_passed(store: Store, bob: StreamKey) -> None:
    letter = bury(store, bob, 2)
    assert store.do(DropDeadLetters((letter.letter_id, "none"))) == (letter.letter_id,)
    assert store.do(DropDeadLetters((letter.letter_id,))) == ()
    assert store.do(ReplayDeadLetters((letter.letter_id,))) == {}
    assert letters(store) == []
    store.do(DeleteSettledFailures(100))
    assert owed_deliveries(store, bob)[0].HasField("skipped")
    store.do(acks((bob, {"r": 2})))
    store.do(DeleteSettledFailures(100))
    assert store.database.rows("SELECT has_failures FROM device") == [(0,)]
    assert owed_deliveries(store, bob)[0].event.seq == 3
    assert store.database.rows("SELECT has_failures FROM device") == [(0,)]

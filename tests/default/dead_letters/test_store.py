"""Dead letters: listed, replayed, dropped."""

from chatd.core.model import StreamAcks, StreamKey
from chatd.default.dead_letters.failures import DeleteSettledFailures, RetryRule
from chatd.default.dead_letters.store import (
    NEWEST,
    CountLetters,
    DropDeadLetters,
    FindLetters,
    Letters,
    ListDeadLetters,
    ReplayDeadLetters,
)
from chatd.default.outbox.cursors import AckCursors
from chatd.default.retention.store import PurgeLog
from tests.default.dead_letters.letters import bury, letters
from tests.store.driver import RULE, Store, acks, deliveries, failed, owed_deliveries


def test_letters_can_be_narrowed_down(store: Store, bob: StreamKey) -> None:
    one, two = bury(store, bob, 2), bury(store, bob, 3)
    assert store.ask(ListDeadLetters("", "bob", "d", "r", 1)) == ((two,), True)
    assert store.ask(ListDeadLetters(one.letter_id, "", "", "", 10)) == ((one,), False)
    assert store.ask(ListDeadLetters("", "carol", "", "", 10)) == ((), False)


def test_letters_come_in_pages(store: Store, bob: StreamKey) -> None:
    for seq in range(2, 6):
        bury(store, bob, seq)
    everything = letters(store)
    store.do(DropDeadLetters((everything[1].letter_id,)))
    for at, last in enumerate(everything, 1):
        behind = NEWEST.read_place(NEWEST.place_of((last,), True))
        rest = [letter for letter in everything[at:] if letter is not everything[1]]
        assert store.ask(ListDeadLetters("", "", "", "", 2, behind)) == (tuple(rest[:2]), len(rest) > 2)


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


def test_all_letters_page_by_page(store: Store, bob: StreamKey) -> None:
    """Each comes once, whatever becomes of it meanwhile."""
    ids = sorted(bury(store, bob, seq).letter_id for seq in (2, 3, 4))
    every = Letters(False, "", "", "")
    assert store.ask(FindLetters(every, "", 2)) == (tuple(ids[:2]), True)
    assert store.ask(FindLetters(every, ids[1], 2)) == ((ids[2],), False)
    assert store.ask(CountLetters(every)) == 3
    assert store.ask(CountLetters(Letters(False, "bob", "d", "r"))) == 3
    assert store.ask(CountLetters(Letters(False, "bob", "d", "s"))) == 0
    assert store.ask(FindLetters(Letters(False, "carol", "", ""), "", 9)) == ((), False)
    assert store.do(DropDeadLetters(())) == ()


def test_those_that_can_be_replayed(store: Store, bob: StreamKey) -> None:
    """Not the one that is on its way, nor one whose event is gone."""
    letter, gone, _ = (bury(store, bob, seq) for seq in (3, 2, 4))
    store.do(ReplayDeadLetters((letter.letter_id,)))
    store.do(PurgeLog("r", gone.seq, 0, 100, 0))
    assert store.ask(CountLetters(Letters(True, "", "", ""))) == 1
    assert store.ask(CountLetters(Letters(False, "", "", ""))) == 3


def test_more_replays_than_a_window_holds(store: Store, bob: StreamKey) -> None:
    store.do(ReplayDeadLetters(tuple(bury(store, bob, seq).letter_id for seq in (2, 3, 4))))
    store.do(acks((bob, {"r": 5})))
    first = store.owed(bob, max_messages=2)
    assert ([run.first_seq for run in first.runs], first.more) == ([2, 3], True)
    in_flight = frozenset({("r", 2), ("r", 3)})
    none = store.owed(bob, max_messages=0, replays=in_flight)
    assert (none.runs, none.more) == ((), True)
    second = store.owed(bob, max_messages=2, replays=in_flight)
    assert ([run.first_seq for run in second.runs], second.more) == ([4], False)
    assert store.owed(bob, urgent_only=True).runs == (), (
        "the room that is kept for urgent events is not theirs"
    )

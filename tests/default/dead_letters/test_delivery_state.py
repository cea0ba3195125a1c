"""The state of an event at a device: only what the device acknowledged is delivered, wherever it is
told, for as long as the event is kept."""

from contextlib import suppress

import pytest

from chatd.core.model import StreamAcks, StreamKey
from chatd.default.dead_letters.failures import DeleteSettledFailures
from chatd.default.dead_letters.store import DropDeadLetters, ReplayDeadLetters
from chatd.default.outbox.cursors import AckCursors
from chatd.default.outbox.store import GetBroadcast, ListOutboxEntries
from chatd.default.receipts.delivered import FindDelivered
from chatd.default.receipts.delivery_status import GetDeliveryStatus
from chatd.default.receipts.store import SetReadMarker
from chatd.default.rooms.membership import RemoveSubscriptions
from chatd.errors import EventNotFound
from tests.default.dead_letters.letters import (
    ACKNOWLEDGED,
    OWED,
    REJECTED,
    REMOVED,
    UNDELIVERABLE,
    bury,
    letters,
)
from tests.default.retention.log import purge
from tests.store.driver import RULE, Store, acks, event, reject, send


def states(store: Store, *seqs: int) -> list[int]:
    """The state of events at bob's device, the same by every way of asking."""
    found = []
    for seq in seqs:
        status = store.ask(GetDeliveryStatus("r", seq, "alice", True, "", 10))
        (((device, state),),) = (one.devices for one in status.profiles)
        assert status.profiles[0].state == state
        assert (device, status.delivered) == ("d", int(state == ACKNOWLEDGED))
        with suppress(EventNotFound):  # its contents are gone
            assert [one.state for one in store.ask(GetBroadcast("r", seq))[1]] == [state]
        found.append(state)
    return found


def stretches(store: Store, seq: int) -> list[tuple[int, int]]:
    """The state that receipts say when bob's device has acknowledged up to ``seq``, or a replay of
    it."""
    store.do(SetReadMarker("bob", "r", 1, ""))  # bob takes part in the room
    _, found = store.ask(FindDelivered(store.members, (("bob", "d", "r", seq),), 100))
    assert all(one[:3] == ("bob", "d", "r") for one in found)
    return [(one.first_seq, one.last_seq) for one in found]


@pytest.mark.parametrize("settled", [False, True])
def test_an_event_that_a_device_did_not_take_is_not_delivered(
    store: Store, bob: StreamKey, settled: bool
) -> None:
    store.do(reject(bob, 2))
    bury(store, bob, 4)
    assert states(store, 2, 3, 4, 5) == [REJECTED, OWED, UNDELIVERABLE, OWED]
    assert [one.state for one in store.ask(ListOutboxEntries("bob", "", "", 10))[0]] == [
        REJECTED,
        OWED,
        UNDELIVERABLE,
        OWED,
    ]
    store.do(acks((bob, {"r": 5})))
    if settled:
        store.do(DeleteSettledFailures(100))
        assert store.database.rows("SELECT has_failures FROM device") == [(0,)], (
            "no pull has to look for them"
        )
    assert states(store, 2, 3, 4, 5) == [REJECTED, ACKNOWLEDGED, UNDELIVERABLE, ACKNOWLEDGED]
    assert stretches(store, 5) == [(5, 5), (3, 3)]
    store.do(send("alice", event("r", "later")))
    store.do(acks((bob, {"r": 6})))
    assert stretches(store, 6) == [(5, 6), (3, 3)]


def test_an_entry_that_is_passed_to_its_end_still_tells_the_truth(store: Store, bob: StreamKey) -> None:
    store.do(reject(bob, 3))
    store.do(RemoveSubscriptions("r", ("bob",), by="alice", operator=False))
    store.do(acks((bob, {"r": 6})))
    assert store.database.rows("SELECT * FROM outbox") == []
    assert states(store, 2, 3) == [ACKNOWLEDGED, REJECTED]
    assert stretches(store, 6) == [], "the room is told nothing of one that has left"


def test_a_dropped_letter_was_not_delivered_for_as_long_as_its_event_is_kept(
    store: Store, bob: StreamKey
) -> None:
    letter = bury(store, bob, 3)
    store.do(acks((bob, {"r": 5})))
    store.do(DropDeadLetters((letter.letter_id,)))
    store.do(DeleteSettledFailures(100))
    assert states(store, 3) == [UNDELIVERABLE]
    store.publish()
    purge(store, 4)
    assert states(store, 3) == [UNDELIVERABLE]
    purge(store, 0, forget_before_us=store.now_us + 1)
    assert store.database.rows("SELECT * FROM dead_letter") == [], "it goes with the event"


def test_a_replay_that_is_acknowledged_delivers(store: Store, bob: StreamKey) -> None:
    letter = bury(store, bob, 3)
    store.do(acks((bob, {"r": 5})))
    store.do(ReplayDeadLetters((letter.letter_id,)))
    assert states(store, 3) == [UNDELIVERABLE]
    store.do(AckCursors((StreamAcks(bob, replayed=(("r", 3),)),), RULE))
    assert (states(store, 3), stretches(store, 3), stretches(store, 5)) == (
        [ACKNOWLEDGED],
        [(2, 3)],
        [(2, 5)],
    )
    store.do(DeleteSettledFailures(100))
    assert store.database.rows("SELECT * FROM dead_letter") == []
    assert states(store, 3) == [ACKNOWLEDGED]


def test_a_replay_that_is_rejected_is_a_dead_letter_again(store: Store, bob: StreamKey) -> None:
    letter = bury(store, bob, 3)
    store.do(acks((bob, {"r": 5})))
    store.do(ReplayDeadLetters((letter.letter_id,)))
    store.do(AckCursors((StreamAcks(bob, rejected=(("r", 3, "still no"),), replayed=(("r", 3),)),), RULE))
    (again,) = letters(store)
    assert (again.replaying, again.text, again.attempts) == (False, "still no", letter.attempts + 1)
    assert states(store, 3) == [REJECTED]


def test_an_event_that_retention_took_first_is_not_delivered(store: Store, bob: StreamKey) -> None:
    store.do(acks((bob, {"r": 2})))
    store.publish()
    purge(store, 4)
    assert states(store, 2, 3, 4, 5) == [ACKNOWLEDGED, REMOVED, REMOVED, OWED]
    store.do(AckCursors((StreamAcks(bob, {"r": 5}, removed=(("r", 3, 4),)),), RULE))
    assert states(store, 2, 3, 4, 5) == [ACKNOWLEDGED, REMOVED, REMOVED, ACKNOWLEDGED]
    assert stretches(store, 5) == [(5, 5), (2, 2)]
    purge(store, 0, forget_before_us=store.now_us + 1)
    assert store.database.rows("SELECT * FROM delivery_gap") == [], "it goes with the events"


def test_an_event_in_flight_when_retention_takes_it_is_delivered_by_its_ack(
    store: Store, bob: StreamKey
) -> None:
    store.publish()
    purge(store, 4)
    store.do(acks((bob, {"r": 4})))
    assert states(store, 2, 3, 4, 5) == [ACKNOWLEDGED] * 3 + [OWED]


def test_receipts_begin_where_the_device_began(store: Store, bob: StreamKey) -> None:
    assert stretches(store, 3) == [(2, 3)], "event 1 was never owed to it"

"""A purge: markers for devices, ids that are remembered, places that are kept."""

import pytest

from chatd.default.fan_out.repair import FindUnpublished
from chatd.default.messages.history import GetHistory
from chatd.default.outbox.store import GetBroadcast, ListOutbox, ListOutboxEntries
from chatd.default.retention.model import Purged
from chatd.pb.events.v1.payloads_pb2 import SkipReason
from tests.default.retention.log import HELLO, cuts, fill, purge
from tests.store.driver import Store, acks, event, failed, owed_deliveries, send


def test_a_device_gets_one_marker_for_all_removed_events(store: Store) -> None:
    bob = store.open("bob", "d")
    fill(store)
    assert purge(store, 6) == Purged(7, 6, more=False)
    found = store.owed(bob, want_cursors=True)
    assert [(run.first_seq, run.last_seq, run.skipped) for run in found.runs] == [
        (2, 6, True),
        (7, 11, False),
    ]
    assert found.cursors == {"r": 11}
    marker, *rest = owed_deliveries(store, bob)
    assert (marker.event.room_id, marker.event.seq, marker.skipped.first_seq) == ("r", 6, 2)
    assert marker.skipped.reason == SkipReason.SKIP_REASON_RETENTION
    assert [one.event.seq for one in rest] == [7, 8, 9, 10, 11]
    store.do(acks((bob, {"r": 6})))
    assert [run.first_seq for run in store.owed(bob).runs] == [7]


def test_a_purge_goes_in_batches_and_the_log_begins_later_at_once(store: Store) -> None:
    bob = store.open("bob", "d")
    fill(store)
    assert purge(store, 8, limit=3) == Purged(9, 3, more=True)
    assert [one.event.seq for one in owed_deliveries(store, bob)] == [8, 9, 10, 11]
    history, more = store.ask(GetHistory("r", "alice", operator=False, before_seq=0, limit=50))
    assert (len(history), more) == (3, False)
    assert purge(store, 0, limit=3) == Purged(9, 3, more=True)
    assert purge(store, 0, limit=3) == Purged(9, 2, more=False)
    assert store.database.rows("SELECT COUNT(*) FROM room_event WHERE length(delivery) > 0") == [(3,)]


def test_the_ids_of_purged_events_are_remembered_for_a_while(store: Store) -> None:
    fill(store, 3)
    purge(store, 4)
    ((stored,),) = store.many([send("alice", event("r", "e2", HELLO))])
    assert (stored.seq, stored.duplicate) == (2, True)
    ((again,),) = store.database.rows("SELECT MAX(sent_at_us) FROM room_event")
    assert cuts(store, forget_before_us=again + 1) == {"r": 0}
    purge(store, 0, forget_before_us=again + 1)
    assert store.database.rows("SELECT COUNT(*) FROM room_event") == [(0,)]
    ((anew,),) = store.many([send("alice", event("r", "e2", HELLO))])
    assert (anew.seq, anew.duplicate) == (5, False)


def test_a_purge_by_age_or_of_everything(store: Store) -> None:
    fill(store, 3)
    store.now_us += 1_000
    store.do(send("alice", event("r", "late")))
    assert purge(store, 0, before_us=store.now_us - 500).first_seq == 5
    assert purge(store, 2**63 - 1).first_seq == 6
    assert store.owed(store.open("bob", "new")).runs == ()


def test_purged_events_are_not_fanned_out_nor_shown(store: Store) -> None:
    bob = store.open("bob", "d")
    store.do(send("alice", event("r", "e2")))
    store.do(failed(bob, "r", 2))
    purge(store, 2)
    assert store.ask(FindUnpublished(before_us=2**62, limit=10)).runs == ()
    assert store.ask(ListOutboxEntries("", "", "", 10)) == ((), False)
    (row,), _ = store.ask(ListOutbox("", "", "", 10))
    assert row.owed == 1
    with pytest.raises(Exception, match="no event 2"):
        store.ask(GetBroadcast("r", 2))

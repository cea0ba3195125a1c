"""What is no longer kept: logs by age and count, never below what a living device is owed; devices nobody uses; profiles that are erased."""

import pytest

from chatd.core.model import StreamKey
from chatd.default.devices.store import ForgetDevice, ListDevices
from chatd.default.fan_out.marks import MarkPublished
from chatd.default.fan_out.repair import FindUnpublished
from chatd.default.messages.history import GetHistory
from chatd.default.nodes.model import Lease
from chatd.default.nodes.store import RenewLeases
from chatd.default.outbox.store import GetBroadcast, ListOutbox, ListOutboxEntries
from chatd.default.retention.cuts import FindCuts
from chatd.default.retention.model import Cut, Purged
from chatd.default.retention.store import PurgeLog
from chatd.default.rooms.store import CreateRoom
from chatd.errors import NotAMember
from chatd.pb.events.v1.payloads_pb2 import EventDelivery, EventType, SkipReason
from chatd.pb.gateway.v1.gateway_pb2 import ServerFrame
from tests.store.driver import Store, acks, event, failed, send

WEEK = 7 * 86_400_000_000
HELLO = b"\n\x0f\n\x04text\x12\x07\x1a\x05hello"


def fill(store: Store, count: int = 10) -> None:
    """Events 2 to count + 1 of room r, fanned out."""
    store.do(send("alice", *(event("r", f"e{number}", HELLO) for number in range(2, count + 2))))
    store.do(MarkPublished((("r", 1, count + 1),)))


def cuts(store: Store, **limits: int) -> dict[str, int]:
    names = ("keep_events", "keep_since_us", "backlog_events", "backlog_since_us", "forget_before_us")
    found, after = store.ask(FindCuts(**{name: limits.get(name, 0) for name in names}, after_room_id="", limit=100))
    assert after == ""
    return {cut.room_id: cut.up_to for cut in found}


def purge(store: Store, up_to: int, *, limit: int = 100, before_us: int = 0, forget_before_us: int = 0) -> Purged:
    purged = store.do(PurgeLog("r", up_to, before_us, limit, forget_before_us))
    assert isinstance(purged, Purged)
    return purged


def owed(store: Store, stream: StreamKey) -> list[EventDelivery]:
    return [one for run in store.owed(stream).runs for one in ServerFrame.FromString(run.records).deliveries]


def test_a_log_may_be_cut_by_count_and_by_age(store: Store) -> None:
    fill(store)
    assert cuts(store) == {}
    assert cuts(store, keep_events=4) == {"r": 7}
    assert cuts(store, keep_events=11) == {}
    ((half,),) = store.database.rows("SELECT sent_at_us FROM room_event WHERE seq = 2")
    store.now_us = half + 1_000
    store.do(send("alice", event("r", "late")))
    store.do(MarkPublished((("r", 12, 12),)))
    assert cuts(store, keep_since_us=half + 1) == {"r": 11}
    assert cuts(store, keep_since_us=half) == {"r": 1}


def test_rooms_are_looked_at_some_at_a_time(store: Store) -> None:
    fill(store)
    store.do(CreateRoom("s", "", "alice", ()))
    query = FindCuts(4, 0, 0, 0, 0, after_room_id="", limit=1)
    assert store.ask(query) == ((Cut("r", 7),), "r")
    assert store.ask(FindCuts(4, 0, 0, 0, 0, after_room_id="r", limit=1)) == ((), "s")
    assert store.ask(FindCuts(4, 0, 0, 0, 0, after_room_id="s", limit=1)) == ((), "")


def test_nothing_goes_that_a_living_device_is_owed(store: Store) -> None:
    bob = store.open("bob", "d")
    fill(store)
    store.do(acks((bob, {"r": 5})))
    assert cuts(store, keep_events=1) == {"r": 5}
    store.do(acks((bob, {"r": 11})))
    assert cuts(store, keep_events=1) == {"r": 10}


def test_a_device_beyond_its_own_limit_holds_nothing_back(store: Store) -> None:
    bob = store.open("bob", "d")
    fill(store)
    store.do(acks((bob, {"r": 5})))
    assert cuts(store, keep_events=1, backlog_events=6) == {"r": 5}
    assert cuts(store, keep_events=1, backlog_events=5) == {"r": 10}
    ((oldest_owed,),) = store.database.rows("SELECT sent_at_us FROM room_event WHERE seq = 6")
    assert cuts(store, keep_events=1, backlog_since_us=oldest_owed) == {"r": 5}
    assert cuts(store, keep_events=1, backlog_since_us=oldest_owed + 1) == {"r": 10}


def test_nothing_goes_that_was_not_fanned_out(store: Store) -> None:
    store.do(send("alice", *(event("r", f"e{number}") for number in range(9))))
    store.do(MarkPublished((("r", 1, 4),)))
    assert cuts(store, keep_events=1) == {"r": 4}


def test_whoever_was_owed_what_is_gone_gets_one_marker_for_it(store: Store) -> None:
    bob = store.open("bob", "d")
    fill(store)
    assert purge(store, 6) == Purged(7, 6, more=False)
    found = store.owed(bob, want_cursors=True)
    assert [(run.first_seq, run.last_seq, run.skipped) for run in found.runs] == [(2, 6, True), (7, 11, False)]
    assert found.cursors == {"r": 11}
    marker, *rest = owed(store, bob)
    assert (marker.event.room_id, marker.event.seq, marker.skipped.first_seq) == ("r", 6, 2)
    assert marker.skipped.reason == SkipReason.SKIP_REASON_RETENTION
    assert [one.event.seq for one in rest] == [7, 8, 9, 10, 11]
    store.do(acks((bob, {"r": 6})))
    assert [run.first_seq for run in store.owed(bob).runs] == [7]


def test_a_purge_goes_in_batches_and_the_log_begins_later_at_once(store: Store) -> None:
    bob = store.open("bob", "d")
    fill(store)
    assert purge(store, 8, limit=3) == Purged(9, 3, more=True)
    assert [one.event.seq for one in owed(store, bob)] == [8, 9, 10, 11]
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


def test_what_was_purged_is_not_fanned_out_nor_shown(store: Store) -> None:
    bob = store.open("bob", "d")
    store.do(send("alice", event("r", "e2")))
    store.do(failed(bob, "r", 2))
    purge(store, 2)
    assert store.ask(FindUnpublished(before_us=2**62, limit=10)) == ()
    assert store.ask(ListOutboxEntries("", "", "", 10)) == ((), False)
    (row,), _ = store.ask(ListOutbox("", "", "", 10))
    assert row.owed == 1
    with pytest.raises(Exception, match="no event 2"):
        store.ask(GetBroadcast("r", 2))


def test_devices_unseen_for_long_expire_and_begin_anew(store: Store) -> None:
    old = store.open("bob", "old")
    store.now_us += 1_000_000
    used = store.open("bob", "used")
    fill(store)
    assert store.expire(0) == 0
    assert store.expire(store.now_us - 500_000) == 1
    assert store.owed(old).superseded
    assert len(owed(store, used)) == 10
    again = store.open("bob", "old")
    assert (again.epoch, owed(store, again)) == (1, [])


def test_a_device_that_acknowledges_now_and_then_is_seen(store: Store) -> None:
    bob = store.open("bob", "d")
    store.now_us += 2 * 3_600_000_000
    store.do(acks((bob, {})))
    assert store.expire(store.now_us - 1_000_000) == 0


def everything(store: Store) -> str:
    """Every row of every table, as text."""
    tables = ["room", "room_event", "profile", "subscription", "device", "outbox", "delivery_attempt", "dead_letter", "connection"]
    rows = [row for table in tables for row in store.database.rows(f"SELECT * FROM {table}")]
    return "\n".join(str([bytes(cell) if isinstance(cell, memoryview) else cell for cell in row]) for row in rows)


def test_an_erased_profile_leaves_places_and_nothing_else(store: Store) -> None:
    bob, alice = store.open("bob", "phone"), store.open("alice", "d")
    store.do(send("bob", *(event("r", f"of-bob-{number}", HELLO) for number in range(5))))
    store.do(send("alice", event("r", "of-alice", HELLO)))
    store.do(failed(alice, "r", 2))
    erased, calls = 0, 0
    more = True
    while more:
        step = store.erase("bob", 3)
        erased, more, calls = erased + step.removed, step.more, calls + 1
    assert calls > 2
    assert "bob" not in everything(store)
    found = owed(store, alice)
    assert [one.event.seq for one in found] == [2, 3, 4, 5, 6, 7, 8], "the places are kept"
    assert [one.event.type for one in found[:5]] == [EventType.EVENT_TYPE_ERASED] * 5
    assert not any(one.HasField("payload") and one.payload.fields for one in found[:5])
    assert found[5].event.event_id == "of-alice"
    assert found[6].event.type == EventType.EVENT_TYPE_MEMBERSHIP
    assert store.owed(bob).superseded
    with pytest.raises(NotAMember):
        store.do(send("bob", event("r", "back")))
    joined, _ = store.ask(GetHistory("r", "alice", operator=False, before_seq=2, limit=1))
    payload = EventDelivery.FromString(joined[0]).payload
    assert [one.string_value for one in payload.fields["joined"].list_value.values] == ["alice", "erased:"]


def test_erasing_a_profile_that_made_a_room_and_was_purged(store: Store) -> None:
    fill(store, 3)
    purge(store, 3)
    while store.erase("alice", 100).more:
        pass
    assert "alice" not in everything(store)
    assert not store.erase("nobody", 100).more


def node(uri: str, until: int) -> Lease:
    return Lease(uri, "default", "n", "q", "1", 5, until)


def test_leases_are_renewed_and_forgotten(store: Store) -> None:
    store.do(RenewLeases((node("a", 100), node("b", 50)), 0))
    assert {one.uri: one.lease_until_us for one in store.do(RenewLeases((node("a", 200),), 0))} == {"a": 200, "b": 50}
    assert [one.uri for one in store.do(RenewLeases((), 51))] == ["a"]


def test_a_forgotten_device_is_owed_nothing_and_comes_back_as_a_new_one(store: Store) -> None:
    old, other = store.open("bob", "d"), store.open("bob", "e")
    fill(store)
    store.do(failed(old, "r", 2))
    store.open("bob", "d")
    assert store.do(ForgetDevice("bob", "d")) == 2
    assert store.do(ForgetDevice("bob", "d")) == 0
    assert store.owed(old).superseded
    assert store.database.rows("SELECT * FROM delivery_attempt") == []
    assert len(owed(store, other)) == 10
    again = store.open("bob", "d")
    assert again.epoch == 1
    assert owed(store, again) == []


def test_devices_are_listed_page_by_page_with_what_they_are_owed(store: Store) -> None:
    store.open("bob", "d")
    store.open("bob", "e")
    fill(store)
    store.do(CreateRoom("s", "", "alice", ("bob",)))
    page, more = store.ask(ListDevices("", "", ("", ""), 1))
    assert [(one.profile_id, one.device_id, one.epoch, one.owed, one.rooms_owed) for one in page] == [("bob", "d", 1, 11, 2)]
    assert more
    page, more = store.ask(ListDevices("bob", "", ("bob", "d"), 1))
    assert [(one.device_id, one.owed) for one in page] == [("e", 11)]
    assert not more
    assert store.ask(ListDevices("bob", "x", ("", ""), 1)) == ((), False)

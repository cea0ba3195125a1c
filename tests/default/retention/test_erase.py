"""An erased profile leaves the places of its events and nothing else."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self

import pytest

from chatd.default.messages.history import GetHistory
from chatd.default.receipts.store import SetReadMarker
from chatd.default.retention.erase import EraseProfile, Traces
from chatd.default.rooms.membership import AddSubscriptions
from chatd.default.rooms.store import GetRoom
from chatd.errors import NotAMember
from chatd.pb.events.v1.payloads_pb2 import EventDelivery, EventType
from chatd.store.command import NO_LOCKS, Command, Locks
from chatd.store.transaction import Transaction
from tests.default.retention.log import HELLO, fill, purge
from tests.store.driver import Store, event, failed, owed_deliveries, send


def everything(store: Store) -> str:
    """Every row of every table, as text."""
    tables = [
        "room",
        "room_event",
        "profile",
        "subscription",
        "device",
        "outbox",
        "delivery_attempt",
        "dead_letter",
        "connection",
        "answered_request",
    ]
    rows = [row for table in tables for row in store.database.rows(f"SELECT * FROM {table}")]
    return "\n".join(
        str([bytes(cell) if isinstance(cell, memoryview) else cell for cell in row]) for row in rows
    )


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
    found = owed_deliveries(store, alice)
    assert [one.event.seq for one in found] == [2, 3, 4, 5, 6, 7, 8], "the places are kept"
    assert [one.event.type for one in found[:5]] == [EventType.EVENT_TYPE_ERASED] * 5
    assert not any(one.HasField("payload") and one.payload.fields for one in found[:5])
    assert found[5].event.event_id == "of-alice"
    assert found[6].event.type == EventType.EVENT_TYPE_MEMBERSHIP
    assert store.owed(bob).unknown
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


def test_an_erased_profile_leaves_no_marker(store: Store) -> None:
    store.do(send("alice", event("r", "e")))
    store.do(SetReadMarker("bob", "r", 2, ""))
    store.erase("bob", 100)
    assert store.database.rows("SELECT * FROM read_marker") == []


@dataclass(frozen=True, slots=True)
class Hold(Command[None]):
    """The writer stands still from ``held`` until ``go``: what is submitted meanwhile is one
    transaction."""

    held: threading.Event
    go: threading.Event

    def locks(self) -> Locks:
        return NO_LOCKS

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[Self]) -> list[None]:
        for command in commands:
            command.held.set()
            assert command.go.wait(20)
        return [None for _ in commands]


def test_a_profile_that_joins_in_the_transaction_that_erases_it_is_there(store: Store) -> None:
    while store.erase("bob").more:
        pass
    hold = Hold(threading.Event(), threading.Event())
    store.writer.submit(hold, None)
    assert hold.held.wait(20)
    with ThreadPoolExecutor(1) as pool:
        join = AddSubscriptions("r", ("bob",), "alice", False)
        done = pool.submit(store.many, [EraseProfile("bob", Traces((), ()), 100), join])
        while store.writer.waiting < 2:
            time.sleep(0.001)
        hold.go.set()
        erased, added = done.result()
    assert (erased.more, added.profiles) == (False, ("bob",))
    assert store.database.rows("SELECT rooms FROM profile WHERE profile_id = 'bob'") == [(1,)]
    assert store.ask(GetRoom("r"))[0].member_count == 2

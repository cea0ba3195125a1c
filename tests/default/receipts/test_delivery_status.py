"""Delivery status: the profiles that an event is for, that have it, that have read it."""

from typing import Any

import pytest

from chatd.default.receipts.delivery_status import GetDeliveryStatus
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.errors import EventNotFound, NotAMember, RoomNotFound
from tests.default.dead_letters.letters import ACKNOWLEDGED, OWED
from tests.default.receipts.markers import mark, say
from tests.store.driver import Store, acks, event, send


def status(store: Store, seq: int, **fields: Any) -> Any:
    query = {"profile_id": "alice", "operator": True, "after_profile_id": "", "limit": 100, **fields}
    return store.ask(GetDeliveryStatus(room_id="r", seq=seq, **query))


def test_the_status_counts_recipients_deliveries_and_readers(store: Store) -> None:
    store.do(AddSubscriptions("r", ("carol", "dave"), by="alice", operator=False))
    phone, tablet, carol = store.open("bob", "phone"), store.open("bob", "tablet"), store.open("carol", "d")
    say(store, 2)
    found = status(store, 3)
    assert (found.recipients, found.delivered, found.read, found.more) == (3, 0, 0, False)
    store.do(acks((phone, {"r": 3}), (carol, {"r": 4})))
    mark(store, "bob", 3)
    found = status(store, 3)
    assert (found.recipients, found.delivered, found.read) == (3, 2, 1)
    assert [(one.profile_id, bool(one.read_at_us), one.devices, one.state) for one in found.profiles] == [
        ("bob", True, (("phone", ACKNOWLEDGED), ("tablet", OWED)), ACKNOWLEDGED),
        ("carol", False, (("d", ACKNOWLEDGED),), ACKNOWLEDGED),
        ("dave", False, (), 0),
    ]
    mark(store, "carol", 2)  # it takes part
    found = status(store, 3, operator=False, profile_id="bob")
    assert [(one.profile_id, one.devices, one.state) for one in found.profiles] == [
        ("bob", (("phone", ACKNOWLEDGED), ("tablet", OWED)), ACKNOWLEDGED),
        ("carol", (), ACKNOWLEDGED),
        ("dave", (), 0),
    ], "the devices of others are theirs"
    found = status(store, 4)
    assert (found.delivered, found.read) == (1, 0)
    assert [one.profile_id for one in status(store, 3, limit=1).profiles] == ["bob"]
    assert status(store, 3, limit=1).more
    assert [one.profile_id for one in status(store, 3, limit=2, after_profile_id="bob").profiles] == [
        "carol",
        "dave",
    ]
    store.do(acks((tablet, {"r": 4})))
    assert status(store, 4).delivered == 2


def test_a_member_that_joins_later_is_no_recipient_and_one_that_left_still_is(store: Store) -> None:
    bob = store.open("bob", "d")
    say(store, 1)
    store.do(RemoveSubscriptions("r", ("bob",), by="alice", operator=False))
    store.do(AddSubscriptions("r", ("carol",), by="alice", operator=False))
    found = status(store, 2)
    assert [(one.profile_id, one.devices) for one in found.profiles] == [("bob", (("d", OWED),))]
    store.do(acks((bob, {"r": 3})))
    assert store.database.rows("SELECT * FROM outbox WHERE profile_id = 'bob'") == []
    assert [(one.profile_id, one.devices) for one in status(store, 2).profiles] == [
        ("bob", (("d", ACKNOWLEDGED),))
    ]


def test_only_members_that_it_was_for_and_operators_may_ask(store: Store) -> None:
    say(store, 1)
    for room in ("r", "nowhere"):
        with pytest.raises(NotAMember, match=f"'mallory' is not a member of room '{room}', or there is no"):
            store.ask(GetDeliveryStatus(room, 2, "mallory", False, "", 10))
    assert status(store, 2, profile_id="mallory").recipients == 1
    store.do(AddSubscriptions("r", ("carol",), by="alice", operator=False))
    with pytest.raises(NotAMember, match="event 2 of room 'r' is not for 'carol'"):
        status(store, 2, profile_id="carol", operator=False)
    with pytest.raises(EventNotFound):
        status(store, 99, profile_id="carol", operator=False)
    with pytest.raises(EventNotFound):
        status(store, 99)
    with pytest.raises(RoomNotFound):
        store.ask(GetDeliveryStatus("nowhere", 1, "alice", True, "", 10))


def test_one_that_left_learns_no_more_how_events_fare_until_it_comes_back(store: Store) -> None:
    """Its own events too: what others read and receive after it left is not for it."""
    store.do(send("bob", event("r", "1")))
    assert status(store, 2, profile_id="bob", operator=False).read == 0
    store.do(RemoveSubscriptions("r", ("bob",), by="bob", operator=False))
    mark(store, "alice", 2)
    with pytest.raises(NotAMember, match="'bob' is not a member"):
        status(store, 2, profile_id="bob", operator=False)
    store.do(AddSubscriptions("r", ("bob",), by="alice", operator=False))
    assert status(store, 2, profile_id="bob", operator=False).read == 1

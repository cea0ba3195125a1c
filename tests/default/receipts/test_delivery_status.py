"""Delivery status: the profiles that an event is for, that have it, that have read it."""

from collections.abc import Sequence
from typing import Any

import pytest

from chatd.default.receipts import delivery_status
from chatd.default.receipts.delivery_status import GetDeliveryStatus
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.errors import EventNotFound, NotAMember, RoomNotFound
from chatd.store import slices
from chatd.store.database import Database
from chatd.store.slices import Unfinished
from tests.default.dead_letters.letters import ACKNOWLEDGED, OWED
from tests.default.explain import assert_looked_up
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


def test_recipients_of_a_large_room_are_counted_slice_by_slice(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Members come, go and come back; who is counted is the same in one slice and in many."""
    profiles = tuple(f"p{number:02}" for number in range(30))
    devices = [store.open(one, "d") for one in profiles]
    store.do(AddSubscriptions("r", profiles, by="alice", operator=False))
    for _ in range(5):
        store.do(RemoveSubscriptions("r", profiles[:4], by="alice", operator=False))
        store.do(AddSubscriptions("r", profiles[:3], by="alice", operator=False))
    say(store, 1)
    store.do(RemoveSubscriptions("r", profiles[10:12], by="alice", operator=False))
    store.do(acks(*((device, {"r": 13}) for device in devices[:20])))
    for profile in profiles[5:10]:
        mark(store, profile, 13)
    whole = status(store, 13)
    assert (whole.recipients, whole.delivered, whole.read) == (30, 19, 5)
    assert [one.profile_id for one in whole.profiles] == ["bob", *profiles[:3], *profiles[4:]]
    monkeypatch.setattr(slices, "SLICE_SECONDS", 0.0)
    for rows in (1, 7, 500):
        monkeypatch.setattr(delivery_status, "COUNTED_AT_ONCE", rows)
        assert status(store, 13) == whole


def test_one_statement_counts_so_many_memberships_whatever_becomes_of_them(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it look at more of them: a room of a hundred thousand takes as many statements."""
    store.do(AddSubscriptions("r", tuple(f"p{number}" for number in range(7)), by="alice", operator=False))
    say(store, 1)
    monkeypatch.setattr(delivery_status, "COUNTED_AT_ONCE", 5)
    monkeypatch.setattr(slices, "SLICE_SECONDS", 0.0)
    statements: list[tuple[str, Sequence[Any]]] = []

    class Noted(Database):
        def __init__(self) -> None:
            pass

        def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
            statements.append((sql, parameters))
            return store.database.rows(sql, parameters)

    query = GetDeliveryStatus("r", 3, "alice", False, "", 100)
    with pytest.raises(Unfinished) as unfinished:
        query.answer(Noted())
    rest = unfinished.value.rest
    assert isinstance(rest, GetDeliveryStatus)
    assert rest.count.recipients == 4, "of the first five memberships, one is the sender's"
    statements.clear()
    assert rest.answer(Noted()).recipients == 8
    assert len(statements) == 2
    for sql, parameters in statements:
        assert_looked_up(store, sql, parameters)

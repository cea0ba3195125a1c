"""Devices: registered at the head of each room, opened again with a higher epoch, listed, expired,
forgotten."""

import pytest

from chatd.core.ids import MAX_SEQ
from chatd.core.model import Owed
from chatd.default.devices import store as devices_store
from chatd.default.devices.model import DeviceHello, Registered
from chatd.default.devices.store import LATER, OVERTAKEN, ForgetDevice, ListDevices, OpenStreams
from chatd.default.notifications.push import GetPush, SetPush
from chatd.default.rooms.store import CreateRoom
from tests.default.retention.log import fill
from tests.store.driver import MANY, Store, acks, at_once, event, failed, owed_deliveries, ranges, send


def expire(store: Store) -> None:
    store.expire(store.now_us + 10)


def test_a_new_device_begins_at_the_head(store: Store) -> None:
    store.do(send("alice", event("r", "1")))
    bob = store.open("bob", "d")
    assert store.owed(bob, want_cursors=True) == Owed(cursors={"r": 2})
    store.do(send("alice", event("r", "2"), event("r", "3")))
    assert ranges(store.owed(bob)) == [("r", 3, 4)]


def test_devices_of_one_profile_are_owed_each_on_its_own(store: Store) -> None:
    early = store.open("bob", "early")
    store.do(send("alice", event("r", "1")))
    late = store.open("bob", "late")
    store.do(send("alice", event("r", "2")))
    assert ranges(store.owed(early)) == [("r", 2, 3)]
    assert ranges(store.owed(late)) == [("r", 3, 3)]


def test_a_device_known_before_keeps_its_cursor_when_it_comes_back(store: Store) -> None:
    store.open("bob", "d")
    store.do(send("alice", event("r", "1")))
    assert ranges(store.owed(store.open("bob", "d"))) == [("r", 2, 2)]


def test_a_device_opened_twice_in_a_batch_gets_two_epochs(store: Store) -> None:
    assert store.epochs(("bob", "x"), ("bob", "x"), ("bob", "y")) == (1, 2, 1)


def open_in_order(store: Store, *ordinals: int) -> list[int]:
    """Hellos of one device, each in a transaction of its own."""
    return [store.do(opening(DeviceHello("bob", "d", None, ordinal)))[0].epoch for ordinal in ordinals]


def opening(*hellos: DeviceHello) -> OpenStreams:
    return OpenStreams(hellos, MANY)


def test_a_hello_below_the_newest_ordinal_opens_nothing(store: Store) -> None:
    assert open_in_order(store, 5, 4, 5, 7, 6) == [1, OVERTAKEN, 2, 3, OVERTAKEN]
    rows = store.database.rows("SELECT epoch, ordinal FROM device")
    assert rows == [(3, 7)]


def test_a_hello_without_an_ordinal_opens_always_and_ordinals_begin_anew(store: Store) -> None:
    assert open_in_order(store, MAX_SEQ, 1, 0, 1) == [1, OVERTAKEN, 2, 3]


def test_hellos_of_one_device_in_a_batch_count_in_their_order(store: Store) -> None:
    hellos = [
        DeviceHello("bob", device, None, ordinal)
        for device, ordinal in (("d", 2), ("d", 1), ("d", 3), ("e", 1))
    ]
    assert [one.epoch for one in store.do(opening(*hellos))] == [1, OVERTAKEN, 2, 1]
    late, none = opening(DeviceHello("bob", "d", None, 2)), opening(DeviceHello("bob", "e"))
    assert store.many([late, none]) == [(Registered(OVERTAKEN),), (Registered(2),)]


def test_a_device_opened_on_two_nodes_has_one_newest_stream(nodes: tuple[Store, Store]) -> None:
    nodes[0].do(CreateRoom("r", "", "alice", ("bob",)))
    for number in range(20):
        device = ("bob", f"d{number}")
        epochs = at_once(nodes, lambda node, device=device: node.epochs(device))  # type: ignore[misc]
        assert sorted(epochs) == [(1,), (2,)]
    assert nodes[0].database.rows("SELECT COUNT(*) FROM outbox WHERE profile_id = 'bob'") == [(20,)]


def test_devices_unseen_for_long_expire_and_begin_anew(store: Store) -> None:
    old = store.open("bob", "old")
    store.now_us += 1_000_000
    used = store.open("bob", "used")
    fill(store)
    assert store.expire(0) == 0
    assert store.expire(store.now_us - 500_000) == 1
    assert store.owed(old).unknown
    assert len(owed_deliveries(store, used)) == 10
    again = store.open("bob", "old")
    assert (again.epoch, owed_deliveries(store, again)) == (1, [])


def test_a_device_that_acknowledges_now_and_then_is_seen(store: Store) -> None:
    bob = store.open("bob", "d")
    store.now_us += 2 * 3_600_000_000
    store.do(acks((bob, {})))
    assert store.expire(store.now_us - 1_000_000) == 0


def test_devices_that_never_connected_expire(store: Store) -> None:
    store.do(SetPush("bob", "never", "log", "", "", "", MANY))
    store.expire(0)
    assert store.ask(GetPush("bob", "never")) is not None
    expire(store)
    assert store.ask(GetPush("bob", "never")) is None


def test_a_forgotten_device_is_owed_nothing_and_comes_back_as_a_new_one(store: Store) -> None:
    old, other = store.open("bob", "d"), store.open("bob", "e")
    fill(store)
    store.do(failed(old, "r", 2))
    store.open("bob", "d")
    assert store.do(ForgetDevice("bob", "d")) == 2
    assert store.do(ForgetDevice("bob", "d")) == 0
    assert store.owed(old).unknown
    assert store.database.rows("SELECT * FROM delivery_attempt") == []
    assert len(owed_deliveries(store, other)) == 10
    again = store.open("bob", "d")
    assert again.epoch == 1
    assert owed_deliveries(store, again) == []


def test_devices_are_listed_page_by_page_with_what_they_are_owed(store: Store) -> None:
    store.open("bob", "d")
    store.open("bob", "e")
    fill(store)
    store.do(CreateRoom("s", "", "alice", ("bob",)))
    page, more = store.ask(ListDevices("", "", ("", ""), 1))
    assert [(one.profile_id, one.device_id, one.epoch, one.owed, one.rooms_owed) for one in page] == [
        ("bob", "d", 1, 11, 2)
    ]
    assert more
    page, more = store.ask(ListDevices("bob", "", ("bob", "d"), 1))
    assert [(one.device_id, one.owed) for one in page] == [("e", 11)]
    assert not more
    assert store.ask(ListDevices("bob", "x", ("", ""), 1)) == ((), False)


def test_new_devices_make_so_many_entries_in_one_transaction(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others come later; devices that are known make none."""
    for number in range(4):
        store.do(CreateRoom(f"x{number}", "", "bob", ()))  # bob is in five rooms, alice in one
    store.open("bob", "known")
    monkeypatch.setattr(devices_store, "MAX_NEW_ENTRIES", 4)
    devices = (("bob", "a"), ("alice", "a"), ("bob", "known"), ("bob", "b"), ("bob", "a"))
    assert store.epochs(*devices) == (1, LATER, 2, LATER, 2)
    assert store.epochs(("alice", "a"), ("bob", "b")) == (1, LATER)
    assert store.epochs(("carol", "a"), ("bob", "b")) == (1, 1)
    assert store.database.rows("SELECT COUNT(*) FROM outbox") == [(16,)]

"""Notifications of devices: registered, bounded, forgotten with the device."""

from typing import Any

import pytest

from chatd.default.devices.store import ForgetDevice
from chatd.default.notifications.push import (
    ALL,
    NONE,
    GetPush,
    GetRoomNotifications,
    SetPush,
    SetRoomNotifications,
)
from chatd.errors import NotAMember, TooManyDevices
from tests.default.notifications.driver import queued, register, say
from tests.store.driver import MANY, Store, event


def forget_device(store: Store) -> None:
    assert store.do(ForgetDevice("bob", "phone")) > 0


def expire(store: Store) -> None:
    store.expire(store.now_us + 10)


def erase(store: Store) -> None:
    while store.erase("bob", 100).more:
        pass


def test_levels_are_for_members(store: Store) -> None:
    with pytest.raises(NotAMember):
        store.do(SetRoomNotifications("eve", "r", NONE, 0))
    with pytest.raises(NotAMember):
        store.do(SetRoomNotifications("eve", "nowhere", NONE, 0))
    with pytest.raises(NotAMember):
        store.ask(GetRoomNotifications("eve", "r"))
    with pytest.raises(NotAMember):
        store.ask(GetRoomNotifications("eve", "nowhere"))


def test_what_was_set_last_is_returned(store: Store) -> None:
    assert store.ask(GetRoomNotifications("bob", "r")) == (ALL, 0)
    store.do(SetRoomNotifications("bob", "r", NONE, 5))
    assert store.ask(GetRoomNotifications("bob", "r")) == (NONE, 5)
    assert store.ask(GetRoomNotifications("alice", "r")) == (ALL, 0)


def test_a_device_that_never_connected_takes_a_place_of_its_profile(store: Store) -> None:
    store.open("bob", "connected")
    store.do(SetPush("bob", "never", "log", "", "", "", 2))
    store.do(SetPush("bob", "never", "exec", "", "", "", 2))
    store.do(SetPush("bob", "connected", "log", "", "", "", 2))
    with pytest.raises(TooManyDevices):
        store.do(SetPush("bob", "one-more", "log", "", "", "", 2))
    store.do(SetPush("carol", "other-profile", "log", "", "", "", 2))
    assert store.epochs(("bob", "never"), ("bob", "one-more"), most=2) == (1, 0)


def test_more_devices_than_allowed_stay_and_are_changed(store: Store) -> None:
    for number in range(5):
        store.do(SetPush("bob", f"d{number}", "log", "", "", "", MANY))
    store.do(SetPush("bob", "d0", "exec", "", "", "", 2))
    with pytest.raises(TooManyDevices):
        store.do(SetPush("bob", "d5", "log", "", "", "", 2))


@pytest.mark.parametrize("end", [forget_device, expire, erase])
def test_nothing_is_left_of_a_device_that_is_gone(store: Store, end: Any) -> None:
    register(store, "bob", "phone")
    store.do(SetPush("bob", "phone", "log", "", "", "", MANY))
    store.do(SetRoomNotifications("bob", "r", ALL, 0))
    say(store, event("r", "e1"))
    end(store)
    assert (queued(store), store.ask(GetPush("bob", "phone"))) == ([], None)
    with store.database.connection(readonly=True):
        assert store.database.rows("SELECT 1 FROM notification UNION ALL SELECT 1 FROM push") == []
        assert store.database.rows("SELECT 1 FROM subscription WHERE push = 1") == []

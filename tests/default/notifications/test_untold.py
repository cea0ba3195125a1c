"""The rest that is left to tell: a device has one notification that waits, and it stands for all
that is owed, unread and wanted when it is due."""

from collections.abc import Callable

import pytest

from chatd.core.model import StreamKey
from chatd.default.notifications.push import ALL, MENTIONS, NONE, SetRoomNotifications
from chatd.default.rooms.membership import RemoveSubscriptions
from chatd.default.rooms.store import CreateRoom
from tests.default.notifications.driver import (
    DELAY,
    QUIET,
    claim,
    contents,
    queued,
    read,
    register,
    say,
    send_due,
    settle,
)
from tests.store.driver import Store, acks, event

LONG = 10**15


def taken(store: Store, phone: StreamKey) -> None:
    store.do(acks((phone, {"a": 2})))


def was_read(store: Store, phone: StreamKey) -> None:
    read(store, "bob", "a", 2, "laptop")


def muted(store: Store, phone: StreamKey) -> None:
    store.do(SetRoomNotifications("bob", "a", ALL, LONG))


def silenced(store: Store, phone: StreamKey) -> None:
    store.do(SetRoomNotifications("bob", "a", NONE, 0))


def only_mentions(store: Store, phone: StreamKey) -> None:
    store.do(SetRoomNotifications("bob", "a", MENTIONS, 0))


def left(store: Store, phone: StreamKey) -> None:
    store.do(RemoveSubscriptions("a", ("bob",), "bob", False))


@pytest.fixture
def phone(store: Store) -> StreamKey:
    """Away; rooms a and b are alice's and bob's."""
    for room in ("a", "b"):
        store.do(CreateRoom(room, "", "alice", ("bob",)))
    return register(store, "bob", "phone")


@pytest.mark.parametrize("end", [taken, was_read, muted, silenced, only_mentions, left])
def test_a_room_that_needs_no_notification_does_not_silence_another(
    store: Store, phone: StreamKey, end: Callable[[Store, StreamKey], None]
) -> None:
    say(store, event("b", "b1"))
    say(store, event("a", "a1"))
    assert queued(store) == [("bob", "phone", "a", 2)], "one row for the device"
    end(store, phone)
    store.now_us += DELAY
    assert send_due(store) == [("message", "phone", "b", 2)]
    store.now_us += QUIET
    assert send_due(store) == []


def test_each_room_that_was_told_is_dismissed(store: Store, phone: StreamKey) -> None:
    say(store, event("b", "b1"))
    store.now_us += DELAY
    assert send_due(store) == [("message", "phone", "b", 2)]
    say(store, event("a", "a1"))
    store.now_us += QUIET
    assert send_due(store) == [("message", "phone", "a", 2)]
    read(store, "bob", "b", 2, "laptop")
    assert send_due(store) == [("dismiss", "phone", "b", 2)]
    read(store, "bob", "a", 2, "laptop")
    assert send_due(store) == [("dismiss", "phone", "a", 2)]
    assert queued(store) == []


def test_what_is_read_while_it_is_told_is_dismissed(store: Store, phone: StreamKey) -> None:
    say(store, event("a", "a1"))
    store.now_us += DELAY
    claims = claim(store)
    read(store, "bob", "a", 2, "laptop")
    settle(store, *claims)
    assert send_due(store) == [("dismiss", "phone", "a", 2)]
    assert queued(store) == []


def test_the_device_that_read_is_told_nothing(store: Store, phone: StreamKey) -> None:
    say(store, event("a", "a1"))
    store.now_us += DELAY
    send_due(store)
    read(store, "bob", "a", 2, "phone")
    assert queued(store) == []


def test_what_was_told_is_not_told_again(store: Store, phone: StreamKey) -> None:
    say(store, event("b", "b1"))
    store.now_us += DELAY
    send_due(store)
    say(store, event("a", "a1"))
    read(store, "bob", "a", 2, "laptop")
    store.now_us += QUIET
    assert send_due(store) == []
    say(store, event("b", "own"), sender="bob")
    say(store, event("b", "b2"))
    store.now_us += QUIET
    assert send_due(store) == [("message", "phone", "b", 4)]


def test_a_mention_is_found_among_later_events(store: Store, phone: StreamKey) -> None:
    store.do(SetRoomNotifications("bob", "b", MENTIONS, 0))
    say(store, event("b", "b1", mentions=("bob",), priority=1), event("b", "b2"), event("b", "own"))
    say(store, event("a", "a1"))
    was_read(store, phone)
    store.now_us += DELAY
    assert contents(store, *claim(store)) == [("b", 2)]
    say(store, event("b", "b3")._replace(mention_all=True), event("b", "b4"))
    store.now_us += QUIET
    assert contents(store, *claim(store)) == [("b", 5)]

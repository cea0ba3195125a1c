"""The stage alone, over a real store, with a notifier that keeps what it is given."""

import asyncio

import pytest

from chatd.core.model import PushDevice
from chatd.core.notification import Notification
from chatd.core.online import OnlineTable
from chatd.default.notifications import enqueue, offline_delivery
from chatd.default.notifications.enqueue import EnqueueNotifications
from chatd.default.notifications.offline_delivery import OfflineDelivery
from chatd.default.notifications.push import SetPush
from chatd.default.notifications.queue import ListNotifications
from chatd.default.notifications.sender import NotifyRule
from chatd.default.rooms.store import CreateRoom
from tests.store.driver import MANY, DirectAccess, Store, event, send


class Kept:
    def __init__(self) -> None:
        self.notifications: list[Notification] = []

    async def notify(self, notification: Notification, push: PushDevice) -> None:
        self.notifications.append(notification)
        if notification.profile_id == "p03":
            raise ZeroDivisionError

    async def close(self) -> None:
        """Nothing is held."""


async def test_large_rooms_are_enqueued_page_by_page_and_not_too_often(
    db_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offline_delivery, "PAGE", 10)
    monkeypatch.setattr(enqueue, "PAGE", 10)
    store = Store(db_uri)
    store.now_us = 10**15
    access, kept = DirectAccess(store), Kept()
    commands = access.commands
    stage = OfflineDelivery(
        NotifyRule(delay=0, quiet=60, retry=60, timeout=1, max_retries=3, preview=10),
        {"log": kept},
        access,
        online=OnlineTable(),
        tick=1.0,
        clock=lambda: store.now_us,
        steady=lambda: store.now_us / 1e6,
    )
    people = tuple(f"p{number:02}" for number in range(25))
    store.do(CreateRoom("r", "", "alice", people))
    store.do(CreateRoom("small", "", "alice", people[:2]))
    for profile in people:
        store.open(profile, "phone")
        store.do(SetPush(profile, "phone", "log", "", "", "", MANY))

    def say(number: int) -> None:
        for room in ("r", "small"):
            store.do(send("alice", event(room, f"{room}{number}")))
        store.publish()

    say(1)
    stage.begin()
    assert [command.after for command in commands if isinstance(command, EnqueueNotifications)] == [
        "",
        "",
        "p09",
        "p19",
    ]
    async with asyncio.timeout(10):
        while stage.sender.sent.value < 24:
            await asyncio.sleep(0.01)
    assert sorted(one.profile_id for one in kept.notifications) == list(people)
    ((failed,), _) = store.ask(ListNotifications("waiting", "", 10))
    assert (failed.profile_id, failed.error) == ("p03", "the notifier failed: ZeroDivisionError")
    commands.clear()
    say(2)
    stage.begin()
    noted = [command.rooms for command in commands if isinstance(command, EnqueueNotifications)]
    assert noted == [("small",)], "the large one has just had its turn"
    store.now_us += 1_000_000
    stage.begin()
    assert (
        sum(command.rooms == ("r",) for command in commands if isinstance(command, EnqueueNotifications)) == 3
    )
    await stage.stop(1)
    store.close()

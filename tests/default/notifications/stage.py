"""The stage alone, over a real store, with a notifier that keeps what it is given."""

import asyncio

from chatd.core.ids import SIGNALS
from chatd.core.model import PushDevice
from chatd.core.notification import Notification, Notifier
from chatd.core.online import OnlineTable
from chatd.default.notifications.offline_delivery import OfflineDelivery
from chatd.default.notifications.sender import NotifyRule
from tests.store.driver import DirectAccess, Store


class Kept:
    """A notifier."""

    def __init__(self) -> None:
        self.notifications: list[Notification] = []

    async def notify(self, notification: Notification, push: PushDevice) -> None:
        self.notifications.append(notification)
        if notification.profile_id == "p03":
            raise ZeroDivisionError

    async def close(self) -> None:
        """Nothing is held."""


class Stage:
    """``kept`` is the notifier unless there is another one; ``online`` and ``signals`` are a test's
    to fill."""

    def __init__(
        self, store: Store, notifier: Notifier | None = None, *, delay: float = 0, silence: float = 90
    ) -> None:
        self.store = store
        self.access, self.kept = DirectAccess(store), Kept()
        self.online, self.signals = OnlineTable(), OnlineTable(SIGNALS)
        store.now_us = 10**15
        self.delivery = OfflineDelivery(
            NotifyRule(delay=delay, quiet=60, retry=10, timeout=1, max_retries=3, preview=10),
            {"log": notifier or self.kept},
            self.access,
            online=self.online,
            signals=self.signals,
            silence=silence,
            tick=1.0,
            clock=lambda: store.now_us,
            steady=lambda: store.now_us / 1e6,
        )

    async def pass_after(self, seconds: float) -> list[Notification]:
        """Let time pass, and make one pass; the notifications that it sent."""
        self.store.now_us += round(seconds * 1e6)
        self.kept.notifications.clear()
        self.delivery.begin()
        for _ in range(10):  # a notification is sent and settled in three turns of the loop
            await asyncio.sleep(0)
        return list(self.kept.notifications)

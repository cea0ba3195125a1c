"""A notification that is not taken is tried later, when the service says so, or given up."""

import asyncio

import pytest

from chatd.core.model import PushDevice
from chatd.core.notification import Notification, NotificationRefused, NotifyFailed
from chatd.default.notifications.queue import ListNotifications
from tests.default.notifications.driver import DELAY, register, say
from tests.default.notifications.stage import Stage
from tests.store.driver import Store, event


class Refusing:
    """A notifier that fails as it is told."""

    def __init__(self, failure: NotifyFailed) -> None:
        self._failure = failure

    async def notify(self, notification: Notification, push: PushDevice) -> None:
        raise self._failure

    async def close(self) -> None:
        """Nothing is held."""


async def outcome(store: Store, failure: NotifyFailed) -> tuple[str, float]:
    """State of the one notification after one try, and the seconds until the next."""
    stage = Stage(store, Refusing(failure)).delivery
    register(store, "bob", "phone")
    say(store, event("r", "e1"))
    store.now_us += DELAY
    stage.begin()
    async with asyncio.timeout(10):
        while True:
            ((row,), _) = store.ask(ListNotifications("", "", 10))
            if row.error:
                break
            await asyncio.sleep(0.01)
    await stage.stop(1)
    assert row.error == str(failure)
    return row.state, (row.at_us - store.now_us) / 1e6


@pytest.mark.parametrize(
    ("failure", "state", "least", "most"),
    [
        (NotifyFailed("HTTP 500"), "waiting", 7.5, 12.5),
        (NotifyFailed("HTTP 429", retry_after=600.0), "waiting", 600.0, 750.0),
        (NotifyFailed("HTTP 429", retry_after=1.0), "waiting", 7.5, 12.5),
        (NotifyFailed("HTTP 503", retry_after=86_400.0), "waiting", 86_400.0, 108_000.0),
        (NotificationRefused("HTTP 413"), "dead", 0.0, 0.0),
    ],
    ids=lambda value: str(value),
)
async def test_the_next_try(
    store: Store, failure: NotifyFailed, state: str, least: float, most: float
) -> None:
    became, seconds = await outcome(store, failure)
    assert became == state
    assert least <= seconds <= most

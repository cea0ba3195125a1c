"""``webhook``: signed with time and body, taken by any 2xx only, never redirected."""

import hmac
import time
from collections.abc import AsyncIterator

import pytest

from chatd.core.model import PushDevice
from chatd.core.notification import Notification, NotifyFailed
from chatd.notify.webhook import WebhookNotifier
from tests.daemons import free_port
from tests.notify.receiver import SECRET, Receiver

NOTIFICATION = Notification(kind="message", profile_id="bob", device_id="phone", room_id="r", seq=7)
PUSH = PushDevice("webhook", "", "", "")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as running:
        yield running


@pytest.fixture
async def notifier(receiver: Receiver) -> AsyncIterator[WebhookNotifier]:
    made = WebhookNotifier(f"{receiver.origin}/hook", SECRET, timeout=10)
    yield made
    await made.close()


async def test_a_request_is_signed_with_its_time_and_body(
    receiver: Receiver, notifier: WebhookNotifier
) -> None:
    await notifier.notify(NOTIFICATION, PUSH)
    (request,) = receiver.received
    assert (request.json()["profile_id"], request.json()["seq"]) == ("bob", 7)
    assert request.headers["Content-Type"] == "application/json"
    at, mac = (part.split("=")[1] for part in request.headers["X-Chatd-Signature"].split(","))
    assert mac == hmac.new(SECRET.encode(), at.encode() + b"." + request.body, "sha256").hexdigest()
    assert abs(time.time() - int(at)) < 60


@pytest.mark.parametrize("status", [200, 204, 299])
async def test_any_2xx_takes_it(receiver: Receiver, notifier: WebhookNotifier, status: int) -> None:
    receiver.answer = lambda: status
    await notifier.notify(NOTIFICATION, PUSH)
    assert len(receiver.received) == 1


@pytest.mark.parametrize("status", [302, 307, 400, 410, 500])
async def test_any_other_status_is_a_failure_and_not_followed(
    receiver: Receiver, notifier: WebhookNotifier, status: int
) -> None:
    receiver.answer = lambda: status
    with pytest.raises(NotifyFailed, match=f"HTTP {status}"):
        await notifier.notify(NOTIFICATION, PUSH)
    assert len(receiver.received) == 1


async def test_a_service_that_is_away_is_a_failure() -> None:
    notifier = WebhookNotifier(f"http://127.0.0.1:{free_port()}/hook", SECRET, timeout=1)
    with pytest.raises(NotifyFailed, match="no answer"):
        await notifier.notify(NOTIFICATION, PUSH)
    await notifier.close()

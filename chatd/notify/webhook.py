"""``webhook``: an HTTP POST to the operators' service, signed as others sign theirs:
``X-Chatd-Signature: t=seconds,v1=HMAC-SHA256``.

The signature covers the time, a dot and the body: a receiver that checks both refuses what was made
up and what is replayed later.
"""

import hmac
import json
import time

import aiohttp

from chatd.core.model import PushDevice
from chatd.core.notification import Notification, NotifyFailed
from chatd.notify.http_answer import check_answer

SIGNATURE = "X-Chatd-Signature"


class WebhookNotifier:
    """``timeout`` is in seconds. Any 2xx: taken. Redirects are not followed."""

    def __init__(self, url: str, secret: str, *, timeout: float) -> None:
        self._url = url
        self._secret = secret.encode()
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._session: aiohttp.ClientSession | None = None

    async def notify(self, notification: Notification, push: PushDevice) -> None:
        body = json.dumps(notification.to_dict()).encode()
        headers = {"Content-Type": "application/json", SIGNATURE: sign(self._secret, int(time.time()), body)}
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        try:
            async with self._session.post(
                self._url, data=body, headers=headers, allow_redirects=False
            ) as response:
                check_answer(response)
        except (aiohttp.ClientError, OSError, TimeoutError) as exc:
            raise NotifyFailed(f"no answer: {type(exc).__name__}") from exc

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def sign(secret: bytes, at_seconds: int, body: bytes) -> str:
    """The header's value."""
    digest = hmac.new(secret, b"%d." % at_seconds + body, "sha256").hexdigest()
    return f"t={at_seconds},v1={digest}"

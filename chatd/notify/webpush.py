"""``webpush``: browsers and UnifiedPush (RFC 8030, 8291, 8292): pywebpush encrypts, py_vapid signs,
the POST is ours.

pywebpush's own POST would follow redirects to wherever they lead; and names are looked up here, so
that what was checked is what is connected to.
"""

import dataclasses
import json
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from py_vapid import Vapid02, VapidException  # type: ignore[import-untyped]
from pywebpush import WebPusher, WebPushException  # type: ignore[import-untyped]

from chatd.core.graphemes import shorten
from chatd.core.model import PushDevice
from chatd.core.notification import Notification, NotifyFailed, TargetGone
from chatd.errors import ConfigError, os_error
from chatd.files.private import require_private
from chatd.notify.http_answer import check_answer
from chatd.notify.push_endpoints import PushEndpoints, is_public

KEEP_SECONDS = 86_400
"""Seconds that the push service keeps it for a device that is switched off."""
MAX_BODY = 4_096
"""Bytes of a POST that every push service takes (RFC 8030, 7.2)."""
MAX_CONTENT = MAX_BODY - 86 - 17
"""Bytes left for the content: the body begins with salt, record size and key (86), and its one
record (RFC 8291, 4) ends with a delimiter and a tag (17)."""
_GONE = (404, 410)


class WebPushNotifier:
    """``timeout`` is in seconds; ``subject`` the operators' mailto: or https: address, for the push
    service. Raises ConfigError for a bad key and for one that others may read, StartFailed
    for one that cannot be read now."""

    def __init__(self, key: Path, subject: str, endpoints: PushEndpoints, *, timeout: float) -> None:
        try:
            require_private(key, f"NOTIFY_VAPID_KEY: {key}")
            # py_vapid would make a key at a path where there is none.
            self._vapid = Vapid02.from_pem(key.read_bytes())
        except OSError as exc:
            raise os_error(f"NOTIFY_VAPID_KEY: {key}", exc) from exc
        except (ValueError, VapidException) as exc:
            raise ConfigError(
                f"NOTIFY_VAPID_KEY: {key} cannot be read as an EC private key on P-256"
            ) from exc
        self._subject = subject
        self._endpoints = endpoints
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def notify(self, notification: Notification, push: PushDevice) -> None:
        # Checked again here: the operators may have changed NOTIFY_WEBPUSH_HOSTS since it was
        # registered.
        if fault := self._endpoints.fault(push.endpoint):
            raise TargetGone(f"the endpoint is refused: {fault}")
        try:
            pusher = WebPusher(
                {"endpoint": push.endpoint, "keys": {"p256dh": push.p256dh, "auth": push.auth}}
            )
            body = pusher.encode(fitted(notification, MAX_CONTENT))["body"]
        except (WebPushException, ValueError, TypeError) as exc:
            raise TargetGone("the subscription's keys are none") from exc
        parts = urlsplit(push.endpoint)
        claims = {
            "sub": self._subject,
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": int(time.time()) + 43_200,
        }
        headers = {**self._vapid.sign(claims), "Content-Encoding": "aes128gcm", "TTL": str(KEEP_SECONDS)}
        try:
            session = self._session(trusted=self._endpoints.is_trusted(push.endpoint))
            async with session.post(
                push.endpoint, data=body, headers=headers, allow_redirects=False
            ) as response:
                check_answer(response, gone=_GONE)
        except (aiohttp.ClientError, OSError, TimeoutError) as exc:
            raise NotifyFailed(f"no answer: {type(exc).__name__}") from exc

    def _session(self, *, trusted: bool) -> aiohttp.ClientSession:
        if trusted not in self._sessions:
            connector = aiohttp.TCPConnector(resolver=ThreadedResolver() if trusted else PublicResolver())
            self._sessions[trusted] = aiohttp.ClientSession(timeout=self._timeout, connector=connector)
        return self._sessions[trusted]

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.close()


def fitted(notification: Notification, size: int) -> bytes:
    """The notification as JSON of at most ``size`` bytes: the preview is shortened until it fits.
    The rest, without a preview, always fits in MAX_CONTENT: ids have 128 bytes, a room's name
    256."""
    content = _to_json(notification)
    excess = len(content) - size
    if excess <= 0:
        return content
    # A character takes at least as many bytes in JSON as in UTF-8.
    left = max(0, len(notification.preview.encode()) - excess)
    preview = shorten(notification.preview, len(notification.preview), size=left)
    return _to_json(dataclasses.replace(notification, preview=preview))


def _to_json(notification: Notification) -> bytes:
    return json.dumps(notification.to_dict(), ensure_ascii=False, separators=(",", ":")).encode()


class PublicResolver(AbstractResolver):
    """Finds hosts at public addresses only."""

    def __init__(self) -> None:
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = [one for one in await self._resolver.resolve(host, port, family) if is_public(one["host"])]
        if not found:
            raise OSError("the host has no public address")
        return found

    async def close(self) -> None:
        await self._resolver.close()

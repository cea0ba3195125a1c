"""Web Push as a browser sees it: encrypted for it alone, signed for its push service."""

import asyncio
import base64
import json
import os
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import http_ece  # type: ignore[import-untyped]
import pytest
import regex
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02  # type: ignore[import-untyped]

from chatd.client import HEAD, Client
from chatd.core.model import PushDevice
from chatd.core.notification import Notification, NotificationRefused, NotifyFailed, TargetGone
from chatd.errors import ConfigError, InvalidArgument, StartFailed
from chatd.notify.push_endpoints import PushEndpoints
from chatd.notify.webpush import PublicResolver, WebPushNotifier
from chatd.store.database import Database
from tests.notify.receiver import QUICK, Receiver
from tests.system.deployment import Deployment


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


async def test_a_browser_can_read_it_and_ends_it(tmp_path: Path) -> None:
    key = tmp_path / "vapid.pem"
    vapid = Vapid02()
    vapid.generate_keys()
    vapid.save_key(str(key))
    key.chmod(0o600)
    browser, secret = ec.generate_private_key(ec.SECP256R1()), os.urandom(16)
    public = browser.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    statuses = iter([201, 410])
    async with Receiver(lambda: next(statuses)) as receiver:
        settings = {
            **QUICK,
            "NOTIFIERS": "webpush",
            "NOTIFY_VAPID_KEY": key,
            "NOTIFY_VAPID_SUBJECT": "mailto:operators@example.org",
            "NOTIFY_WEBPUSH_HOSTS": f"push.example.org,{receiver.origin}",
        }
        with Deployment(
            tmp_path, f"sqlite:///{tmp_path}/c.db", defaults=0, gateways=0, **settings
        ) as deployment:
            uri, token = deployment.uri(), deployment.token
            async with Client(uri, token, profile="alice") as alice, Client(uri, token, profile="bob") as bob:
                await alice.create_room("r", profiles=["bob"])
                async with bob.stream("browser", start=HEAD) as stream:
                    await stream.caught_up()
                keys = {"p256dh": base64url(public), "auth": base64url(secret)}
                for endpoint in (
                    "https://127.0.0.1/x",
                    "https://evil.example.org/x",
                    "http://push.example.org/x",
                    "",
                ):
                    with pytest.raises(InvalidArgument):
                        await bob.set_push("browser", "webpush", endpoint=endpoint, **keys)
                with pytest.raises(InvalidArgument):
                    await bob.set_push(
                        "browser",
                        "webpush",
                        endpoint=f"{receiver.origin}/bob",
                        p256dh="no key at all!",
                        auth="x",
                    )
                await bob.set_push("browser", "webpush", endpoint=f"{receiver.origin}/bob", **keys)
                await alice.send("r", "good morning")
                (first,) = await receiver.until(1)
                content = json.loads(
                    http_ece.decrypt(first.body, private_key=browser, auth_secret=secret, version="aes128gcm")
                )
                assert (content["preview"], content["badge"], content["device_id"]) == (
                    "good morning",
                    1,
                    "browser",
                )
                assert b"good morning" not in first.body
                assert first.headers["Authorization"].startswith("vapid t=")
                assert Vapid02.verify(first.headers["Authorization"])
                await alice.send("r", "once more")
                await receiver.until(2)
                # The subscription has ended: nothing is left to retry.
                database = Database(f"sqlite:///{tmp_path}/c.db")
                with database.connection(readonly=True):
                    async with asyncio.timeout(20):
                        while database.rows("SELECT 1 FROM push UNION ALL SELECT 1 FROM notification"):
                            await asyncio.sleep(0.05)


class Browser:
    """A subscription's keys, and what its browser reads."""

    def __init__(self) -> None:
        self._key, self._secret = ec.generate_private_key(ec.SECP256R1()), os.urandom(16)

    def device(self, endpoint: str) -> PushDevice:
        public = self._key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return PushDevice("webpush", endpoint, base64url(public), base64url(self._secret))

    def read(self, body: bytes) -> Any:
        return json.loads(
            http_ece.decrypt(body, private_key=self._key, auth_secret=self._secret, version="aes128gcm")
        )


@pytest.fixture
def key(tmp_path: Path) -> Path:
    vapid = Vapid02()
    vapid.generate_keys()
    vapid.save_key(str(tmp_path / "vapid.pem"))
    (tmp_path / "vapid.pem").chmod(0o600)
    return tmp_path / "vapid.pem"


FAMILY = "👨\u200d👩\u200d👧\u200d👦"
LONGEST = Notification(
    kind="message",
    profile_id='"' * 128,
    device_id="\\" * 128,
    room_id="日" * 42,
    room_name="\x01" * 256,
    seq=2**63 - 1,
    sender_id='"' * 128,
    badge=2**63 - 1,
    sent_at_us=2**63 - 1,
)


@pytest.mark.parametrize(
    "preview", ["日本語" * 333, FAMILY * 1000, '"' * 1000, "a" * 999 + "…", "\u0301" * 16_000, "short", ""]
)
@pytest.mark.parametrize(
    "notification",
    [Notification("message", "bob", "phone"), LONGEST, Notification("invitation", "bob", "phone", "attic")],
    ids=["plain", "longest", "invitation"],
)
async def test_the_post_is_no_larger_than_every_push_service_takes(
    key: Path, notification: Notification, preview: str
) -> None:
    browser = Browser()
    async with Receiver() as receiver:
        notifier = WebPushNotifier(key, "mailto:a@example.org", PushEndpoints([receiver.origin]), timeout=5)
        await notifier.notify(replace(notification, preview=preview), browser.device(f"{receiver.origin}/x"))
        await notifier.close()
    (post,) = receiver.received
    assert len(post.body) <= 4_096
    content = browser.read(post.body)
    assert {**content, "preview": ""} == {**notification.to_dict(), "preview": ""}
    shown = content["preview"]
    assert shown == preview or (
        shown.endswith("…") and regex.fullmatch(r"\X*", shown[:-1]) and preview.startswith(shown[:-1])
    )
    assert FAMILY not in preview or shown.removesuffix("…").replace(FAMILY, "") == "", "no cluster is cut"
    if len(preview) == 999 and notification.profile_id == "bob":
        assert len(post.body) > 3_000, "no more is cut off than must be"


@pytest.mark.parametrize(
    ("status", "headers", "kind", "seconds"),
    [
        (429, {"Retry-After": "120"}, NotifyFailed, 120.0),
        (503, {"Retry-After": "7"}, NotifyFailed, 7.0),
        (429, {}, NotifyFailed, 0.0),
        (500, {"Retry-After": "120"}, NotifyFailed, 0.0),
        (413, {}, NotificationRefused, 0.0),
        (410, {}, TargetGone, 0.0),
    ],
)
async def test_answers_of_a_push_service(
    key: Path, status: int, headers: dict[str, str], kind: type[NotifyFailed], seconds: float
) -> None:
    async with Receiver(lambda: status, headers) as receiver:
        notifier = WebPushNotifier(key, "mailto:a@example.org", PushEndpoints([receiver.origin]), timeout=5)
        with pytest.raises(NotifyFailed, match=str(status)) as raised:
            await notifier.notify(LONGEST, Browser().device(f"{receiver.origin}/x"))
        await notifier.close()
    assert (type(raised.value), raised.value.retry_after) == (kind, seconds)


@pytest.mark.parametrize("host", ["localhost", "64:ff9b::7f00:1", "2002:7f00:1::", "::7f00:1", "fec0::1"])
async def test_a_name_that_leads_inside_is_not_followed(host: str) -> None:
    resolver = PublicResolver()
    with pytest.raises(OSError, match="no public address"):
        await resolver.resolve(host, 443, socket.AF_UNSPEC)
    await resolver.close()


async def test_a_name_that_leads_elsewhere_when_it_is_connected_to(
    key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the name of an allowed host, which leads inside by the time of the POST."""
    asked = []

    def getaddrinfo(host: str, port: int, *_: object, **__: object) -> list[object]:
        asked.append(host)
        inside = ("64:ff9b::7f00:1", port, 0, 0)
        return [(socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", inside)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    notifier = WebPushNotifier(key, "mailto:a@example.org", PushEndpoints(["push.example.org"]), timeout=5)
    with pytest.raises(NotifyFailed, match="no answer: ClientConnectorDNSError"):
        await notifier.notify(LONGEST, Browser().device("https://push.example.org/x"))
    await notifier.close()
    assert asked == ["push.example.org"]


@pytest.mark.parametrize(
    "text", ["", "-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----\n", None]
)
def test_a_key_that_is_none_is_a_fault_of_the_settings(tmp_path: Path, text: str | None) -> None:
    key = tmp_path / "key.pem"
    if text is not None:
        key.write_text(text)
        key.chmod(0o600)
    with pytest.raises(StartFailed if text is None else ConfigError, match="NOTIFY_VAPID_KEY"):
        WebPushNotifier(key, "mailto:a@example.org", PushEndpoints([]), timeout=1)


def test_a_key_that_others_may_read_is_refused(key: Path) -> None:
    key.chmod(0o640)
    with pytest.raises(ConfigError, match=r"mode 0640.*chmod 600"):
        WebPushNotifier(key, "mailto:a@example.org", PushEndpoints([]), timeout=1)

"""Web Push as a browser sees it: encrypted for it alone, signed for its push service; and an endpoint is nowhere a client may send us."""

import asyncio
import base64
import json
import os
from pathlib import Path

import http_ece  # type: ignore[import-untyped]
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02  # type: ignore[import-untyped]

from chatd.client import Client
from chatd.errors import ConfigError, InvalidArgument
from chatd.notify.push_endpoints import PushEndpoints, is_public
from chatd.notify.webpush import PublicResolver, WebPushNotifier
from chatd.store.database import Database
from tests.notify.receiver import Receiver
from tests.notify.test_offline_delivery import QUICK
from tests.system.deployment import Deployment


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


async def test_a_browser_can_read_it_and_ends_it(tmp_path: Path) -> None:
    key = tmp_path / "vapid.pem"
    vapid = Vapid02()
    vapid.generate_keys()
    vapid.save_key(str(key))
    browser, secret = ec.generate_private_key(ec.SECP256R1()), os.urandom(16)
    public = browser.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    statuses = iter([201, 410])
    async with Receiver(lambda: next(statuses)) as receiver:
        settings = {
            **QUICK,
            "NOTIFIERS": "webpush",
            "NOTIFY_VAPID_KEY": key,
            "NOTIFY_VAPID_SUBJECT": "mailto:operators@example.org",
            "NOTIFY_WEBPUSH_HOSTS": f"push.example.org,{receiver.origin}",
        }
        with Deployment(tmp_path, f"sqlite:///{tmp_path}/c.db", defaults=0, gateways=0, **settings) as deployment:
            uri, token = deployment.uri(), deployment.token
            async with Client(uri, token, profile="alice") as alice, Client(uri, token, profile="bob") as bob:
                await alice.create_room("r", profiles=["bob"])
                async with bob.stream("browser") as stream:
                    await stream.caught_up()
                keys = {"p256dh": base64url(public), "auth": base64url(secret)}
                for endpoint in ("https://127.0.0.1/x", "https://evil.example.org/x", "http://push.example.org/x", ""):
                    with pytest.raises(InvalidArgument):
                        await bob.set_push("browser", "webpush", endpoint=endpoint, **keys)
                with pytest.raises(InvalidArgument):
                    await bob.set_push("browser", "webpush", endpoint=f"{receiver.origin}/bob", p256dh="no key at all!", auth="x")
                await bob.set_push("browser", "webpush", endpoint=f"{receiver.origin}/bob", **keys)
                await alice.send("r", "good morning")
                (first,) = await receiver.until(1)
                content = json.loads(http_ece.decrypt(first.body, private_key=browser, auth_secret=secret, version="aes128gcm"))
                assert (content["preview"], content["badge"], content["device_id"]) == ("good morning", 1, "browser")
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


@pytest.mark.parametrize(
    ("endpoint", "good"),
    [
        ("https://push.example.org/abc", True),
        ("https://eu.push.example.org:443/abc?x=1", True),
        ("https://PUSH.example.org/abc", True),
        ("https://notpush.example.org/abc", False),
        ("https://push.example.org.evil.net/abc", False),
        ("https://evil.net/push.example.org", False),
        ("https://push.example.org@evil.net/", False),
        ("https://evil.net\\@push.example.org/", False),
        ("https://push.example.org:8443/", False),
        ("https://push.example.org:x/", False),
        ("http://push.example.org/", False),
        ("https://169.254.169.254/latest", False),
        ("https://[::1]/", False),
        ("http://127.0.0.1:8000/anything", True),
        ("http://127.0.0.1:8001/anything", False),
        ("http://127.0.0.1:8000@evil.net/", False),
        ("file:///etc/passwd", False),
        ("https://push.example.org/\r\nHost: x", False),
        ("https://push.example.org/" + "x" * 2_048, False),
        ("", False),
    ],
)
def test_endpoints(endpoint: str, good: bool) -> None:
    assert (PushEndpoints(["push.example.org", " http://127.0.0.1:8000/ "]).fault(endpoint) == "") == good


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_public_addresses(address: str, public: bool) -> None:
    assert is_public(address) == public


async def test_a_name_that_leads_inside_is_not_followed() -> None:
    resolver = PublicResolver()
    with pytest.raises(OSError, match="no public address"):
        await resolver.resolve("localhost", 443)
    await resolver.close()


@pytest.mark.parametrize("text", ["", "-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----\n", None])
def test_a_key_that_is_none_is_a_fault_of_the_settings(tmp_path: Path, text: str | None) -> None:
    key = tmp_path / "key.pem"
    if text is not None:
        key.write_text(text)
    with pytest.raises(ConfigError, match="NOTIFY_VAPID_KEY"):
        WebPushNotifier(key, "mailto:a@example.org", PushEndpoints([]), timeout=1)

"""The rights that the queue's page asks for are enough, for the queue and for the cache."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chatd.core.broker_address import BrokerAddress
from chatd.default.devices.redis_connection_cache import RedisScripts
from chatd.transport.queue import redis
from chatd.transport.redis_link import RedisLink, connect
from tests.brokers import SECRET, BrokerProcess, broker
from tests.transport.queue.test_broker import ITSELF, Ends, context, ends
from tests.transport.queue.test_conformance import until

__all__ = ["context", "ends"]

PAGE = Path(redis.__file__).with_name("README.md")


def with_rights(begin: str, folder: Path) -> "BrokerProcess":
    """A Redis whose user ``chatd`` has the rights of the page that begin so, and no others."""
    (rights,) = re.findall(rf"`({re.escape(begin)} [^`]*)`", PAGE.read_text())
    user = ["chatd", "on", f">{SECRET}", "resetchannels", *rights.split()]
    return BrokerProcess("redis", folder, "--user", *user, "--user", "default", "off")


def address(running: BrokerProcess, name: str) -> str:
    return f"redis://chatd:{SECRET}@127.0.0.1:{running.port}/{name}"


@pytest.fixture(autouse=True)
def installed(tmp_path: Path) -> None:
    with broker("redis", tmp_path):
        pass


@pytest.fixture
def kinds(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Kinds of the messages that have come to gateways, in order."""
    came: list[bytes] = []
    read_on = RedisLink.read_on

    async def noting(link: RedisLink, take: Callable[[Any], None]) -> None:
        def note(message: list[bytes]) -> None:
            came.append(message[0])
            take(message)

        await read_on(link, note)

    monkeypatch.setattr(RedisLink, "read_on", noting)
    return came


async def test_the_queue(kinds: list[bytes], ends: Ends, tmp_path: Path) -> None:
    with with_rights("&delivery:gateway:*", tmp_path) as running:
        node = ends.node(address(running, "delivery"))
        gateway, subscriber = ends.gateway(address(running, "delivery"))
        node.meet("g-1")
        await until(lambda: subscriber.is_heard)
        await until(lambda: b"pong" in kinds)  # it has been asked if it is still there
        node.publish_to("g-1", ITSELF, b"heard")
        await until(lambda: gateway.has_heard(b"heard"))
        assert (node.problem, subscriber.problem, gateway.missed) == ("", "", [])


async def test_the_cache(tmp_path: Path) -> None:
    with with_rights("~chatd:connections*", tmp_path) as running:
        link = await connect(BrokerAddress.parse(address(running, "chatd"), ""), "the cache")
        scripts = RedisScripts("chatd", 60.0)
        commands = [scripts.trial(), scripts.note(b"a\0b", 1, 1, b"x"), scripts.list(b"-", b"+", 10)]
        *_, (more, found), _ = await link.answers([*commands, scripts.forget(b"a\0b", 1)])
        assert (more, found) == (0, [[b"x", b"1"]])
        await link.close()

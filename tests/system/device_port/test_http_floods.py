"""Floods of the HTTP front, judged as those of the native one are."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacker import attack
from tests.bench.measure import rss_kib
from tests.bystander import Bystander
from tests.daemons import Daemon, free_port
from tests.protocol.limited import daemon_with_users, token_of
from tests.system.device_port.test_floods import FLOOR

log = logging.getLogger(__name__)
GROWN_KIB = 64_000
"""Three hundred connections of aiohttp, with what they have said."""


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def daemon(port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    folder: Path = tmp_path_factory.mktemp("chatd")
    http = {"HTTP_URI": f"http://127.0.0.1:{port}"}
    with daemon_with_users(folder, ["ann", "ben"], http) as running:
        yield running


@pytest.mark.parametrize("kind", ["http_nowhere", "http_json", "http_chunks"])
def test_another_user_is_served_during_a_flood(daemon: Daemon, port: int, kind: str) -> None:
    with Bystander(daemon.uri, token_of("ann"), floor=FLOOR) as ann:
        ann.be_quiet()
        before = rss_kib(daemon.pid)
        with attack(kind, f"tcp://127.0.0.1:{port}", token_of("ben")):
            ann.watch()
            grown = rss_kib(daemon.pid) - before
        shown = f"{ann.assert_served()}; grown by {grown} KiB"
    log.info("%s: %s", kind, shown)
    assert grown < GROWN_KIB, shown

"""Floods: a process that sends without an end, and again when it is hung up on. Another user is
served meanwhile, and the gateway does not grow.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chatd.core.zmtp import MORE, command, frame
from tests.attacker import attack
from tests.bench.measure import rss_kib
from tests.bystander import Bystander
from tests.daemon.metrics.scraping import metrics_uri, value
from tests.daemons import Daemon
from tests.protocol.limited import daemon_with_users, token_of
from tests.raw_peer import GREETING, RawPeer, ready

log = logging.getLogger(__name__)
GROWN_KIB = 24_000
FLOOR = 0.15
STRANGERS_FLOODS = ("endless_parts", "small_parts", "empty_frames", "nothing")
USERS_FLOODS = ("calls", "hellos")
"""Their connections come again and again, and then wait for their turn."""
GROWS_SECONDS = 10.0
PER_SECOND = {
    "calls": ("chatd_connections_hung_up_total", 150),
    "hellos": ("chatd_streams_opened_total", 150),
    "empty_frames": ("chatd_connections_hung_up_total", 250),
}
"""The most that a flood may bring about in a second. Without bounds it was 1,000, 1,000 and 350 on
the machine that this was written on."""
STRANGERS = [f"user{number}" for number in range(10_000)]
"""Users who never come; each has a token."""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    folder: Path = tmp_path_factory.mktemp("chatd")
    with daemon_with_users(folder, ["ann", "ben", "carol", *STRANGERS], metrics_uri()) as running:
        yield running


@pytest.mark.parametrize(
    "kind",
    [
        "endless_parts",
        "small_parts",
        "commands",
        "empty_frames",
        "nothing",
        "calls",
        "hellos",
        "tokens",
    ],
)
def test_another_user_is_served_during_a_flood(daemon: Daemon, kind: str) -> None:
    with Bystander(daemon.uri, token_of("ann"), floor=FLOOR) as ann:
        ann.be_quiet()
        before = rss_kib(daemon.pid)
        with attack(kind, daemon.uri, token_of("ben")):
            if kind in STRANGERS_FLOODS:
                let_it_grow(daemon, "address")
            if kind in USERS_FLOODS:
                let_it_grow(daemon, "profile")
            with bounded(daemon, kind):
                ann.watch()
            with RawPeer(daemon.uri, token_of("carol")) as newcomer:
                newcomer.hello("phone")
                newcomer.hear_until("caught_up")
            grown = rss_kib(daemon.pid) - before
        shown = f"{ann.assert_served()}; grown by {grown} KiB"
    log.info("%s: %s", kind, shown)
    assert grown < GROWN_KIB, shown


def let_it_grow(daemon: Daemon, of: str) -> None:
    """Until some of it wait, if this machine makes it quick enough for that; that they do then is
    tests/gateway/test_newcomers.py."""
    end = time.monotonic() + GROWS_SECONDS
    while not value(daemon, "chatd_newcomers_waiting", of=of):
        if time.monotonic() > end:
            log.info("nobody waits: the flood is slow here")
            return


@contextmanager
def bounded(daemon: Daemon, kind: str) -> Iterator[None]:
    """The flood brings about what it may meanwhile, and no more."""
    name, most = PER_SECOND.get(kind, ("chatd_connections_hung_up_total", 1_000_000))
    before, began = value(daemon, name) or 0.0, time.monotonic()
    yield
    rate = ((value(daemon, name) or 0.0) - before) / (time.monotonic() - began)
    log.info("%s: %d a second", name, rate)
    assert rate < most


def test_hellos_that_postgresql_cannot_store(postgres_uri: str, tmp_path: Path) -> None:
    """They would fail the transactions of others."""
    with (
        daemon_with_users(tmp_path, ["ann", "ben"], {"DB_URI": postgres_uri}) as daemon,
        Bystander(daemon.uri, token_of("ann")) as ann,
    ):
        ann.be_quiet()
        with attack("nuls", daemon.uri, token_of("ben")):
            ann.watch()
        log.info("nuls: %s", ann.assert_served())


def test_a_message_without_an_end_ends_its_connection(daemon: Daemon) -> None:
    for part in (b"", b"x"):
        with RawPeer(daemon.uri, token_of("ann")) as peer:
            peer.send(peer.encoded_call("ChatService/ListUnread")[2:])
            assert peer.hear().HasField("reply")
            try:
                peer.socket.sendall(frame(part, MORE) * 1_000_000)
            except ConnectionError:
                pass
            assert peer.ends(5)


def test_pings_that_nobody_reads_the_answers_of(daemon: Daemon) -> None:
    before = rss_kib(daemon.pid)
    with RawPeer(daemon.uri, token_of("ann"), buffer=4_096) as peer:
        assert peer.call("ChatService/Nothing").error.code == 300
        pings = command(b"PING", b"\0\0" + bytes(16)) * 1_000_000
        with pytest.raises(ConnectionError):
            peer.socket.sendall(pings)
    assert rss_kib(daemon.pid) - before < GROWN_KIB


def test_a_client_may_ask_often_whether_its_gateway_lives(daemon: Daemon) -> None:
    with RawPeer(daemon.uri, token_of("ann"), opening=GREETING + ready()) as peer:
        for _ in range(3):
            peer.socket.sendall(command(b"PING", b"\0\0x") * 100)
            assert peer.call("ChatService/Nothing").error.code == 300
        assert not peer.ends(0.5)

"""Crowds: many connections at once, of all kinds. Another user is served meanwhile, the crowd is
gone in the end, and the log stays short."""

import json
import logging
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.attacker import attack
from tests.bench.measure import rss_kib
from tests.bystander import Bystander
from tests.daemons import Daemon
from tests.protocol.limited import OPERATOR, daemon_with_users, token_of
from tests.raw_peer import RawPeer, raise_descriptors

log = logging.getLogger(__name__)
HANDSHAKE_SECONDS = 3.0
GROWN_KIB = 60_000


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    settings = {
        "HANDSHAKE_TIMEOUT_MS": 1000 * HANDSHAKE_SECONDS,
        "MAX_CONNECTIONS_PER_ADDRESS": 100_000,
        "MAX_CONNECTIONS_PER_PROFILE": 10_000,
    }
    with daemon_with_users(tmp_path, ["ann", "ben"], settings) as running:
        yield running


def descriptors(daemon: Daemon) -> int:
    return len(os.listdir(f"/proc/{daemon.pid}/fd"))


@contextmanager
def crowd(daemon: Daemon, kind: str) -> Iterator[None]:
    """The attack, under way; in the end, how another user was served, what is left of it, and what
    was logged."""
    with Bystander(daemon.uri, token_of("ann")) as ann:
        ann.be_quiet()
        few, before = descriptors(daemon), rss_kib(daemon.pid)
        with attack(kind, daemon.uri, token_of("ben")):
            yield
            ann.watch()
            most, grown = descriptors(daemon) - few, rss_kib(daemon.pid) - before
            left = most
            deadline = time.monotonic() + 10 * HANDSHAKE_SECONDS
            while left > 3:
                assert time.monotonic() < deadline, f"{left} connections are left"
                left = descriptors(daemon) - few
                time.sleep(0.05)
        shown = f"{ann.assert_served()}; {most} came, grown by {grown} KiB"
    log.info("%s: %s", kind, shown)
    assert grown < GROWN_KIB, shown
    assert_short(daemon)


def assert_short(daemon: Daemon) -> None:
    """A second has one line of a kind at most, but for two that meet in it."""
    lines = [json.loads(line) for line in daemon.log.read_text().splitlines()]
    seconds = Counter((line["message"], line["timestamp"][:19]) for line in lines)
    assert max(seconds.values()) <= 2, seconds.most_common(3)


@pytest.mark.parametrize("kind", ["garbage", "slowloris", "silent"])
def test_another_user_is_served_beside_a_crowd(daemon: Daemon, kind: str) -> None:
    with crowd(daemon, kind):
        pass


def test_two_thousand_who_come_at_once_are_served_within_seconds(daemon: Daemon) -> None:
    """With a backlog of 100, as libzmq's, they need up to half a minute: a SYN that finds no room
    is sent again after 1, 3, 7 seconds."""
    raise_descriptors()
    with ExitStack() as stack:
        began = time.monotonic()
        peers = [stack.enter_context(RawPeer(daemon.uri, token_of("ann"), waits=False)) for _ in range(2_000)]
        for peer in peers:
            peer.begin()
            peer.socket.sendall(peer.encoded_call("ChatService/Nothing"))
        for peer in peers:
            assert peer.hear(20).reply.error.code == 300
        took = time.monotonic() - began
    log.info("2,000 came in %.1f s", took)
    assert took < 10


def test_a_thousand_hellos_of_one_device(daemon: Daemon) -> None:
    """One connection has the stream; the others are told that they have none."""
    with Bystander(daemon.uri, token_of("ann")) as ann, ExitStack() as stack:
        ann.be_quiet()
        before = rss_kib(daemon.pid)
        peers = [stack.enter_context(RawPeer(daemon.uri, token_of("ben"))) for _ in range(100)]
        for _ in range(10):
            for peer in peers:
                peer.hello("phone")
        ann.watch()
        ann.assert_served()
        last = [peer.heard()[-1] for peer in peers]
        assert [one.closed.error.code for one in last if one.HasField("closed")] == 99 * [600]
        assert sum(one.HasField("caught_up") for one in last) == 1
        grown = rss_kib(daemon.pid) - before
        log.info("1,000 Hellos: grown by %d KiB", grown)
        assert grown < GROWN_KIB
    assert_short(daemon)


def test_connections_that_do_nothing(tmp_path: Path) -> None:
    """One user's, as many as the system gives him: others come in, and the first are closed."""
    raise_descriptors()
    with (
        daemon_with_users(tmp_path, ["ann", "ben", "carol"], {}) as daemon,
        Bystander(daemon.uri, token_of("ann")) as ann,
    ):
        ann.be_quiet()
        with attack("idle", daemon.uri, token_of("ben")):
            ann.watch()
            for token in (token_of("carol"), OPERATOR):
                with RawPeer(daemon.uri, token) as peer:
                    assert peer.call("ChatService/Nothing").error.code == 300
            assert descriptors(daemon) < 400
        log.info("idle: %s", ann.assert_served())

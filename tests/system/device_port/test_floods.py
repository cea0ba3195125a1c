"""Floods: a process that sends without an end, and again when it is hung up on. Another user is
served meanwhile, and the gateway does not grow.

The bound of his latency is for a machine whose cores are busy with the attack itself: without the
limits that are tested here he waits for many seconds, or for ever.
"""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatd.core.zmtp import MORE, command, frame
from tests.attacker import attack
from tests.bench.measure import rss_kib
from tests.daemons import Daemon
from tests.protocol.limited import daemon_with_users, token_of
from tests.raw_peer import GREETING, RawPeer, ready
from tests.system.device_port.bystander import Bystander

log = logging.getLogger(__name__)
P99_SECONDS = 1.5
GROWN_KIB = 24_000


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    folder: Path = tmp_path_factory.mktemp("chatd")
    with daemon_with_users(folder, ["ann", "ben"], {}) as running:
        yield running


@pytest.mark.parametrize(
    "kind", ["endless_parts", "small_parts", "commands", "empty_frames", "nothing", "calls", "hellos"]
)
def test_another_user_is_served_during_a_flood(daemon: Daemon, kind: str) -> None:
    with Bystander(daemon.uri, token_of("ann")) as ann:
        quiet = ann.p99(1)
        before = rss_kib(daemon.pid)
        with attack(kind, daemon.uri, token_of("ben")):
            beside = ann.p99(4)
            grown = rss_kib(daemon.pid) - before
    shown = f"p99 {1e3 * beside:.1f} ms beside, {1e3 * quiet:.1f} ms quiet; grown by {grown} KiB"
    log.info("%s: %s", kind, shown)
    assert beside < P99_SECONDS + 3 * quiet, shown
    assert grown < GROWN_KIB, shown


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

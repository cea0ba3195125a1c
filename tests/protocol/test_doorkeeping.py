"""Connections that do not authenticate are closed; those that have, stay, however quiet they
are."""

import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.daemons import Daemon
from tests.protocol.limited import User, daemon_with_users

USERS = ["ann", "ben"]
HANDSHAKE_SECONDS = 1.0


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with daemon_with_users(
        tmp_path_factory.mktemp("chatd"), USERS, {"HANDSHAKE_TIMEOUT_MS": 1000 * HANDSHAKE_SECONDS}
    ) as running:
        yield running


@pytest.fixture
def user(daemon: Daemon) -> Iterator[Callable[..., User]]:
    with ExitStack() as stack:
        yield lambda name, **options: stack.enter_context(User(daemon, name, **options))


def test_a_silent_connection_is_closed_and_authenticated_ones_are_not(user: Callable[..., User]) -> None:
    began = time.monotonic()
    caller, device, silent, garbage, stranger = (user("ann") for _ in range(5))
    assert caller.refused("ChatService/Nothing", b"") == 300
    device.open("laptop")
    device.hear_kind("caught_up")
    assert silent.has_connected()
    garbage.send_raw(b"\xff\xff")
    assert garbage.hear_kind("error").code == 100
    assert stranger.refused("ChatService/Nothing", b"", token="") == 104
    assert silent.is_disconnected()
    assert time.monotonic() - began > 0.8 * HANDSHAKE_SECONDS
    assert garbage.is_disconnected()
    assert stranger.is_disconnected()
    assert not caller.is_disconnected(2 * HANDSHAKE_SECONDS)
    assert not device.is_disconnected(0.01)
    assert caller.refused("ChatService/Nothing", b"") == 300
    assert device.refused("ChatService/Nothing", b"", token="") == 300


def test_a_connection_with_bad_tokens_is_told_and_closed(user: Callable[..., User]) -> None:
    ben = user("ben")
    assert ben.refused("ChatService/Nothing", b"") == 300
    for _ in range(2):
        assert ben.refused("ChatService/Nothing", b"", token="wrong") == 200
    assert ben.refused("ChatService/Nothing", b"") == 300
    good, ben.token = ben.token, "wrong"
    ben.hello("laptop")
    assert ben.hear_kind("closed").error.code == 200
    assert ben.is_disconnected()
    ben.token = good
    assert ben.refused("ChatService/Nothing", b"") == 300


def silent_peer(port: int, *, address: str = "127.0.0.1") -> socket.socket:
    """A connection that has shaken hands as ZeroMQ does, and says nothing more."""
    greeting = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
    ready = b"\x05READY" + b"\x0bSocket-Type" + struct.pack("!I", 6) + b"DEALER"
    peer = socket.create_connection(("127.0.0.1", port), timeout=10, source_address=(address, 0))
    peer.sendall(greeting + b"\x04" + bytes([len(ready)]) + ready)
    return peer


def has_ended(peer: socket.socket) -> bool:
    peer.setblocking(False)
    try:
        while peer.recv(4096):
            pass
    except BlockingIOError:
        return False
    except ConnectionError:
        pass
    return True


def test_thousands_of_silent_connections_do_not_stop_a_good_client(tmp_path: Path) -> None:
    settings = {"HANDSHAKE_TIMEOUT_MS": 600_000, "MAX_UNAUTHENTICATED": 50}
    with ExitStack() as stack:
        daemon = stack.enter_context(daemon_with_users(tmp_path, USERS, settings))
        port = int(daemon.uri.rpartition(":")[2])
        ann = stack.enter_context(User(daemon, "ann"))
        assert ann.refused("ChatService/Nothing", b"") == 300
        peers = []
        for number in range(2_000):
            peers.append(stack.enter_context(silent_peer(port)))
            if number % 200 == 0:
                assert stack.enter_context(User(daemon, "ben")).refused("ChatService/Nothing", b"") == 300
        open_ones = peers
        deadline = time.monotonic() + 20
        while len(open_ones) > 50 and time.monotonic() < deadline:
            time.sleep(0.05)
            open_ones = [peer for peer in open_ones if not has_ended(peer)]
        assert open_ones == peers[-50:]
        assert len(os.listdir(f"/proc/{daemon.pid}/fd")) < 300
        assert not ann.is_disconnected(0.01)
        assert ann.refused("ChatService/Nothing", b"") == 300

"""Listening sockets for clients: which addresses, who may have them, and how they are accepted."""

import asyncio
import errno
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from chatd.errors import ConfigError, StartFailed
from chatd.transport import listener
from chatd.transport.listener import ACCEPTS_A_TURN, Listener, address_of, listen
from chatd.transport.sockets import new_context
from tests.raw_peer import RawPeer, target_of


def claim(path: str) -> None:
    """Nobody else is there."""


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_an_address_of_loopback(host: str) -> None:
    if host == "[::1]" and not Path("/proc/net/if_inet6").exists():
        pytest.skip("no IPv6 here")
    with listen(f"tcp://{host}:*", claim) as listening:
        uri = address_of(listening)
        assert uri.startswith("tcp://[::1]:" if host == "[::1]" else "tcp://127.0.0.1:")
        with RawPeer(uri, opening=b"hi"):
            accepted, _ = listening.accept()
            with accepted:
                assert accepted.recv(2) == b"hi"
                for level, option in (
                    (socket.IPPROTO_TCP, socket.TCP_NODELAY),
                    (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
                ):
                    assert accepted.getsockopt(level, option)
        with pytest.raises(StartFailed, match="Address already in use"):
            listen(uri, claim)


@pytest.mark.parametrize(
    "uri",
    [
        "tcp://*:7400",
        "tcp://0.0.0.0:7400",
        "tcp://127.0.0.1:7400#curve",
        "tcp://lo:7400",
        "tcp://eth0:7400",
        "tcp://127.0.0.1",
        "tcp://127.0.0.1:70000",
        "tcp://127.0.0.1:port",
        "inproc://devices",
        "ipc://",
        "ipc://*",
        "ipc://~/socket",
        "udp://127.0.0.1:1",
    ],
)
def test_an_address_that_can_never_be(uri: str) -> None:
    with pytest.raises(ConfigError):
        listen(uri, claim)


def test_a_port_is_shared_by_those_who_say_so() -> None:
    with listen("tcp://127.0.0.1:*", claim, share_port=True) as first:
        uri = address_of(first)
        with listen(uri, claim, share_port=True):
            pass
        with pytest.raises(StartFailed):
            listen(uri, claim)


def test_nobody_but_its_user_reaches_a_local_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the first moment on: the mode is looked at before it listens."""
    modes: list[int] = []
    listens = socket.socket.listen

    def look_and_listen(self: socket.socket, backlog: int) -> None:
        modes.append(stat.S_IMODE(os.stat(path).st_mode))
        listens(self, backlog)

    path = tmp_path / "socket"
    monkeypatch.setattr(socket.socket, "listen", look_and_listen)
    before = os.umask(0)
    try:
        with listen(f"ipc://{path}", claim) as listening:
            assert address_of(listening) == f"ipc://{path}"
    finally:
        os.umask(before)
    assert modes == [0o600]


def test_a_socket_that_a_dead_process_left_is_taken_over_and_a_living_ones_is_not(tmp_path: Path) -> None:
    uri = f"ipc://{tmp_path}/socket"
    first, second = new_context(holder="the first"), new_context(holder="the second")
    with listen(uri, first.claim) as listening:
        with pytest.raises(StartFailed, match="is in use by the first"):
            listen(uri, second.claim)
        with RawPeer(uri, opening=b"hi"):
            accepted, _ = listening.accept()
            accepted.close()
    first.term()
    assert (tmp_path / "socket").is_socket(), "as a killed process leaves it"
    with listen(uri, second.claim), RawPeer(uri, opening=b"hi"):
        pass
    second.term()


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_is_no_socket_is_left_alone(tmp_path: Path, what: str) -> None:
    path = tmp_path / "important"
    if what == "file":
        path.write_text("content")
    else:
        path.mkdir()
    with pytest.raises(StartFailed):
        listen(f"ipc://{path}", claim)
    assert path.exists()


def test_a_path_that_is_too_long(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        listen(f"ipc://{tmp_path}/{200 * 'x'}", claim)


def test_an_abstract_name(tmp_path: Path) -> None:
    uri = f"ipc://@chatd-test-{os.getpid()}"
    with listen(uri, claim) as listening:
        assert address_of(listening) == uri
        with RawPeer(uri, opening=b"hi"):
            accepted, _ = listening.accept()
            accepted.close()
        with pytest.raises(StartFailed):
            listen(uri, claim)
    assert not list(tmp_path.iterdir())


class Door:
    """A listener, and those that came."""

    def __init__(self, uri: str, newcomers: Callable[[int], int] = lambda most: most) -> None:
        self.came: list[tuple[socket.socket, str]] = []
        listening = listen(uri, claim)
        self.uri = address_of(listening)
        self.listener = Listener(
            asyncio.get_running_loop(),
            listening,
            lambda accepted, address: self.came.append((accepted, address)),
            newcomers=newcomers,
        )

    async def wait_for(self, count: int) -> None:
        """Until so many have come."""
        async with asyncio.timeout(10):
            while len(self.came) < count:
                await asyncio.sleep(0.001)

    def close(self) -> None:
        self.listener.close()
        for accepted, _ in self.came:
            accepted.close()


async def test_those_that_come_have_their_address(tmp_path: Path) -> None:
    for uri, address in (("tcp://127.0.0.1:*", "127.0.0.1"), (f"ipc://{tmp_path}/socket", "")):
        door = Door(uri)
        with RawPeer(door.uri, opening=b""):
            await door.wait_for(1)
            assert door.came[0][1] == address
        door.close()
    assert not (tmp_path / "socket").exists()


async def test_those_that_have_ended_meanwhile_are_passed_over() -> None:
    door = Door("tcp://127.0.0.1:*")
    for number in range(2 * ACCEPTS_A_TURN):
        peer = RawPeer(door.uri, opening=b"I was here" if number % 2 else b"")
        if number % 3:
            peer.socket.close()
        else:
            peer.reset()
    with RawPeer(door.uri, opening=b""):
        await door.wait_for(1)
        await asyncio.sleep(0.05)
        assert len(door.came) == 1
    door.close()


async def test_passing_over_leaves_time_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "PASSING_FACTOR", 50)
    door = Door("tcp://127.0.0.1:*")
    for _ in range(ACCEPTS_A_TURN):
        RawPeer(door.uri, opening=b"").socket.close()
    began = asyncio.get_running_loop().time()
    with RawPeer(door.uri, opening=b""):
        await door.wait_for(1)
        assert asyncio.get_running_loop().time() - began > 0.02
    door.close()


async def test_others_have_their_turn_after_some_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "TURN_SECONDS", 0.0)
    door = Door("tcp://127.0.0.1:*")
    peers = [RawPeer(door.uri, opening=b"") for _ in range(5)]
    counts = [0]
    while counts[-1] < len(peers):
        await asyncio.sleep(0)
        counts.append(len(door.came))
    assert sorted({*counts}) == [0, 1, 2, 3, 4, 5]
    door.close()
    for peer in peers:
        peer.socket.close()


async def test_accepting_is_paced_when_others_must_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "PAUSE_SECONDS", 0.2)
    door = Door("tcp://127.0.0.1:*", newcomers=lambda most: 2)
    peers = [RawPeer(door.uri, opening=b"") for _ in range(5)]
    began = asyncio.get_running_loop().time()
    try:
        for count, seconds in ((2, 0.0), (3, 0.2), (5, 0.4)):
            await door.wait_for(count)
            assert asyncio.get_running_loop().time() - began >= seconds
    finally:
        door.close()
        for peer in peers:
            peer.socket.close()


async def test_it_may_be_closed_in_a_pause() -> None:
    door = Door("tcp://127.0.0.1:*", newcomers=lambda most: 1)
    with RawPeer(door.uri, opening=b""):
        await door.wait_for(1)
        door.close()
        await asyncio.sleep(0.1)
    with socket.socket() as late:
        assert late.connect_ex(target_of(door.uri)) == errno.ECONNREFUSED

"""Listening sockets that outlive a process."""

import os
import socket
from collections.abc import Iterator

import pytest

from chatd.transport.listener import address_of, listen
from chatd.transport.passed_sockets import PassedSocket, PassedSockets, passed_to_this_process
from tests.raw_peer import target_of


def claim(path: str) -> None:
    """Nobody else is there."""


@pytest.fixture
def kept() -> Iterator[dict[str, socket.socket]]:
    """The service manager's copies."""
    found: dict[str, socket.socket] = {}
    yield found
    for one in found.values():
        one.close()


def passing(kept: dict[str, socket.socket]) -> PassedSockets:
    """Those of a process that was given what the one before has kept."""
    return PassedSockets(
        [PassedSocket(one.dup(), name) for name, one in kept.items()],
        keep=lambda one, name: kept.__setitem__(name, kept.get(name) or one.dup()),
        drop=lambda name: kept.pop(name).close(),
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_who_comes_between_two_processes_is_served_by_the_second(
    host: str, kept: dict[str, socket.socket]
) -> None:
    first = passing(kept)
    listening = listen(f"tcp://{host}:*", claim, passed=first)
    uri = address_of(listening)
    first.close()
    listening.close()
    with socket.create_connection(target_of(uri)) as client:  # the kernel accepts for whoever comes next
        client.sendall(b"hi")
        second = passing(kept)
        with listen(uri, claim, passed=second) as again:
            second.close()
            accepted, _ = again.accept()
            with accepted:
                assert accepted.recv(2) == b"hi"
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert len(kept) == 1


def test_an_address_that_is_no_longer_set_is_left(kept: dict[str, socket.socket]) -> None:
    first = passing(kept)
    listening = listen("tcp://127.0.0.1:*", claim, passed=first)
    target = target_of(address_of(listening))
    listening.close()
    second = passing(kept)
    listen("tcp://127.0.0.1:*", claim, passed=second).close()
    assert len(kept) == 2
    second.close()
    assert len(kept) == 1
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(target)


def test_a_shared_port_is_not_kept(kept: dict[str, socket.socket]) -> None:
    """Those who come meanwhile go to the others."""
    listen("tcp://127.0.0.1:*", claim, share_port=True, passed=passing(kept)).close()
    assert not kept


@pytest.mark.parametrize("environment", [{}, {"LISTEN_FDS": "1", "LISTEN_PID": "1"}, {"LISTEN_FDS": "x"}])
def test_what_is_not_for_this_process(environment: dict[str, str]) -> None:
    assert passed_to_this_process(environment) == []
    assert not environment, "its children are told of none"
    assert passed_to_this_process({"LISTEN_FDS": "0", "LISTEN_PID": str(os.getpid())}) == []

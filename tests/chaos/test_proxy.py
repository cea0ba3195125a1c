"""The fault proxy over real sockets."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.chaos.proxy import FaultProxy


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    """In front of a server that sends back what it gets."""
    server = socket.create_server(("127.0.0.1", 0))

    def echo(connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(1000):
                    connection.sendall(data)
            except OSError:
                pass

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=echo, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    with server, FaultProxy(server.getsockname()[1]) as running:
        yield running
        server.shutdown(socket.SHUT_RDWR)


def connect(proxy: FaultProxy) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", proxy.port), timeout=5)
    connection.sendall(b"hello")
    assert connection.recv(100) == b"hello"
    return connection


def test_it_forwards(proxy: FaultProxy) -> None:
    connect(proxy).close()


def test_a_black_hole_swallows_and_is_found_out_when_it_ends(proxy: FaultProxy) -> None:
    with connect(proxy) as connection:
        proxy.black_hole()
        connection.sendall(b"lost")
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(100)
        proxy.heal()
        connection.settimeout(5)
        with pytest.raises(ConnectionResetError):
            connection.recv(100)
    connect(proxy).close()


def test_a_cut_resets_and_refuses_until_healed(proxy: FaultProxy) -> None:
    with connect(proxy) as connection:
        proxy.cut()
        with pytest.raises(ConnectionResetError):
            connection.recv(100)
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as refused, pytest.raises(ConnectionResetError):
            refused.recv(100)
        proxy.heal()
        connect(proxy).close()


def test_a_delay_delays(proxy: FaultProxy) -> None:
    with connect(proxy) as connection:
        proxy.delay(0.2)
        began = time.monotonic()
        connection.sendall(b"late")
        assert connection.recv(100) == b"late"
        assert time.monotonic() - began > 0.2


def test_halving_resets_what_is_open_and_nothing_else(proxy: FaultProxy) -> None:
    with connect(proxy) as connection:
        proxy.halve()
        with pytest.raises(ConnectionResetError):
            connection.recv(100)
    connect(proxy).close()

"""The fault proxy over real sockets."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.loopback import SECONDS, count, echo, receive, said, serving, silent
from tests.chaos.proxy import FaultProxy


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    """In front of a server that sends back what it gets."""
    server = socket.create_server(("127.0.0.1", 0))
    with serving(server, echo), FaultProxy(target=server.getsockname()) as running:
        yield running


def connect(proxy: FaultProxy) -> socket.socket:
    """A connection that has been seen to work."""
    connection = socket.create_connection(("127.0.0.1", proxy.port), timeout=SECONDS)
    assert said(connection, b"hello") == b"hello"
    return connection


def test_it_forwards_to_a_port(proxy: FaultProxy) -> None:
    assert proxy.uri == f"tcp://127.0.0.1:{proxy.port}"
    with connect(proxy) as connection:
        sender = threading.Thread(target=connection.sendall, args=(b"x" * 3_000_000,))
        sender.start()
        assert receive(connection, 3_000_000) == b"x" * 3_000_000
        sender.join()


def test_it_forwards_to_a_unix_socket(tmp_path: Path) -> None:
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "s"))
    server.listen()
    with serving(server, echo), FaultProxy(target=tmp_path / "s") as proxy:
        connect(proxy).close()


def test_it_listens_where_it_is_told(proxy: FaultProxy) -> None:
    with socket.socket() as reserved:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        with FaultProxy(port, target=("127.0.0.1", proxy.port)) as second:
            assert second.port == port
            connect(second).close()


def test_ends_pass_and_lose_nothing() -> None:
    server = socket.create_server(("127.0.0.1", 0))
    with (
        serving(server, count),
        FaultProxy(target=server.getsockname()) as proxy,
        socket.create_connection(("127.0.0.1", proxy.port), timeout=SECONDS) as connection,
    ):
        connection.sendall(b"x" * 3_000_000)
        connection.shutdown(socket.SHUT_WR)
        assert receive(connection, 100) == b"3000000"


def test_a_target_that_is_not_there_resets() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with (
            FaultProxy(target=nobody.getsockname()) as proxy,
            pytest.raises(ConnectionResetError),
            socket.create_connection(("127.0.0.1", proxy.port), timeout=SECONDS) as connection,
        ):
            connection.recv(1)


def test_a_black_hole_swallows_and_is_found_out_when_it_ends(proxy: FaultProxy) -> None:
    with connect(proxy) as talking, connect(proxy) as quiet:
        proxy.blackhole()
        talking.sendall(b"lost")
        assert silent(talking)
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=SECONDS) as new:
            new.sendall(b"lost")
            assert silent(new)
            proxy.heal()
            for connection in (talking, new):
                with pytest.raises(ConnectionResetError):
                    connection.recv(1)
        assert said(quiet, b"still here") == b"still here"
    connect(proxy).close()


def test_a_black_hole_hides_the_end_of_a_connection(proxy: FaultProxy) -> None:
    with connect(proxy) as connection:
        proxy.blackhole()
        connection.shutdown(socket.SHUT_WR)
        assert silent(connection)
        proxy.heal()
        assert connection.recv(1) == b""


def test_a_cut_resets_and_refuses_until_healed(proxy: FaultProxy) -> None:
    with connect(proxy) as connection:
        proxy.cut()
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", proxy.port), timeout=SECONDS)
        proxy.cut()
    proxy.heal()
    connect(proxy).close()


def test_a_delay_delays_until_healed(proxy: FaultProxy) -> None:
    with connect(proxy) as connection:
        proxy.delay(0.2)
        began = time.monotonic()
        assert said(connection, b"late") == b"late"
        assert time.monotonic() - began >= 0.4
        proxy.delay(60)
        connection.sendall(b"soon")
        assert silent(connection)
        proxy.heal()
        assert receive(connection, 4) == b"soon"


def test_halving_lets_half_through_and_resets_once(proxy: FaultProxy) -> None:
    received: list[bytes] = []
    ended = threading.Event()

    def record(connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(1000):
                    received.append(data)
                    connection.sendall(data)
            except ConnectionResetError:
                ended.set()

    server = socket.create_server(("127.0.0.1", 0))
    with serving(server, record), FaultProxy(target=server.getsockname()) as proxy:
        with connect(proxy) as connection:
            proxy.halve()
            connection.sendall(b"12345678")
            with pytest.raises(ConnectionResetError):
                connection.recv(1)
            assert ended.wait(SECONDS)
            assert b"".join(received) == b"hello1234"
        connect(proxy).close()


def test_every_method_may_be_called_from_any_thread(proxy: FaultProxy) -> None:
    errors: list[BaseException] = []

    def change() -> None:
        try:
            for _ in range(20):
                for method in (proxy.cut, proxy.blackhole, proxy.halve, proxy.heal):
                    method()
        except Exception as exc:  # noqa: BLE001
            errors.append(exc)

    threads = [threading.Thread(target=change) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    proxy.heal()
    connect(proxy).close()


def test_a_connection_that_comes_in_the_moment_of_a_cut_is_reset(proxy: FaultProxy) -> None:
    proxy._loop.call_soon_threadsafe(time.sleep, 0.2)  # it hears of both in one turn
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=SECONDS) as connection:
        proxy.cut()
        with pytest.raises(ConnectionResetError):
            connection.recv(1)

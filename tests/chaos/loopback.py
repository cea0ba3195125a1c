"""Both ends of connections over loopback: servers that answer, and clients that wait with a
deadline."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

SECONDS = 5.0


def echo(connection: socket.socket) -> None:
    """Sends back what it gets, and ends when it has all."""
    with connection, contextlib.suppress(OSError):
        while data := connection.recv(1000):
            connection.sendall(data)


def count(connection: socket.socket) -> None:
    """Reads to the end, and says then how much it was."""
    with connection, contextlib.suppress(OSError):
        total = 0
        while data := connection.recv(100_000):
            total += len(data)
        connection.sendall(str(total).encode())


@contextlib.contextmanager
def serving(server: socket.socket, serve: Callable[[socket.socket], None]) -> Iterator[None]:
    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = server.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    with server:
        yield
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def said(connection: socket.socket, words: bytes) -> bytes:
    connection.sendall(words)
    return receive(connection, len(words))


def receive(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (more := connection.recv(size - len(data))):
        data += more
    return data


def silent(connection: socket.socket) -> bool:
    """Whether nothing comes, not even an end, for a while."""
    connection.settimeout(0.3)
    try:
        connection.recv(1)
    except TimeoutError:
        return True
    finally:
        connection.settimeout(SECONDS)
    return False

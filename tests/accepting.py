"""Accepting connections in an event loop. asyncio's own server loses a connection that it accepts
in the turn in which it is closed: the connection stays open and nobody reads it."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Coroutine
from typing import Any


class Acceptor:
    """Listens at a port of loopback between ``listen`` and ``refuse``, and gives each connection a
    task of its own at once. ``serve`` owns its socket."""

    def __init__(self, serve: Callable[[socket.socket], Coroutine[Any, Any, None]]) -> None:
        self._serve = serve
        self._listener: socket.socket | None = None
        self._serving: set[asyncio.Task[None]] = set()

    def listen(self, port: int) -> None:
        """Does nothing if it listens. Raises OSError if the port is taken."""
        if self._listener is None:
            self._listener = listener = socket.create_server(("127.0.0.1", port), backlog=100)
            listener.setblocking(False)
            asyncio.get_running_loop().add_reader(listener, self._accept, listener)

    def refuse(self) -> None:
        """Those that were accepted go on."""
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    async def end(self) -> None:
        """Refuse, and cancel all that goes on."""
        self.refuse()
        # A task that was made just now begins first: cancelled before, it would leave its
        # connection open.
        await asyncio.sleep(0)
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):  # it has ended meanwhile
            connection, _ = listener.accept()
            connection.setblocking(False)
            task = asyncio.create_task(self._serve(connection))
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)


async def accepted(
    connection: socket.socket, tls: ssl.SSLContext | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """The streams of a connection that was accepted. Raises OSError if TLS cannot begin."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    transport, _ = await loop.connect_accepted_socket(lambda: protocol, connection, ssl=tls)
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)

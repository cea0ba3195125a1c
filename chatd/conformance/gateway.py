"""A gateway that is played: it takes connections and says what a check tells it to."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from chatd.conformance.findings import SECONDS, Failed
from chatd.conformance.peer import Peer

_LOOK = 0.1
"""Seconds between looks whether a program still runs."""


class Gateway:
    """Listens on a free port of loopback. ``has_client``: a program runs that may connect.

    It accepts by itself: asyncio's own server loses a connection that it accepts in the turn in
    which it is closed, so that the client hears nothing of the end."""

    def __init__(self, has_client: Callable[[], bool]) -> None:
        self._has_client = has_client
        self._listener: socket.socket | None = None
        self._beginning: set[asyncio.Task[None]] = set()
        self._accepted: asyncio.Queue[Peer] = asyncio.Queue()
        self._away_until = 0.0
        self.peers: list[Peer] = []
        self.uri = ""

    async def __aenter__(self) -> Self:
        self._listener = listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        listener.setblocking(False)
        asyncio.get_running_loop().add_reader(listener, self._accept, listener)
        host, port = listener.getsockname()
        self.uri = f"tcp://{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.die()
        await asyncio.gather(*self._beginning)
        for peer in self.peers:
            await peer.closed()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):  # it has ended meanwhile
            connection, _ = listener.accept()
            connection.setblocking(False)
            task = asyncio.create_task(self._begin(connection))
            self._beginning.add(task)
            task.add_done_callback(self._beginning.discard)

    def away(self, seconds: float) -> None:
        """Those who come in so many seconds are greeted when they are over, as while a process is
        started again."""
        self._away_until = asyncio.get_running_loop().time() + seconds

    async def _begin(self, connection: socket.socket) -> None:
        await asyncio.sleep(max(0.0, self._away_until - asyncio.get_running_loop().time()))
        reader, writer = await asyncio.open_connection(sock=connection)
        peer = Peer(reader, writer)
        self.peers.append(peer)
        if self._listener is None:  # it has died meanwhile
            peer.hang_up()
        else:
            self._accepted.put_nowait(peer)

    def die(self) -> None:
        """The process has gone: nobody listens, and all connections end."""
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        for peer in self.peers:
            peer.hang_up()

    async def connection(self) -> Peer:
        """Wait for the client's next connection on which something is said; those that end before
        are passed over."""
        deadline = asyncio.get_running_loop().time() + SECONDS
        while asyncio.get_running_loop().time() < deadline:
            try:
                async with asyncio.timeout(_LOOK):
                    peer = await self._accepted.get()
            except TimeoutError:
                if not self._has_client():
                    raise Failed("it ends, and no connection comes") from None
                continue
            if await peer.says_something():
                return peer
        raise Failed("no connection comes")

"""A gateway that is played: it takes connections and says what a check tells it to."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from chatd.conformance.findings import SECONDS, Failed
from chatd.conformance.peer import Peer

_LOOK = 0.1
"""Seconds between looks whether a program still runs."""


class Gateway:
    """Listens on a free port of loopback. ``has_client``: a program runs that may connect."""

    def __init__(self, has_client: Callable[[], bool]) -> None:
        self._has_client = has_client
        self._server: asyncio.Server | None = None
        self._accepted: asyncio.Queue[Peer] = asyncio.Queue()
        self.peers: list[Peer] = []
        self.uri = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        self.uri = f"tcp://{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.die()
        for peer in self.peers:
            await peer.closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        self.peers.append(peer)
        self._accepted.put_nowait(peer)

    def die(self) -> None:
        """The process has gone: nobody listens, and all connections end."""
        if self._server is not None:
            self._server.close()
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

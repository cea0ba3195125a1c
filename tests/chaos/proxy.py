"""A TCP proxy that delays, halves, swallows and cuts: what networks do, in the middle of whatever
chatd says. While it is healthy it changes nothing: bytes, ends and half-closed connections pass as
they are."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine
from enum import Enum, auto
from pathlib import Path
from typing import Any

from tests.accepting import Acceptor, accepted

CHUNK = 65_536
"""Bytes. A connection holds one chunk and twice as many unread bytes in each direction; what does
not fit waits at the sender."""
DO_SECONDS = 10.0
Target = tuple[str, int] | Path
"""Host and port, or the path of a unix socket."""


class Mode(Enum):
    HEALTHY = auto()
    DELAYED = auto()
    BLACK_HOLE = auto()
    REFUSING = auto()


class Link:
    """One connection and its other half. ``halving``: the next chunk is its last. ``lossy``: bytes
    are missing, it must not go on."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writers = [writer]
        self.halving = False
        self.lossy = False

    def reset(self) -> None:
        for writer in self.writers:
            if writer.is_closing():
                continue
            writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
            writer.transport.abort()


class FaultProxy:
    """Listens on loopback, on a free port if ``listen_port`` is 0, and forwards to ``target``. A
    context manager with a thread of its own; every method may be called from any thread, and has
    taken effect when it returns."""

    def __init__(self, listen_port: int = 0, *, target: Target) -> None:
        self.port = listen_port
        self._target = target
        self._mode = Mode.HEALTHY
        self._delay = 0.0
        self._links: set[Link] = set()
        self._acceptor = Acceptor(self._carry)
        self._loop = asyncio.new_event_loop()
        self._changed = asyncio.Event()
        """Set when the mode changes, and then replaced."""
        self._switching = asyncio.Lock()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._reserved = socket.socket()

    def __enter__(self) -> "FaultProxy":
        # Bound and never listening: the port stays ours, and refuses, while nothing listens.
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserved.bind(("127.0.0.1", self.port))
        self.port = self._reserved.getsockname()[1]
        self._thread.start()
        self.heal()
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._reserved.close()

    @property
    def uri(self) -> str:
        """Known once the context has begun."""
        return f"tcp://127.0.0.1:{self.port}"

    def delay(self, seconds: float) -> None:
        """Every chunk takes so much longer, in each direction."""
        self._delay = seconds
        self._do(self._switch(Mode.DELAYED))

    def halve(self) -> None:
        """Once, for each connection that is open now: of the next chunk, either way, half arrives;
        then the connection is reset."""
        self._do(self._halve())

    def blackhole(self) -> None:
        """Connections stay open and are accepted, nothing passes, nobody is told. Those that lost
        bytes are reset when it ends."""
        self._do(self._switch(Mode.BLACK_HOLE))

    def cut(self) -> None:
        """Reset every connection and refuse new ones."""
        self._do(self._switch(Mode.REFUSING))

    def heal(self) -> None:
        """As if nothing had been."""
        self._do(self._switch(Mode.HEALTHY))

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(DO_SECONDS)

    async def _switch(self, mode: Mode) -> None:
        async with self._switching:
            self._mode = mode
            for link in tuple(self._links):
                link.halving = link.halving and mode is not Mode.HEALTHY
                if mode is Mode.REFUSING or (link.lossy and mode is not Mode.BLACK_HOLE):
                    link.reset()
            self._changed.set()
            self._changed = asyncio.Event()
            if mode is Mode.REFUSING:
                self._acceptor.refuse()
            else:
                self._acceptor.listen(self.port)

    async def _halve(self) -> None:
        for link in self._links:
            link.halving = True

    async def _close(self) -> None:
        await self._switch(Mode.REFUSING)
        await self._acceptor.end()

    async def _carry(self, connection: socket.socket) -> None:
        reader, writer = await accepted(connection)
        link = Link(writer)
        self._links.add(link)
        try:
            if self._refusing():  # since it was accepted
                link.reset()
                return
            if isinstance(self._target, Path):
                other_reader, other_writer = await asyncio.open_unix_connection(self._target)
            else:
                other_reader, other_writer = await asyncio.open_connection(*self._target)
            link.writers.append(other_writer)
            if self._refusing():
                link.reset()
                return
            for one in link.writers:
                one.transport.set_write_buffer_limits(0)
            await asyncio.gather(
                self._forward(link, reader, other_writer), self._forward(link, other_reader, writer)
            )
        except OSError:
            await self._hidden()
            link.reset()
        finally:
            self._links.discard(link)
            for one in link.writers:
                one.close()

    async def _forward(self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(CHUNK):
            if self._mode is Mode.DELAYED:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), self._delay)
            if self._mode is Mode.BLACK_HOLE:
                link.lossy = True
                continue
            if link.halving:
                writer.write(chunk[: len(chunk) // 2])
                link.reset()
                return
            writer.write(chunk)
            await writer.drain()
        await self._hidden()
        if not link.lossy:
            writer.write_eof()

    def _refusing(self) -> bool:
        return self._mode is Mode.REFUSING

    async def _hidden(self) -> None:
        """An end is news as well: a black hole keeps it to itself."""
        while self._mode is Mode.BLACK_HOLE:
            await self._changed.wait()

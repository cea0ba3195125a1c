"""A TCP proxy that delays, halves, blackholes and cuts: what networks do, in the middle of whatever chatd says."""

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from enum import Enum, auto
from typing import Any

CHUNK = 65_536


class Mode(Enum):
    HEALTHY = auto()
    DELAYED = auto()
    """Every chunk waits."""
    BLACK_HOLE = auto()
    """Connections stay, nothing passes; what was read is lost with them when it ends."""
    REFUSING = auto()


class FaultProxy:
    """Listens on a free port of loopback and forwards to ``port``. Its own thread; every method may be called from any other."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._mode = Mode.HEALTHY
        self._delay = 0.0
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self.port = 0

    def __enter__(self) -> "FaultProxy":
        self._thread.start()
        self._do(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    @property
    def uri(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def delay(self, seconds: float) -> None:
        """Everything takes so much longer."""
        self._delay = seconds
        self._mode = Mode.DELAYED

    def black_hole(self) -> None:
        """Nothing passes and nobody is told; connections that were open then are reset by ``heal``: they have lost bytes."""
        self._mode = Mode.BLACK_HOLE

    def cut(self) -> None:
        """Reset every connection and refuse new ones."""
        self._mode = Mode.REFUSING
        self._do(self._reset())

    def halve(self) -> None:
        """Reset every connection, once: whatever was half sent stays half sent."""
        self._do(self._reset())

    def heal(self) -> None:
        """As if nothing had been."""
        lossy = self._mode is Mode.BLACK_HOLE
        self._mode = Mode.HEALTHY
        if lossy:
            self._do(self._reset())

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._server.close()
        self._mode = Mode.REFUSING
        await self._reset()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _reset(self) -> None:
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._mode is Mode.REFUSING:
            _reset_on_close(writer)
            writer.transport.abort()
            return
        try:
            other_reader, other_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        for one in (writer, other_writer):
            _reset_on_close(one)
            self._writers.add(one)
        try:
            await asyncio.gather(self._forward(reader, other_writer), self._forward(other_reader, writer))
        finally:
            for one in (writer, other_writer):
                self._writers.discard(one)
                one.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while chunk := await reader.read(CHUNK):
                if self._mode is Mode.BLACK_HOLE:
                    continue
                if self._mode is Mode.DELAYED:
                    await asyncio.sleep(self._delay)
                writer.write(chunk)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.transport.abort()


def _reset_on_close(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

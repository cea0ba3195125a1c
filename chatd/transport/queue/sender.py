"""Sender: what waits for one connection to a broker. Nothing that is published waits itself."""

import asyncio
from collections import deque
from collections.abc import Callable

from chatd.core.counter import Counter
from chatd.errors import Unavailable
from chatd.transport.queue.broker_connection import Broker, Connection, in_time, keep_connected

WAITING_BYTES = 16 * 1_048_576
"""Beyond this, messages are dropped, and gateways notice it by the numbers."""
BATCH_BYTES = 262_144
SEND_SECONDS = 2.0
"""The broker takes a batch in this time, or is away: then all that waits is dropped."""
_COST = 100
"""Bytes that a message takes beside its own."""


class Sender:
    """``worked`` is called for each connection that is made, ``failed`` whenever there is none."""

    def __init__(
        self, dropped: Counter, *, worked: Callable[[], None], failed: Callable[[Unavailable], None]
    ) -> None:
        self._dropped = dropped
        self._worked = worked
        self._on_failed = failed
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._size = 0
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.is_down = False
        self.is_connected = False
        """Neither is so before the first attempt has ended."""
        self.is_idle = asyncio.Event()
        self.is_idle.set()

    def start(self, loop: asyncio.AbstractEventLoop, broker: Broker) -> None:
        """Connect, and send what is put."""
        self._task = loop.create_task(
            keep_connected(broker.connect, self._send, self._failed), name="queue sender"
        )

    def cancel(self) -> None:
        """End; what waits is lost."""
        if self._task is not None:
            self._task.cancel()

    def put(self, channel: str, message: bytes) -> None:
        """Send a message when its turn comes; drop it if too much waits, or while the broker is
        away."""
        if self.is_down or self._size > WAITING_BYTES:
            self._dropped.add()
            return
        self._waiting.append((channel, message))
        self._size += len(message) + _COST
        self.is_idle.clear()
        self._wake.set()

    def _failed(self, error: Unavailable) -> None:
        self.is_down, self.is_connected = True, False
        self._dropped.add(len(self._waiting))
        self._waiting.clear()
        self._size = 0
        self.is_idle.set()
        self._on_failed(error)

    async def _send(self, connection: Connection) -> None:
        await in_time(connection.send(()), SEND_SECONDS)
        self.is_down, self.is_connected = False, True
        self._worked()
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                batch: list[tuple[str, bytes]] = []
                size = 0
                while self._waiting and size < BATCH_BYTES:
                    batch.append(self._waiting.popleft())
                    size += len(batch[-1][1]) + _COST
                try:
                    await in_time(connection.send(batch), SEND_SECONDS)
                except Unavailable:
                    self._dropped.add(len(batch))
                    raise
                self._size -= size
            self.is_idle.set()

"""The receiving end of the queue ``user.event.delivery``: a SUB socket."""

import asyncio
from collections.abc import Callable, Iterable

from chatd.transport.pump import Message, Pump
from chatd.transport.sockets import Context, connect_sub


class Subscriber:
    """Made early, opened late: ``open`` connects it; nothing can be subscribed before."""

    _pump: Pump

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._is_open = False

    def open(self, context: Context, uris: Iterable[str], on_messages: Callable[[list[Message]], None]) -> None:
        """Listen to these queues. Raises ConfigError."""
        self._pump = Pump(self._loop, connect_sub(context, uris), on_messages, frames=1)
        self._is_open = True

    def connect(self, uri: str) -> None:
        """Listen to one queue more."""
        self._pump.socket.connect(uri)

    def disconnect(self, uri: str) -> None:
        """Listen to it no longer."""
        self._pump.socket.disconnect(uri)

    def subscribe(self, topic: bytes) -> None:
        self._pump.socket.subscribe(topic)

    def unsubscribe(self, topic: bytes) -> None:
        self._pump.socket.unsubscribe(topic)

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._pump.close()

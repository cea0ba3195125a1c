"""The sending end of the queue ``user.event.delivery``: an XPUB socket."""

import asyncio
from collections.abc import Callable, Sequence

from chatd.transport.pump import Message, Pump
from chatd.transport.sockets import Context, bind_xpub, endpoint


class Publisher:
    """Made early, bound late: before ``bind`` nobody is subscribed, so a message goes nowhere."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._pump: Pump | None = None

    def bind(self, context: Context, uri: str, on_subscriptions: Callable[[list[Message]], None]) -> str:
        """The address bound. Raises ConfigError."""
        xpub = bind_xpub(context, uri)
        self._pump = Pump(self._loop, xpub, on_subscriptions, frames=1)
        return endpoint(xpub)

    def publish(self, topics: Sequence[bytes], body: bytes) -> None:
        """Send a message to each topic; a gateway that does not keep up loses it at its high-water mark."""
        if self._pump is not None:
            self._pump.send_to_topics(topics, body)

    def close(self) -> None:
        """Close the socket; messages under way get a second to leave."""
        if self._pump is not None:
            self._pump.close(linger_ms=1_000)

"""The things that a driver for a kind of broker gives, and how its connections are kept."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol, TypeVar

from chatd.errors import Unavailable

PAUSE_SECONDS = 0.2
"""Between two attempts to connect; up to twice as long, so that not all come back at once."""
CONNECT_SECONDS = 3.0
SILENT_SECONDS = 3.0
"""A broker that has said nothing for so long although it was asked is away."""

QUEUE = "the broker of the queue"

T = TypeVar("T")
C = TypeVar("C", bound="Closes")


class Closes(Protocol):
    async def close(self) -> None:
        """End at once. Raises nothing."""


class Connection(Closes, Protocol):
    """One connection to a broker, for one direction. All that a library raises becomes
    Unavailable; what it would log is left out. ``send`` and ``listen`` may be cancelled, then
    ``close`` follows."""

    async def send(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Publish messages to channels, in order; return when the broker has taken all, or, if
        there are none, would take some. One that is too large for it is left out. Raises
        Unavailable."""

    async def listen(self, channel: str, heard: Callable[[bytes], None], begun: Callable[[], None]) -> None:
        """Hand on what is published to the channel, in order. ``begun`` is called once the broker
        has said that the subscription stands, and again when messages may have been skipped. Ends
        by raising Unavailable: when the connection breaks, or when the broker is silent for
        SILENT_SECONDS."""


class Broker(Protocol):
    """A kind of broker at one address. ``connection_per_gateway``: a gateway that does not keep up
    would hold up what goes to others over the same connection."""

    connection_per_gateway: bool

    async def connect(self) -> Connection:
        """Raises Unavailable. If it raises, or is cancelled after CONNECT_SECONDS, nothing of it
        is left open."""

    def channel(self, gateway: str) -> str:
        """The name of a gateway's channel."""


async def in_time(answer: Coroutine[Any, Any, T], seconds: float, what: str = QUEUE) -> T:
    """Raises Unavailable if there is no answer after so long."""
    try:
        async with asyncio.timeout(seconds):
            return await answer
    except TimeoutError as exc:
        raise Unavailable(f"{what} does not answer") from exc


async def keep_connected(
    connect: Callable[[], Coroutine[Any, Any, C]],
    use: Callable[[C], Coroutine[Any, Any, None]],
    failed: Callable[[Unavailable], None],
    what: str = QUEUE,
) -> None:
    """Connect again and again, and ``use`` each connection until it breaks. ``what`` is named in
    errors."""
    while True:
        try:
            connection = await in_time(connect(), CONNECT_SECONDS, what)
            try:
                await use(connection)
            finally:
                await connection.close()
        except Unavailable as exc:
            failed(exc)
        except Exception as exc:  # noqa: BLE001  a library's own fault must not end it
            # Without the traceback: its locals may hold the password.
            failed(Unavailable(f"{what} cannot be used", detail=type(exc).__name__))
        await asyncio.sleep(PAUSE_SECONDS * random.uniform(1, 2))

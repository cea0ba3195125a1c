"""Redis (and Valkey) as the queue's broker: PUBLISH to one channel for each gateway.

A connection is redis-py's, used by hand: its PubSub connects again in silence, so that nobody would
know what was missed, and does not notice a link that is frozen. A gateway that does not keep up is
hung up on by Redis (client-output-buffer-limit pubsub); publishers never wait for it.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from chatd.core.broker_address import BrokerAddress, channel_part
from chatd.errors import Unavailable
from chatd.transport.queue.broker_connection import QUEUE, SILENT_SECONDS
from chatd.transport.redis_link import RedisLink, connect

PINGS = 3
"""Sent in SILENT_SECONDS."""


class RedisBroker:
    """``Broker``."""

    connection_per_gateway = False

    def __init__(self, address: BrokerAddress) -> None:
        self._address = address
        self._prefix = f"{channel_part(address.name)}:gateway:"

    def channel(self, gateway: str) -> str:
        return self._prefix + channel_part(gateway)

    async def connect(self) -> "RedisConnection":
        return RedisConnection(await connect(self._address, QUEUE))


class RedisConnection:
    """``Connection``."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link
        self._count = 0

    async def send(self, messages: Sequence[tuple[str, bytes]]) -> None:
        await self._link.answers([("PUBLISH", channel, body) for channel, body in messages])

    async def listen(self, channel: str, heard: Callable[[bytes], None], begun: Callable[[], None]) -> None:
        def take(message: list[bytes]) -> None:
            kind, *rest = message
            self._count += 1
            if kind == b"message":
                heard(rest[1])
            elif kind == b"subscribe":
                begun()

        await self._link.send("SUBSCRIBE", channel)
        try:
            async with asyncio.timeout(None) as limit:
                watching = asyncio.create_task(self._watch(limit), name="queue watch")
                try:
                    await self._link.read_on(take)
                finally:
                    watching.cancel()
        except TimeoutError:
            raise Unavailable(f"{QUEUE} does not answer") from None

    async def _watch(self, limit: asyncio.Timeout) -> None:
        """End ``limit`` when nothing comes, not even the answers to some PINGs."""
        before, unanswered = self._count, 0
        while unanswered < PINGS:
            with suppress(Unavailable):
                await self._link.send("PING")
            await asyncio.sleep(SILENT_SECONDS / PINGS)
            unanswered = unanswered + 1 if self._count == before else 0
            before = self._count
        limit.reschedule(asyncio.get_running_loop().time())

    async def close(self) -> None:
        await self._link.close()

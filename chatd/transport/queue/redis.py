"""Redis (and Valkey) as the queue's broker: PUBLISH to one channel for each gateway.

A connection is redis-py's, used by hand: its PubSub connects again in silence, so that nobody would
know what was missed, and does not notice a link that is frozen. A gateway that does not keep up is
hung up on by Redis (client-output-buffer-limit pubsub); publishers never wait for it.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from redis.asyncio import Connection, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from chatd.core.broker_address import BrokerAddress, channel_part
from chatd.errors import Unavailable
from chatd.transport.queue.broker_connection import SILENT_SECONDS

_FOREVER = float("inf")


class RedisBroker:
    """``Broker``."""

    connection_per_gateway = False

    def __init__(self, address: BrokerAddress) -> None:
        self._address = address
        self._prefix = f"{channel_part(address.name)}:gateway:"

    def channel(self, gateway: str) -> str:
        return self._prefix + channel_part(gateway)

    async def connect(self) -> "RedisConnection":
        address = self._address
        options: dict[str, Any] = {
            "host": address.host,
            "port": address.port,
            "username": address.user or None,
            "password": address.password or None,
            "client_name": "chatd",
            "protocol": 2,
            "socket_timeout": None,
            "retry": Retry(NoBackoff(), 0),
        }
        if address.is_encrypted:
            connection: Connection = SSLConnection(**options, ssl_ca_certs=address.ca_file or None)
        else:
            connection = Connection(**options)
        made = RedisConnection(connection)
        try:
            with _translated():
                await connection.connect()  # type: ignore[no-untyped-call]
        except BaseException:
            await made.close()
            raise
        return made


class RedisConnection:
    """``Connection``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._count = 0

    async def send(self, messages: Sequence[tuple[str, bytes]]) -> None:
        connection = self._connection
        with _translated():
            packed = connection.pack_commands(("PUBLISH", channel, body) for channel, body in messages)
            await connection.send_packed_command(packed, check_health=False)
            for _ in messages:
                await connection.read_response(disable_decoding=True, timeout=_FOREVER)

    async def listen(self, channel: str, heard: Callable[[bytes], None], begun: Callable[[], None]) -> None:
        with _translated():
            await self._connection.send_command("SUBSCRIBE", channel, check_health=False)
            async with asyncio.timeout(None) as limit:
                watching = asyncio.create_task(self._watch(limit), name="queue watch")
                try:
                    await self._read(heard, begun)
                finally:
                    watching.cancel()

    async def _read(self, heard: Callable[[bytes], None], begun: Callable[[], None]) -> None:
        read = self._connection.read_response
        while True:
            kind, *rest = await read(disable_decoding=True, timeout=_FOREVER)
            self._count += 1
            if kind == b"message":
                heard(rest[1])
            elif kind == b"subscribe":
                begun()

    async def _watch(self, limit: asyncio.Timeout) -> None:
        """End ``limit`` when nothing comes, not even the answer to a PING."""
        before = -1
        while self._count != before:
            before = self._count
            with suppress(RedisError, OSError):
                await self._connection.send_command("PING", check_health=False)
            await asyncio.sleep(SILENT_SECONDS)
        limit.reschedule(asyncio.get_running_loop().time())

    async def close(self) -> None:
        with suppress(RedisError, OSError):
            await self._connection.disconnect(nowait=True)


@contextmanager
def _translated() -> Iterator[None]:
    """The library's errors as chatd's."""
    try:
        yield
    except (RedisError, OSError, UnicodeError) as error:
        detail = ascii(f"{type(error).__name__}: {error}"[:300])
        raise Unavailable("the broker of the queue cannot be used", detail=detail) from None

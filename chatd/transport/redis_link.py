"""A connection to Redis (or Valkey), for whatever chatd uses it. The one module that knows
redis-py, whose connections are used by hand: nothing is repeated, and nothing connects again
unseen."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from redis.asyncio import Connection, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from chatd.core.broker_address import BrokerAddress
from chatd.errors import Unavailable

_FOREVER = float("inf")

Command = Sequence[str | bytes | int]


class RedisLink:
    """``what`` names the use in errors. All that the library raises becomes Unavailable, also an
    error that Redis answers."""

    def __init__(self, connection: Connection, what: str) -> None:
        self._connection = connection
        self._what = what

    async def connect(self) -> None:
        """Raises Unavailable."""
        with self._translated():
            await self._connection.connect()  # type: ignore[no-untyped-call]

    async def answers(self, commands: Sequence[Command]) -> list[Any]:
        """Send commands at once; the answers to all of them. Raises Unavailable."""
        connection = self._connection
        with self._translated():
            await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
            return [await connection.read_response(disable_decoding=True, timeout=_FOREVER) for _ in commands]

    async def send(self, *command: str | bytes | int) -> None:
        """Send a command; ``read_on`` gives what comes for it. Raises Unavailable."""
        with self._translated():
            await self._connection.send_command(*command, check_health=False)

    async def read_on(self, take: Callable[[Any], None]) -> None:
        """Hand on each thing that comes, until the connection breaks: then Unavailable is
        raised."""
        read = self._connection.read_response
        with self._translated():
            while True:
                take(await read(disable_decoding=True, timeout=_FOREVER))

    async def close(self) -> None:
        """End at once. Raises nothing."""
        with suppress(RedisError, OSError):
            await self._connection.disconnect(nowait=True)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (RedisError, OSError, UnicodeError) as error:
            detail = ascii(f"{type(error).__name__}: {error}"[:300])
            raise Unavailable(f"{self._what} cannot be used", detail=detail) from None


async def connect(address: BrokerAddress, what: str) -> RedisLink:
    """Raises Unavailable."""
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
    link = RedisLink(connection, what)
    try:
        await link.connect()
    except BaseException:
        await link.close()
        raise
    return link

"""RabbitMQ as the queue's broker: a direct exchange named like the queue, and for each gateway a
queue of its own that ends with its connection.

A gateway that does not keep up loses the oldest messages at its queue's limits. While RabbitMQ has
too little memory it reads nothing of those who publish, and says nothing either: so each batch is
followed by a question, whose answer also says that all before it was taken. Messages to a gateway
without a queue are not asked back (``mandatory``): it has noticed itself, and pulls. A message for
one device has its ids as headers, for operators' eyes.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Any, cast

import aiormq
from aiormq.abc import DeliveredMessage
from pamqp.commands import Basic
from yarl import URL

from chatd.core.broker_address import BrokerAddress, channel_part
from chatd.core.channel_numbers import STAMP_BYTES
from chatd.errors import Unavailable
from chatd.transport.queue.broker_connection import QUEUE, SILENT_SECONDS
from chatd.transport.queue.joined import only_device

HEARTBEAT_SECONDS = 2
"""The broker forgets a connection, and so a gateway's queue, that is silent for about twice as
long."""
LIMITS: dict[str, Any] = {
    "x-queue-type": "classic",
    "x-max-length-bytes": 32 * 1_048_576,
    "x-message-ttl": 10_000,
}
"""Kept for a gateway that has not read it yet, in bytes and milliseconds; the oldest goes."""
LONGEST_NAME = 127
NOWHERE = "\x01nowhere"
"""Not the name of a gateway."""


def exchange_name(queue: str) -> str:
    """Letters, digits and ``- _ . : #`` only, and not ``amq.``, which is RabbitMQ's own; no two
    queues have the same."""
    name = channel_part(queue).replace("%2E", ".").replace("%", ":")
    if name.startswith("amq."):
        name = name.replace(".", ":2E", 1)
    if len(name) > LONGEST_NAME:
        digest = sha256(queue.encode()).hexdigest()
        name = f"{name[: LONGEST_NAME - len(digest) - 1]}#{digest}"
    return name


class AmqpBroker:
    """``Broker``. A channel is a routing key, in which nothing has a meaning."""

    connection_per_gateway = False

    def __init__(self, address: BrokerAddress) -> None:
        self._address = address
        self._exchange = exchange_name(address.name)
        # Errors are raised, too. It would log them at each attempt, some with messages' bodies.
        logging.getLogger("aiormq").setLevel(logging.CRITICAL + 1)

    def channel(self, gateway: str) -> str:
        return gateway

    async def connect(self) -> "AmqpConnection":
        address = self._address
        with _translated():
            url = URL.build(
                scheme="amqps" if address.is_encrypted else "amqp",
                host=address.host,
                port=address.port,
                user=address.user or None,
                password=address.password or None,
                path="/",
                query={"heartbeat": HEARTBEAT_SECONDS, "name": "chatd"},
            )
            context = (
                ssl.create_default_context(cafile=address.ca_file or None) if address.is_encrypted else None
            )
        connection = AmqpConnection(url, _Transport(context), self._exchange)
        try:
            with _translated():
                await connection.open()
        except BaseException:
            await connection.close()
            raise
        return connection


class _Transport(aiormq.TransportFactory):
    """Keeps the socket: the library would wait until a broken connection says farewell."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._context = context
        self._writer: asyncio.StreamWriter | None = None

    async def create(self, url: URL, **_: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, self._writer = await asyncio.open_connection(url.host, url.port, ssl=self._context)
        return reader, self._writer

    def abort(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()


class AmqpConnection:
    """``Connection``."""

    def __init__(self, url: URL, transport: _Transport, exchange: str) -> None:
        self._transport = transport
        self._connection = aiormq.Connection(url, transport_factory=transport)
        self._exchange = exchange

    async def open(self) -> None:
        """Raises what the library raises."""
        await self._connection.connect()
        channel = await self._connection.channel(publisher_confirms=False)
        self._channel = cast(aiormq.Channel, channel)
        await self._channel.exchange_declare(self._exchange)

    async def send(self, messages: Sequence[tuple[str, bytes]]) -> None:
        with _translated():
            for key, body in messages or ((NOWHERE, b""),):
                only = only_device(body, STAMP_BYTES)
                headers: Any = None if only is None else {"profile_id": only[0], "device_id": only[1]}
                properties = Basic.Properties(delivery_mode=1, headers=headers)
                await self._channel.basic_publish(
                    body, exchange=self._exchange, routing_key=key, properties=properties, wait=False
                )
            await self._channel.exchange_declare(self._exchange, passive=True)

    async def listen(self, channel: str, heard: Callable[[bytes], None], begun: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()

        async def on_message(message: DeliveredMessage) -> None:
            still_there()
            heard(message.body)

        def still_there() -> None:
            if not limit.expired():
                limit.reschedule(loop.time() + SILENT_SECONDS)

        with _translated():
            async with asyncio.timeout(SILENT_SECONDS) as limit:
                declared = await self._channel.queue_declare(exclusive=True, arguments=LIMITS)
                queue = str(declared.queue)
                await self._channel.queue_bind(queue, self._exchange, routing_key=channel)
                await self._channel.basic_consume(queue, on_message, no_ack=True)
                begun()
                while True:
                    await asyncio.sleep(SILENT_SECONDS / 3)
                    await self._channel.queue_declare(queue, passive=True)
                    still_there()

    async def close(self) -> None:
        self._transport.abort()
        await self._connection.close()


@contextmanager
def _translated() -> Iterator[None]:
    """The library's errors as chatd's."""
    try:
        yield
    except TimeoutError:
        raise Unavailable(f"{QUEUE} does not answer") from None
    except (aiormq.AMQPError, OSError, RuntimeError, ValueError) as error:
        detail = ascii(f"{type(error).__name__}: {error}"[:300])
        raise Unavailable(f"{QUEUE} cannot be used", detail=detail) from None
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        # The library cancels those who wait when it closes a connection by itself.
        raise Unavailable(f"{QUEUE} cannot be used", detail="closed") from None

"""NATS as the queue's broker: one subject for each gateway.

A gateway that does not keep up stalls the connection that publishes to it (nats-server 2.9), so
each has one of its own. A message for one device has its ids as headers, for operators' eyes.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import ConnectionClosedError, Error, NoServersError

from chatd.core.broker_address import BrokerAddress, channel_part
from chatd.core.channel_numbers import STAMP_BYTES
from chatd.errors import Unavailable
from chatd.transport.queue.broker_connection import CONNECT_SECONDS, QUEUE, SILENT_SECONDS
from chatd.transport.queue.joined import only_device

PING_SECONDS = SILENT_SECONDS / 3
UNREAD_BYTES = 32 * 1_048_576
"""Bytes that a gateway has not looked at yet; beyond that messages are dropped."""
HEADER_BYTES = 300
"""The two ids take less. The server counts them, and hangs up when a message is too large."""


class NatsBroker:
    """``Broker``."""

    connection_per_gateway = True

    def __init__(self, address: BrokerAddress) -> None:
        self._address = address
        self._prefix = f"{channel_part(address.name)}.gateway."
        # Errors are raised, too.
        logging.getLogger("nats").setLevel(logging.CRITICAL + 1)

    def channel(self, gateway: str) -> str:
        return self._prefix + channel_part(gateway)

    async def connect(self) -> "NatsConnection":
        address = self._address
        connection = NatsConnection(is_encrypted=address.is_encrypted)
        options: dict[str, Any] = {
            "servers": list(self._servers()),  # they are tried one by one, in random order
            "user": address.user or None,
            "password": address.password or None,
            "name": "chatd",
            "allow_reconnect": False,
            "max_reconnect_attempts": 1,
            "reconnect_time_wait": 0.1,
            "connect_timeout": CONNECT_SECONDS,
            "ping_interval": PING_SECONDS,
            "max_outstanding_pings": 2,
            "pending_size": 0,  # else it waits in between, and cannot be cancelled there
        }
        try:
            with _translated():
                if address.is_encrypted:
                    options["tls"] = ssl.create_default_context(cafile=address.ca_file or None)
                await connection.open(options)
        except BaseException:
            await connection.close()
            raise
        return connection

    def _servers(self) -> Iterator[str]:
        scheme = "tls" if self._address.is_encrypted else "nats"
        for host, port in self._address.servers:
            yield f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


class _Client(Client):
    """The library's, but for three things. When a connection ends, the library would first wait
    until that takes what is left and says farewell, and tell nobody if it fails. It would let those
    wait on whom ``flush`` has promised an answer. And with whoever says that TLS is not needed, it
    would go on in clear text, password and all."""

    def __init__(self, *, is_encrypted: bool) -> None:
        super().__init__()
        self._is_encrypted = is_encrypted
        self.ended = asyncio.Event()

    async def _close(self, status: int, do_cbs: bool = True) -> None:
        self.ended.set()
        writer = getattr(self._transport, "_io_writer", None)
        if writer is not None:
            writer.transport.abort()
        self._transport = None  # nothing is written to it, nor waited for
        for answer in self._pongs:
            if not answer.done():
                answer.set_exception(ConnectionClosedError())
                answer.exception()  # seen, should nobody wait for it
        await super()._close(status, do_cbs)

    def _connect_command(self) -> bytes:
        if self._is_encrypted and not self._server_info.get("tls_required"):
            raise Error("nats: the server does not offer TLS")
        return bytes(super()._connect_command())


class NatsConnection:
    """``Connection``."""

    def __init__(self, *, is_encrypted: bool) -> None:
        self._client = _Client(is_encrypted=is_encrypted)
        self._error: Exception | None = None

    async def open(self, options: dict[str, Any]) -> None:
        """Raises what the library raises."""

        async def on_error(error: Exception) -> None:
            self._error = error

        try:
            await self._client.connect(**options, error_cb=on_error)
        except NoServersError as error:
            raise self._error or error from None  # the former says why
        self._error = None

    async def send(self, messages: Sequence[tuple[str, bytes]]) -> None:
        with _translated():
            for subject, body in messages:
                only = only_device(body, STAMP_BYTES)
                if len(body) + (0 if only is None else HEADER_BYTES) > self._client.max_payload:
                    continue  # its number will be missing, and streams pull what it held
                headers = None if only is None else {"profile_id": only[0], "device_id": only[1]}
                await self._client.publish(subject, body, headers=headers)
            await self._settle()

    async def listen(self, channel: str, heard: Callable[[bytes], None], begun: Callable[[], None]) -> None:
        async def on_message(message: Msg) -> None:
            heard(message.data)

        with _translated():
            await self._client.subscribe(
                channel, cb=on_message, pending_msgs_limit=0, pending_bytes_limit=UNREAD_BYTES
            )
            await self._settle()
            begun()
            await self._client.ended.wait()
            raise self._why_it_ended()

    async def _settle(self) -> None:
        """Return when the server has done what it was told. Raises what it said against it."""
        await asyncio.sleep(0)  # else the question would go out before the rest
        try:
            await self._client.flush(timeout=3_600)  # a broken connection ends by itself
        except ConnectionClosedError:
            raise self._why_it_ended() from None
        if self._error is not None:
            raise self._error

    def _why_it_ended(self) -> Exception:
        return self._error or self._client.last_error or NoServersError()

    async def close(self) -> None:
        if self._client._transport is None:
            return  # never connected, or ended
        with suppress(Error, OSError, TimeoutError, ValueError):
            await self._client.close()


@contextmanager
def _translated() -> Iterator[None]:
    """The library's errors as chatd's."""
    try:
        yield
    except TimeoutError:
        raise Unavailable(f"{QUEUE} does not answer") from None
    except (Error, OSError, ValueError) as error:
        detail = ascii(f"{type(error).__name__}: {error}"[:300])
        raise Unavailable(f"{QUEUE} cannot be used", detail=detail) from None

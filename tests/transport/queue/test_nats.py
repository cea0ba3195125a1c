"""NATS's library would wait for broken connections; the driver does not."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatd.core.broker_address import BrokerAddress
from chatd.core.channel_numbers import STAMP_BYTES
from chatd.errors import Unavailable
from chatd.transport.queue import nats
from chatd.transport.queue.joined import join_topics
from chatd.transport.queue.nats import NatsBroker, NatsConnection
from tests.brokers import broker
from tests.certificates import Authority
from tests.chaos.proxy import FaultProxy

DEADLINE = 5.0
"""Seconds; the library waits for half a minute, or for ever."""
MAX_PAYLOAD = 1_048_576
"""The server's, unless it is told otherwise."""


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "authority")


@pytest.fixture
def proxy(tmp_path: Path, authority: Authority) -> Iterator[FaultProxy]:
    """Before a server that takes only TLS."""
    certificate, key = map(str, authority.issue("broker", "localhost"))
    with (
        broker("nats", tmp_path, "--tls", "--tlscert", certificate, "--tlskey", key) as running,
        FaultProxy(target=("127.0.0.1", running.port)) as before,
    ):
        yield before


async def listening(proxy: FaultProxy, authority: Authority) -> tuple[NatsConnection, "asyncio.Task[None]"]:
    """A connection that listens to a channel."""
    address = BrokerAddress.parse(f"tls://localhost:{proxy.port}", "queue", str(authority.root))
    connection = await NatsBroker(address).connect()
    begun = asyncio.Event()
    task = asyncio.create_task(connection.listen("channel", lambda frame: None, begun.set))
    async with asyncio.timeout(DEADLINE):
        await begun.wait()
    return connection, task


async def until_it_ends(connection: NatsConnection, task: "asyncio.Task[None]") -> None:
    async with asyncio.timeout(DEADLINE):
        with pytest.raises(Unavailable):
            await task
        await connection.close()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others)


async def test_a_frozen_link_is_noticed_in_time_with_tls_too(
    proxy: FaultProxy, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nats, "PING_SECONDS", 0.07)
    connection, task = await listening(proxy, authority)
    proxy.blackhole()
    await until_it_ends(connection, task)


async def test_a_connection_that_breaks_while_something_is_to_be_written_has_ended(
    proxy: FaultProxy, authority: Authority
) -> None:
    connection, task = await listening(proxy, authority)
    connection._client._pending_data_size = 6  # the library's own ping, in the same turn
    proxy.cut()
    await until_it_ends(connection, task)


async def test_a_certificate_that_is_not_trusted_is_said(proxy: FaultProxy) -> None:
    for scheme in ("tls", "nats"):  # the server demands TLS of those who do not ask for it, too
        address = BrokerAddress.parse(f"{scheme}://localhost:{proxy.port}", "queue")
        async with asyncio.timeout(DEADLINE):
            with pytest.raises(Unavailable, match="cannot be used") as raised:
                await NatsBroker(address).connect()
        assert "CERTIFICATE_VERIFY_FAILED" in raised.value.detail


async def test_a_message_that_is_too_large_with_its_headers_is_left_out(tmp_path: Path) -> None:
    topic = b"u" * 128 + b":" + b"d" * 128 + b"\0"
    begin = bytes(STAMP_BYTES) + join_topics([topic])
    with broker("nats", tmp_path) as running:
        connection = await NatsBroker(BrokerAddress.parse(running.uri, "queue")).connect()
        async with asyncio.timeout(DEADLINE):
            for fewer in (*range(0, 400, 40), 0):
                await connection.send([("channel", begin.ljust(MAX_PAYLOAD - fewer, b"x"))])
        await connection.close()


@pytest.mark.parametrize("answer", [None, b"-ERR 'maximum subscriptions exceeded'\r\n", b""])
async def test_a_link_that_breaks_before_the_subscription_stands_is_noticed(
    monkeypatch: pytest.MonkeyPatch, answer: bytes | None
) -> None:
    """The server has taken the connection. None: it says nothing more; else its last words."""
    monkeypatch.setattr(nats, "PING_SECONDS", 0.07)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'INFO {"server_id": "x", "version": "2.9.0", "proto": 1, "max_payload": 1048576}\r\n')
        await reader.readuntil(b"PING\r\n")
        writer.write(b"PONG\r\n")
        await reader.readuntil(b"SUB ")
        if answer is None:
            await reader.read()
        else:
            writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        connection = await NatsBroker(BrokerAddress.parse(f"nats://127.0.0.1:{port}", "queue")).connect()
        async with asyncio.timeout(DEADLINE):
            with pytest.raises(Unavailable):
                await connection.listen("channel", lambda frame: None, lambda: None)
            await connection.close()

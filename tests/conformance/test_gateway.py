"""The gateway that is played."""

import asyncio
import socket
from contextlib import suppress

import pytest

from chatd.conformance.gateway import Gateway


@pytest.mark.parametrize("turns", range(4))
async def test_a_client_that_comes_as_it_dies_hears_the_end(turns: int) -> None:
    """In whichever turn of the loop: it would wait for a Welcome that nobody says."""
    loop = asyncio.get_running_loop()
    async with Gateway(lambda: True) as gateway:
        host, port = gateway.uri.removeprefix("tcp://").split(":")
        with socket.create_connection((host, int(port))) as client:
            client.setblocking(False)
            for _ in range(turns):
                await asyncio.sleep(0)
            gateway.die()
            async with asyncio.timeout(10):
                with suppress(ConnectionError):
                    while await loop.sock_recv(client, 1_024):
                        pass


async def test_nobody_is_greeted_while_it_is_away() -> None:
    loop = asyncio.get_running_loop()
    async with Gateway(lambda: True) as gateway, asyncio.timeout(10):
        gateway.away(0.3)
        began = loop.time()
        host, port = gateway.uri.removeprefix("tcp://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        await reader.readexactly(10)
        assert loop.time() - began >= 0.3
        writer.close()
        await writer.wait_closed()

"""Streams for tests that read as conversations: opened with a Welcome, left with a Bye."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chatd.client import Client, Stream, StreamState
from tests.client.fake_gateway import DEADLINE, FakeGateway

States = list[tuple[StreamState, str]]


@asynccontextmanager
async def streaming(
    client: Client, gateway: FakeGateway, **welcome: int
) -> AsyncIterator[tuple[Stream, bytes]]:
    """An open stream and the peer it is; at the end C: Bye, S: Closed."""
    async with asyncio.timeout(2 * DEADLINE):
        stream = await client.stream("laptop").__aenter__()
        peer = await gateway.welcome(**welcome)
        await stream.opened()
        yield stream, peer
        if stream.state is not StreamState.ENDED:
            await leave(stream, gateway)


async def leave(stream: Stream, gateway: FakeGateway, *, acked: int = 0) -> None:
    closing = asyncio.ensure_future(stream.close())
    if acked:
        await gateway.hear_ack(acked)
    peer, _ = await gateway.hear("bye")
    gateway.close_stream(peer, None)
    await closing


async def take(stream: Stream, count: int) -> list[tuple[str, int]]:
    taken = [await anext(stream) for _ in range(count)]
    return [(one.room_id, one.seq) for one in taken]

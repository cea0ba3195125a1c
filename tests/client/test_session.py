"""A session as a conversation with a gateway: calls and streams side by side, and the end of
both."""

import asyncio

import pytest
import uvloop

from chatd.client import Client
from chatd.errors import (
    ChatdError,
)
from tests.client.fake_gateway import DEADLINE, FakeGateway, accepted


def test_the_sdk_works_on_uvloop() -> None:
    async def converse() -> None:
        async with FakeGateway() as gateway, Client(gateway.uri, "secret") as client:
            sending = asyncio.ensure_future(client.send("lobby", "hello"))
            await gateway.answer(accepted)
            assert (await sending).seq == 7
            stream = await client.stream("laptop").__aenter__()
            peer = await gateway.welcome()
            gateway.deliver(peer, ("lobby", 7))
            assert (await anext(stream)).text == "lobby 7"
            closing = asyncio.ensure_future(stream.close())
            await gateway.hear("bye")
            gateway.close_stream(peer, None)
            await closing

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(converse(), 10))


async def test_a_closed_client_ends_its_streams(gateway: FakeGateway) -> None:
    async with asyncio.timeout(DEADLINE):
        async with Client(gateway.uri, "secret") as client:
            stream = await client.stream("laptop").__aenter__()
            await gateway.welcome()
        with pytest.raises(ChatdError, match="client was closed"):
            await anext(stream)

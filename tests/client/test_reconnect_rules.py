"""What makes a client come back and what does not: every closing code, codes of later versions, a restarted gateway, a room half made."""

import asyncio
import time

import pytest

from chatd.client import Client
from chatd.errors import WIRE_ERRORS, ChatdError, RateLimited, Unavailable
from tests.client.fake_gateway import DEADLINE, FakeGateway

CLOSING = [error for error in WIRE_ERRORS.values() if error.closes]


def name_of(error: type[ChatdError]) -> str:
    return error.name


@pytest.mark.parametrize("error", [error for error in CLOSING if error.retry], ids=name_of)
async def test_these_are_answered_with_a_new_hello(client: Client, gateway: FakeGateway, error: type[ChatdError]) -> None:
    stream = await client.stream("laptop").__aenter__()
    gateway.close_stream(await gateway.welcome(), error("come again"))
    gateway.deliver(await gateway.welcome(epoch=2), ("a", 1))
    assert (await asyncio.wait_for(anext(stream), DEADLINE)).seq == 1
    stream.abandon()


@pytest.mark.parametrize("error", [error for error in CLOSING if not error.retry], ids=name_of)
async def test_these_end_the_stream_after_what_had_come(client: Client, gateway: FakeGateway, error: type[ChatdError]) -> None:
    stream = await client.stream("laptop").__aenter__()
    peer = await gateway.welcome()
    gateway.deliver(peer, ("a", 1))
    gateway.close_stream(peer, error("stay away"))
    assert (await asyncio.wait_for(anext(stream), DEADLINE)).seq == 1
    with pytest.raises(error, match="stay away"):
        await asyncio.wait_for(anext(stream), DEADLINE)
    await asyncio.sleep(0.3)  # longer than the first wait before a reconnect
    assert gateway.heard_nothing()


@pytest.mark.parametrize("retry", [True, False])
async def test_a_code_of_a_later_version_is_treated_as_it_says(client: Client, gateway: FakeGateway, retry: bool) -> None:
    stream = await client.stream("laptop").__aenter__()
    peer = await gateway.welcome()
    gateway.say(peer, closed={"error": {"code": 699, "name": "OF_A_LATER_VERSION", "retry": retry}})
    if retry:
        await gateway.welcome(epoch=2)
    else:
        with pytest.raises(ChatdError, match="OF_A_LATER_VERSION"):
            await asyncio.wait_for(anext(stream), DEADLINE)
    stream.abandon()


async def test_a_restarted_gateway_is_found_again() -> None:
    first = FakeGateway()
    async with first:
        client = Client(first.uri, "secret")
        stream = await client.stream("laptop").__aenter__()
        first.deliver(await first.welcome(heartbeat_ms=100), ("a", 1))
        assert (await asyncio.wait_for(anext(stream), DEADLINE)).seq == 1
    second = FakeGateway(first.uri)
    second.echo = False  # it knows no stream; a real one would say NO_STREAM, here the silence has to do
    async with second:
        second.deliver(await second.welcome(epoch=2), ("a", 1), ("a", 2))
        assert (await asyncio.wait_for(anext(stream), DEADLINE)).seq == 2
        client.close()


async def test_a_room_is_not_made_twice_after_an_unknown_outcome(client: Client, gateway: FakeGateway) -> None:
    making = asyncio.ensure_future(client.create_room("lobby"))
    await gateway.answer(lambda _: Unavailable("the node was lost"))
    with pytest.raises(Unavailable, match="the node was lost"):
        await making
    assert gateway.heard_nothing()


async def test_a_limited_stream_comes_back_when_it_was_told_and_not_before(client: Client, gateway: FakeGateway) -> None:
    stream = await client.stream("laptop").__aenter__()
    peer, _ = await gateway.hear("hello")
    gateway.say(peer, error={"code": RateLimited.code, "name": RateLimited.name, "retry": True, "retry_after_ms": 800})
    began = time.monotonic()
    gateway.deliver(await gateway.welcome(), ("a", 1))
    assert time.monotonic() - began > 0.75
    assert (await asyncio.wait_for(anext(stream), DEADLINE)).seq == 1
    stream.abandon()

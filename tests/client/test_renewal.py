"""Tokens that the application makes: for the first Hello, in the stream, after they have expired,
and for calls."""

import asyncio
import time
from collections.abc import Callable

import pytest

from chatd.client import Client, StreamState
from chatd.errors import TimedOut, TokenExpired
from chatd.pb.gateway.v1.gateway_pb2 import TokenExpires
from tests.client.fake_gateway import FakeGateway, accepted
from tests.client.streams import leave


class Maker:
    """Makes t1, t2 and so on."""

    def __init__(self, *, seconds: float = 0.0) -> None:
        self.made = 0
        self.seconds = seconds

    async def __call__(self) -> str:
        await asyncio.sleep(self.seconds)
        self.made += 1
        return f"t{self.made}"


async def test_a_token_is_made_for_the_first_hello(gateway: FakeGateway) -> None:
    async with Client(gateway.uri, Maker(seconds=0.05)) as client, client.stream("laptop") as stream:
        _, hello = await gateway.hear_hello()
        assert hello.token == "t1"
        client.close()
        assert stream.state is StreamState.ENDED


async def test_a_plain_function_will_do(gateway: FakeGateway) -> None:
    async with Client(gateway.uri, lambda: "made") as client:
        sending = asyncio.ensure_future(client.send("lobby", "hello"))
        assert (await gateway.answer(accepted)).token == "made"
        await sending


async def test_it_is_renewed_in_the_stream(gateway: FakeGateway) -> None:
    maker = Maker()
    async with Client(gateway.uri, maker) as client:
        stream = await client.stream("laptop").__aenter__()
        peer = await gateway.welcome()
        await stream.opened()
        for number in (2, 3):
            gateway.say(peer, token_expires=TokenExpires(in_ms=60_000))
            _, renew = await gateway.hear("renew")
            assert (renew.token, renew.epoch) == (f"t{number}", stream.epoch)
            gateway.say(peer, token_expires=TokenExpires(in_ms=3_600_000))
        sending = asyncio.ensure_future(client.send("lobby", "hello"))
        assert (await gateway.answer(accepted)).token == "t3", "calls use the newest, too"
        await sending
        assert maker.made == 3
        await leave(stream, gateway)


async def test_a_stream_whose_token_has_expired_begins_anew_with_another(gateway: FakeGateway) -> None:
    states: list[StreamState] = []
    async with Client(gateway.uri, Maker()) as client:
        stream = client.stream("laptop", on_state=lambda state, why: states.append(state))
        await stream.__aenter__()
        peer = await gateway.welcome()
        await stream.opened()
        gateway.close_stream(peer, TokenExpired("over"))
        _, hello = await gateway.hear_hello()
        assert hello.token == "t2"
        assert states[-1] is StreamState.CONNECTING
        stream.abandon()


async def test_a_stream_with_one_token_ends_with_it(client: Client, gateway: FakeGateway) -> None:
    async with client.stream("laptop") as stream:
        peer = await gateway.welcome()
        gateway.say(peer, token_expires=TokenExpires(in_ms=1_000))
        gateway.close_stream(peer, TokenExpired("over"))
        with pytest.raises(TokenExpired):
            await anext(stream)


async def test_a_call_whose_token_has_expired_is_made_with_another(gateway: FakeGateway) -> None:
    maker = Maker()
    async with Client(gateway.uri, maker) as client:
        sending = [asyncio.ensure_future(client.set_typing("lobby")) for _ in range(2)]
        calls = [(await gateway.hear("call"))[1] for _ in range(2)]
        assert [call.token for call in calls] == ["t1", "t1"], "made once for both"
        for one in sending:
            one.cancel()
        sent = asyncio.ensure_future(client.send("lobby", "hello"))
        await gateway.answer(lambda call: TokenExpired("over"))
        assert (await gateway.answer(accepted)).token == "t2"
        await sent
        again = asyncio.ensure_future(client.send("lobby", "hello"))
        for _ in range(2):
            await gateway.answer(lambda call: TokenExpired("over"))
        with pytest.raises(TokenExpired):
            await again  # a maker of expired tokens is not asked for ever
        assert maker.made == 3


class Broken(Exception):
    """The application's own."""


def breaking(after: int) -> Callable[[], str]:
    made: list[str] = []

    def make() -> str:
        if len(made) >= after:
            raise Broken
        made.append("t")
        return "t"

    return make


async def test_the_application_s_error_ends_the_stream_or_is_the_call_s(gateway: FakeGateway) -> None:
    async with Client(gateway.uri, breaking(0)) as client:
        async with client.stream("laptop") as stream:
            with pytest.raises(Broken):
                await anext(stream)
        with pytest.raises(Broken):
            await client.send("lobby", "hello")


async def test_an_error_in_the_stream_leaves_it_until_its_token_expires(gateway: FakeGateway) -> None:
    async with Client(gateway.uri, breaking(1)) as client, client.stream("laptop") as stream:
        peer = await gateway.welcome()
        await stream.opened()
        gateway.say(peer, token_expires=TokenExpires(in_ms=1_000))
        gateway.say(peer, token_expires=TokenExpires(in_ms=500))
        gateway.caught_up(peer)
        await asyncio.wait_for(stream.caught_up(), 5)
        assert gateway.heard_nothing()
        gateway.close_stream(peer, TokenExpired("over"))
        with pytest.raises(Broken):
            await anext(stream)


async def test_a_call_waits_for_a_token_no_longer_than_for_an_answer(gateway: FakeGateway) -> None:
    async with Client(gateway.uri, Maker(seconds=30), call_timeout=0.2) as client:
        began = time.monotonic()
        with pytest.raises(TimedOut):
            await client.send("lobby", "hello")
        assert time.monotonic() - began < 5

"""One connection for calls, as conversations with a gateway: each answer finds its call, or the
call fails."""

import asyncio

import pytest

from chatd.client import Client
from chatd.client.calls import LARGEST_FRAME
from chatd.errors import (
    FrameTooLarge,
    Internal,
    MalformedFrame,
    Unavailable,
)
from chatd.pb.chat.v1 import chat_pb2 as chat
from chatd.pb.gateway.v1.gateway_pb2 import RpcResponse
from tests.client.fake_gateway import FakeGateway, accepted
from tests.daemons import free_port


async def test_answers_may_come_in_any_order(client: Client, gateway: FakeGateway) -> None:
    texts = ["one", "two", "three"]
    sending = [asyncio.ensure_future(client.send("lobby", text)) for text in texts]
    heard = [await gateway.hear("call") for _ in sending]
    ids: dict[str, str] = {}
    for peer, call in reversed(heard):
        (event,) = chat.SendEventsRequest.FromString(call.payload).events
        ids[event.payload.fields["text"].string_value] = event.event_id
        gateway.say(peer, reply=RpcResponse(call_id=call.call_id, payload=accepted(call).SerializeToString()))
    acks = await asyncio.gather(*sending)
    assert [ack.event_id for ack in acks] == [ids[text] for text in texts]


async def test_nobody_there(gateway: FakeGateway) -> None:
    async with Client(f"tcp://127.0.0.1:{free_port()}", "secret", call_timeout=0.2) as client:
        with pytest.raises(Unavailable, match="no gateway answers"):
            await client.send("lobby", "hello")


async def test_a_gateway_that_comes_late_is_waited_for() -> None:
    uri = f"tcp://127.0.0.1:{free_port()}"
    async with Client(uri, "secret", call_timeout=10) as client:
        sending = asyncio.ensure_future(client.send("lobby", "hello"))
        await asyncio.sleep(0.1)
        async with FakeGateway(uri) as gateway:
            await gateway.answer(accepted)
            assert (await sending).seq == 7


@pytest.mark.parametrize(
    "reply",
    [RpcResponse(call_id=1), RpcResponse(call_id=1, payload=b"\xff")],
    ids=["no outcome", "does not parse"],
)
async def test_an_answer_that_is_none(client: Client, gateway: FakeGateway, reply: RpcResponse) -> None:
    sending = asyncio.ensure_future(client.send("lobby", "hello"))
    peer, _ = await gateway.hear("call")
    gateway.say(peer, reply=reply)
    with pytest.raises(MalformedFrame):
        await sending


async def test_a_refused_frame_fails_the_calls_under_way(client: Client, gateway: FakeGateway) -> None:
    sending = asyncio.ensure_future(client.send("lobby", "hello"))
    peer, _ = await gateway.hear("call")
    gateway.say(peer, error={"code": 987, "name": "FROM_THE_FUTURE", "message": "no"})
    with pytest.raises(Internal, match="FROM_THE_FUTURE"):
        await sending


async def test_what_zeromq_would_cut_off_is_refused_at_once(gateway: FakeGateway) -> None:
    async with Client(gateway.uri, "secret", compress=False) as client:
        with pytest.raises(FrameTooLarge):
            await client.send("lobby", "x" * LARGEST_FRAME)


async def test_a_lost_connection_is_made_anew_with_the_next_call_and_not_before() -> None:
    """A gateway closes connections on which nobody authenticates: an idle client would come back
    for ever."""
    uri = f"tcp://127.0.0.1:{free_port()}"
    async with Client(uri, "secret") as client:
        async with FakeGateway(uri) as gateway:
            sending = asyncio.ensure_future(client.send("lobby", "hello"))
            await gateway.answer(accepted)
            await sending
        assert client._calls._calls is not None
        async with asyncio.timeout(5):
            while client._calls._calls._pump is not None:
                await asyncio.sleep(0.01)
        async with FakeGateway(uri) as gateway:
            sending = asyncio.ensure_future(client.send("lobby", "again"))
            await gateway.answer(accepted)
            assert (await sending).seq == 7


async def test_closing_fails_what_is_under_way(gateway: FakeGateway) -> None:
    client = Client(gateway.uri, "secret")
    sending = asyncio.ensure_future(client.send("lobby", "hello"))
    await gateway.hear("call")
    client.close()
    async with asyncio.timeout(5):
        with pytest.raises(Unavailable, match="closed"):
            await sending
        with pytest.raises(Unavailable, match="closed"):
            await client.send("lobby", "hello")

"""Calls as conversations with a gateway: what is tried again, with what, and how long."""

import asyncio
import time

import pytest
import uvloop

from chatd.client import Client
from chatd.client.calls import LARGEST_FRAME
from chatd.errors import (
    AlreadyExists,
    FrameTooLarge,
    Internal,
    MalformedFrame,
    NotAMember,
    Overloaded,
    RateLimited,
    TimedOut,
    Unavailable,
)
from chatd.pb.chat.v1 import chat_pb2 as chat
from chatd.pb.gateway.v1.gateway_pb2 import RpcRequest, RpcResponse
from tests.client.fake_gateway import FakeGateway, delivery
from tests.daemons import free_port


def accepted(call: RpcRequest) -> chat.SendEventsResponse:
    """The answer of a service that stores everything."""
    events = chat.SendEventsRequest.FromString(call.payload).events
    return chat.SendEventsResponse(acks=[chat.EventAck(event_id=event.event_id, room_id=event.room_id, seq=7) for event in events])


def sent_ids(call: RpcRequest) -> list[str]:
    return [event.event_id for event in chat.SendEventsRequest.FromString(call.payload).events]


async def test_a_send_is_acknowledged(client: Client, gateway: FakeGateway) -> None:
    sending = asyncio.ensure_future(client.send("lobby", "hello"))
    call = await gateway.answer(accepted)
    assert (call.method, call.token, call.profile_id, call.affinity) == ("ChatService/SendEvents", "secret", "bob", "lobby")
    ack = await sending
    assert (ack.room_id, ack.seq, [ack.event_id]) == ("lobby", 7, sent_ids(call))


async def test_a_send_is_tried_again_with_the_same_id(client: Client, gateway: FakeGateway) -> None:
    sending = asyncio.ensure_future(client.send("lobby", "hello"))
    first = await gateway.answer(lambda _: Overloaded("later"))
    second = await gateway.answer(lambda _: Unavailable("nobody there"))
    third = await gateway.answer(accepted)
    assert sent_ids(first) == sent_ids(second) == sent_ids(third) == [(await sending).event_id]
    assert len({first.call_id, second.call_id, third.call_id}) == 3


async def test_a_send_without_an_answer_is_tried_again(gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatd.client.client.TRY_SECONDS", 0.05)
    async with Client(gateway.uri, "secret") as client:
        sending = asyncio.ensure_future(client.send("lobby", "hello", event_id="mine"))
        _, lost = await gateway.hear("call")
        again = await gateway.answer(accepted)
        assert sent_ids(lost) == sent_ids(again) == ["mine"]
        assert (await sending).event_id == "mine"


async def test_a_refusal_is_not_tried_again(client: Client, gateway: FakeGateway) -> None:
    sending = asyncio.ensure_future(client.send("lobby", "hello"))
    await gateway.answer(lambda _: NotAMember("you are not in lobby"))
    with pytest.raises(NotAMember, match="not in lobby"):
        await sending
    assert gateway.heard_nothing()


def limited(after_ms: int) -> RateLimited:
    error = RateLimited("this device may send 1 event a second")
    error.retry_after_ms = after_ms
    return error


async def test_a_limited_call_is_tried_again_when_it_was_told_and_not_before(client: Client, gateway: FakeGateway) -> None:
    sending = asyncio.ensure_future(client.send("lobby", "hello"))
    first = await gateway.answer(lambda _: limited(400))
    began = time.monotonic()
    second = await gateway.answer(accepted)
    assert time.monotonic() - began >= 0.4
    assert sent_ids(first) == sent_ids(second) == [(await sending).event_id]


async def test_a_limited_call_that_must_not_be_repeated_is_tried_again_too_for_nothing_was_done(
    client: Client, gateway: FakeGateway
) -> None:
    creating = asyncio.ensure_future(client.create_room("lobby"))
    await gateway.answer(lambda _: limited(10))
    await gateway.answer(lambda _: chat.CreateRoomResponse(room=chat.Room(room_id="lobby", head_seq=1)))
    assert (await creating).head_seq == 1


async def test_who_would_wait_longer_than_the_timeout_is_told_at_once(client: Client, gateway: FakeGateway) -> None:
    sending = asyncio.ensure_future(client.send("lobby", "hello"))
    await gateway.answer(lambda _: limited(60_000))
    async with asyncio.timeout(2):
        with pytest.raises(RateLimited) as raised:
            await sending
    assert raised.value.retry_after_ms == 60_000


async def test_a_lost_connection_is_made_anew_with_the_next_call_and_not_before() -> None:
    """A gateway closes connections on which nobody authenticates: an idle client would come back for ever."""
    uri = f"tcp://127.0.0.1:{free_port()}"
    async with Client(uri, "secret") as client:
        async with FakeGateway(uri) as gateway:
            sending = asyncio.ensure_future(client.send("lobby", "hello"))
            await gateway.answer(accepted)
            await sending
        assert client._calls is not None
        async with asyncio.timeout(5):
            while client._calls._pump is not None:
                await asyncio.sleep(0.01)
        async with FakeGateway(uri) as gateway:
            sending = asyncio.ensure_future(client.send("lobby", "again"))
            await gateway.answer(accepted)
            assert (await sending).seq == 7


async def test_trying_ends_with_the_last_error(gateway: FakeGateway) -> None:
    async with Client(gateway.uri, "secret", call_timeout=0.3) as client:
        sending = asyncio.ensure_future(client.send("lobby", "hello"))
        while not sending.done():
            try:
                async with asyncio.timeout(0.5):
                    await gateway.answer(lambda _: Overloaded("later"))
            except TimeoutError:
                break
        with pytest.raises(Overloaded):
            await sending


async def test_a_room_is_not_made_twice(gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatd.client.client.TRY_SECONDS", 0.05)
    async with Client(gateway.uri, "secret", call_timeout=0.3) as client:
        with pytest.raises(TimedOut, match="unknown"):
            await client.create_room("lobby")
        await gateway.hear("call")
        assert gateway.heard_nothing()


async def test_a_rooms_calls(client: Client, gateway: FakeGateway) -> None:
    creating = asyncio.ensure_future(client.create_room("lobby", name="The lobby", profiles=["carol"]))
    call = await gateway.answer(lambda _: chat.CreateRoomResponse(room=chat.Room(room_id="lobby", head_seq=1)))
    assert list(chat.CreateRoomRequest.FromString(call.payload).profile_ids) == ["carol"]
    assert (await creating).head_seq == 1

    adding = asyncio.ensure_future(client.add_members("lobby", ["dave", "carol"]))
    await gateway.answer(lambda _: chat.AddRoomSubscriptionsResponse(added=["dave"], seq=2))
    assert await adding == ["dave"]

    removing = asyncio.ensure_future(client.remove_members("lobby", ["dave"]))
    await gateway.answer(lambda _: chat.RemoveRoomSubscriptionsResponse(removed=["dave"], seq=3))
    assert await removing == ["dave"]

    reading = asyncio.ensure_future(client.history("lobby", before_seq=9, limit=2))
    call = await gateway.answer(lambda _: chat.GetHistoryResponse(events=[delivery("lobby", 7), delivery("lobby", 8)], more=True))
    assert chat.GetHistoryRequest.FromString(call.payload) == chat.GetHistoryRequest(
        room_id="lobby", before_seq=9, limit=2, accept_zstd=True
    )
    page, more = await reading
    assert ([one.seq for one in page], more) == ([7, 8], True)

    creating = asyncio.ensure_future(client.create_room("lobby"))
    await gateway.answer(lambda _: AlreadyExists("lobby exists"))
    with pytest.raises(AlreadyExists):
        await creating


async def test_answers_may_come_in_any_order(client: Client, gateway: FakeGateway) -> None:
    sending = [asyncio.ensure_future(client.send("lobby", text)) for text in ("one", "two", "three")]
    heard = [await gateway.hear("call") for _ in sending]
    for peer, call in reversed(heard):
        gateway.say(peer, reply=RpcResponse(call_id=call.call_id, payload=accepted(call).SerializeToString()))
    acks = await asyncio.gather(*sending)
    assert [[ack.event_id] for ack in acks] == [sent_ids(call) for _, call in heard]


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


async def test_closing_fails_what_is_under_way(gateway: FakeGateway) -> None:
    client = Client(gateway.uri, "secret")
    sending = asyncio.ensure_future(client.send("lobby", "hello"))
    await gateway.hear("call")
    client.close()
    async with asyncio.timeout(1):
        with pytest.raises(Unavailable, match="closed"):
            await sending
        with pytest.raises(Unavailable, match="closed"):
            await client.send("lobby", "hello")


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

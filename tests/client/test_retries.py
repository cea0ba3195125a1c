"""Calls that fail, as conversations with a gateway: repeated or not, with which ids, after which
pauses."""

import asyncio
import time

import pytest

from chatd.client import Client
from chatd.errors import (
    ChatdError,
    NotAMember,
    Overloaded,
    RateLimited,
    StoreFailed,
    TimedOut,
    Unavailable,
)
from chatd.pb.admin.v1 import admin_pb2
from chatd.pb.chat.v1 import chat_pb2 as chat
from chatd.pb.gateway.v1.gateway_pb2 import RpcResponse
from tests.client.fake_gateway import FakeGateway, accepted, sent_ids


async def test_a_send_is_tried_again_with_the_same_id(client: Client, gateway: FakeGateway) -> None:
    sending = asyncio.ensure_future(client.send("lobby", "hello"))
    first = await gateway.answer(lambda _: Overloaded("later"))
    second = await gateway.answer(lambda _: Unavailable("nobody there"))
    third = await gateway.answer(accepted)
    assert sent_ids(first) == sent_ids(second) == sent_ids(third) == [(await sending).event_id]
    assert len({first.call_id, second.call_id, third.call_id}) == 3


async def test_a_send_without_an_answer_is_tried_again(
    gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatd.client.retries.TRY_SECONDS", 0.05)
    async with Client(gateway.uri, "secret") as client:
        sending = asyncio.ensure_future(client.send("lobby", "hello", event_id="mine"))
        _, lost = await gateway.hear("call")
        monkeypatch.setattr("chatd.client.retries.TRY_SECONDS", 5.0)  # the next attempt may be answered
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


async def test_a_limited_call_is_tried_again_when_it_was_told_and_not_before(
    client: Client, gateway: FakeGateway
) -> None:
    sending = asyncio.ensure_future(client.send("lobby", "hello"))
    first = await gateway.answer(lambda _: limited(400))
    began = time.monotonic()
    second = await gateway.answer(accepted)
    assert time.monotonic() - began >= 0.4
    assert sent_ids(first) == sent_ids(second) == [(await sending).event_id]


async def test_a_limited_call_that_must_not_be_repeated_is_tried_again_too_for_nothing_was_done(
    client: Client, gateway: FakeGateway
) -> None:
    typing = asyncio.ensure_future(client.set_typing("lobby"))
    await gateway.answer(lambda _: limited(10))
    await gateway.answer(lambda _: chat.SetTypingResponse())
    await typing


async def test_who_would_wait_longer_than_the_timeout_is_told_at_once(
    client: Client, gateway: FakeGateway
) -> None:
    sending = asyncio.ensure_future(client.send("lobby", "hello"))
    await gateway.answer(lambda _: limited(60_000))
    async with asyncio.timeout(2):
        with pytest.raises(RateLimited) as raised:
            await sending
    assert raised.value.retry_after_ms == 60_000


async def test_trying_ends_with_the_last_error(gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    # The last attempt has half of this at least, and is answered in it.
    monkeypatch.setattr("chatd.client.retries.FIRST_PAUSE", 1.0)

    async def refuse() -> None:
        while True:
            await gateway.answer(lambda _: Overloaded("later"))

    refusing = asyncio.create_task(refuse())
    async with Client(gateway.uri, "secret", call_timeout=2.0) as client:
        with pytest.raises(Overloaded):
            await client.send("lobby", "hello")
    refusing.cancel()
    await asyncio.wait([refusing])


async def test_what_must_not_be_repeated_is_not(
    gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatd.client.retries.TRY_SECONDS", 0.05)
    async with Client(gateway.uri, "secret", call_timeout=1.0) as client:
        with pytest.raises(TimedOut, match="unknown"):
            await client.call(
                "AdminService/TestNotification",
                admin_pb2.TestNotificationRequest(),
                admin_pb2.TestNotificationResponse,
                repeatable=False,
            )
        await gateway.hear("call")
        assert gateway.heard_nothing()


@pytest.mark.parametrize(
    "error", [Unavailable("the node was lost"), TimedOut("no answer"), StoreFailed("the disk is full")]
)
async def test_a_change_of_unknown_outcome_is_asked_for_again_under_its_id(
    client: Client, gateway: FakeGateway, error: ChatdError
) -> None:
    made = chat.CreateRoomResponse(room=chat.Room(room_id="lobby", head_seq=1))
    creating = asyncio.ensure_future(client.create_room("lobby"))
    first = await gateway.answer(lambda _: error)
    second = await gateway.answer(lambda _: made)
    assert (await creating).head_seq == 1
    assert first.request_id == second.request_id != ""
    assert first.payload == second.payload
    creating = asyncio.ensure_future(client.create_room("lobby"))
    other = await gateway.answer(lambda _: made)
    await creating
    assert other.request_id not in ("", first.request_id), "another call has another id"


async def test_a_change_keeps_its_id_at_another_gateway() -> None:
    async with (
        FakeGateway() as first,
        FakeGateway() as second,
        Client([first.uri, second.uri], "secret") as client,
    ):
        adding = asyncio.ensure_future(client.add_members("lobby", ["bob"], request_id="mine"))
        lost = await first.answer(lambda _: Unavailable("no default node answers"))
        again = await second.answer(lambda _: chat.AddRoomSubscriptionsResponse(added=["bob"]))
        assert list((await adding).added) == ["bob"]
        assert lost.request_id == again.request_id == "mine"


async def test_sends_have_the_ids_of_their_events_and_no_other(client: Client, gateway: FakeGateway) -> None:
    sending = asyncio.ensure_future(client.send("lobby", "hello"))
    assert (await gateway.answer(accepted)).request_id == ""
    await sending


async def test_calls_move_to_another_gateway_and_those_under_way_end_where_they_are() -> None:
    async with (
        FakeGateway() as first,
        FakeGateway() as second,
        Client([first.uri, second.uri], "secret") as client,
    ):
        slow = asyncio.ensure_future(client.send("lobby", "slow"))
        peer, call = await first.hear("call")
        quick = asyncio.ensure_future(client.send("lobby", "quick"))
        await first.answer(lambda _: Unavailable("no default node answers"))
        await second.answer(accepted)
        assert (await quick).seq == 7
        (left,) = client._calls._retired
        assert not left.closed
        first.say(peer, reply=RpcResponse(call_id=call.call_id, payload=accepted(call).SerializeToString()))
        assert (await slow).seq == 7
        assert left.closed, "nothing is under way there any more"

"""The client's methods as conversations with a gateway."""

import asyncio

import pytest

from chatd.client import Client
from chatd.errors import (
    AlreadyExists,
)
from chatd.pb.chat.v1 import chat_pb2 as chat
from tests.client.fake_gateway import FakeGateway, accepted, delivery, sent_ids


async def test_a_send_is_acknowledged(client: Client, gateway: FakeGateway) -> None:
    sending = asyncio.ensure_future(client.send("lobby", "hello"))
    call = await gateway.answer(accepted)
    assert (call.method, call.token, call.profile_id, call.affinity) == (
        "ChatService/SendEvents",
        "secret",
        "bob",
        "lobby",
    )
    ack = await sending
    assert (ack.room_id, ack.seq, [ack.event_id]) == ("lobby", 7, sent_ids(call))


async def test_a_rooms_calls(client: Client, gateway: FakeGateway) -> None:
    creating = asyncio.ensure_future(client.create_room("lobby", name="The lobby", profiles=["carol"]))
    call = await gateway.answer(
        lambda _: chat.CreateRoomResponse(room=chat.Room(room_id="lobby", head_seq=1))
    )
    assert list(chat.CreateRoomRequest.FromString(call.payload).profile_ids) == ["carol"]
    assert (await creating).head_seq == 1

    adding = asyncio.ensure_future(client.add_members("lobby", ["dave", "carol"]))
    await gateway.answer(lambda _: chat.AddRoomSubscriptionsResponse(added=["dave"], seq=2))
    assert list((await adding).added) == ["dave"]

    removing = asyncio.ensure_future(client.remove_members("lobby", ["dave"]))
    await gateway.answer(lambda _: chat.RemoveRoomSubscriptionsResponse(removed=["dave"], seq=3))
    assert list((await removing).removed) == ["dave"]

    reading = asyncio.ensure_future(client.history("lobby", before_seq=9, limit=2))
    call = await gateway.answer(
        lambda _: chat.GetHistoryResponse(events=[delivery("lobby", 7), delivery("lobby", 8)], more=True)
    )
    assert chat.GetHistoryRequest.FromString(call.payload) == chat.GetHistoryRequest(
        room_id="lobby", before_seq=9, limit=2, accept_zstd=True
    )
    page, more = await reading
    assert ([one.seq for one in page], more) == ([7, 8], True)

    reading = asyncio.ensure_future(client.history("lobby", after_seq=0))
    call = await gateway.answer(lambda _: chat.GetHistoryResponse())
    assert chat.GetHistoryRequest.FromString(call.payload).HasField("after_seq")
    assert await reading == ([], False)

    around = asyncio.ensure_future(client.history_around("lobby", 7, limit=3))
    call = await gateway.answer(
        lambda _: chat.GetHistoryResponse(events=[delivery("lobby", 7)], more_newer=True)
    )
    assert chat.GetHistoryRequest.FromString(call.payload).around_seq == 7
    page, older, newer = await around
    assert ([one.seq for one in page], older, newer) == ([7], False, True)

    finding = asyncio.ensure_future(client.event("lobby", event_id="e", sender_id="carol"))
    call = await gateway.answer(lambda _: chat.GetEventResponse(event=delivery("lobby", 7)))
    assert chat.GetEventRequest.FromString(call.payload) == chat.GetEventRequest(
        room_id="lobby", event_id="e", sender_id="carol", accept_zstd=True
    )
    assert (await finding).seq == 7

    creating = asyncio.ensure_future(client.create_room("lobby"))
    await gateway.answer(lambda _: AlreadyExists("lobby exists"))
    with pytest.raises(AlreadyExists):
        await creating

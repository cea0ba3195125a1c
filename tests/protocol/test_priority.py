"""C: says what is urgent and who is meant; S: refuses what is out of range, and shows both to
everybody."""

from collections.abc import Callable
from typing import Any

import pytest

from chatd.errors import InvalidArgument, InvalidId
from chatd.pb.admin.v1.admin_pb2 import GetBroadcastRequest, GetBroadcastResponse
from chatd.pb.chat.v1.chat_pb2 import (
    GetRoomRequest,
    GetRoomResponse,
    ListUnreadRequest,
    ListUnreadResponse,
    RoomEvent,
    SendEventsRequest,
    SendEventsResponse,
    SetReadMarkerRequest,
    SetReadMarkerResponse,
)
from tests.protocol.conversation import Conversation, event

Connect = Callable[..., Conversation]


def made(room: str, id_: str, **fields: Any) -> SendEventsRequest:
    one: RoomEvent = event(room, "hi", id_=id_)
    one.MergeFrom(RoomEvent(**fields))
    return SendEventsRequest(events=[one])


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"priority": -2}, InvalidArgument),
        ({"priority": 4}, InvalidArgument),
        ({"mentions": ["b"] * 101}, InvalidArgument),
        ({"mentions": ["b c"]}, InvalidId),
        ({"mentions": [""]}, InvalidId),
    ],
)
def test_what_is_out_of_range_is_refused(
    connect: Connect, room: str, fields: dict[str, Any], error: type[Any]
) -> None:
    assert connect("alice").refused("ChatService/SendEvents", made(room, "e", **fields)) == error.code


def test_they_are_delivered_and_a_mention_is_urgent(
    connect: Connect, room: str, own: Callable[[str], str]
) -> None:
    bob, alice = connect("bob"), connect("alice")
    bob.open("d")
    bob.deliveries(0)
    mentioned = [own("bob"), "nobody", own("bob")]
    for id_, fields in (
        ("e1", {"priority": -1}),
        ("e2", {}),
        ("e3", {"mentions": mentioned}),
        ("e4", {"mentions": ["x"], "priority": 3}),
        ("e5", {"mention_all": True}),
    ):
        assert alice.request("ChatService/SendEvents", made(room, room + id_, **fields)).HasField("payload")
    links = [one.event for one in bob.deliveries(5)]
    assert [(link.priority, list(link.mentions), link.mention_all) for link in links] == [
        (-1, [], False),
        (0, [], False),
        (1, [own("bob"), "nobody"], False),
        (3, ["x"], False),
        (1, [], True),
    ]
    listed = bob.request("ChatService/ListUnread", ListUnreadRequest(room_ids=[room]))
    (unread,) = ListUnreadResponse.FromString(listed.payload).rooms
    assert (unread.unread, unread.mentions) == (5, 2)
    marked = bob.request("ChatService/SetReadMarker", SetReadMarkerRequest(room_id=room, seq=links[2].seq))
    assert SetReadMarkerResponse.FromString(marked.payload).mentions == 1
    shown = bob.request("ChatService/GetRoom", GetRoomRequest(room_id=room))
    assert GetRoomResponse.FromString(shown.payload).room.mentions == 1
    assert bob.refused("ChatService/SendEvents", made(room, room + "e6", mention_all=True)) == 201
    reply = alice.request("AdminService/GetBroadcast", GetBroadcastRequest(room_id=room, seq=5))
    assert GetBroadcastResponse.FromString(reply.payload).broadcast.priority == 3


@pytest.mark.parametrize(
    "fields",
    [
        {"priority": 1},
        {"priority": 2, "mentions": ["a"]},
        {"mentions": ["b"]},
        {"mentions": ["a", "b"]},
        {"mentions": ["a"], "mention_all": True},
    ],
)
def test_they_are_part_of_the_content_of_an_id(connect: Connect, room: str, fields: dict[str, Any]) -> None:
    alice = connect("alice")
    first = made(room, room, mentions=["a"])
    for _ in range(2):
        reply = alice.request("ChatService/SendEvents", first)
    assert SendEventsResponse.FromString(reply.payload).acks[0].duplicate
    assert alice.refused("ChatService/SendEvents", made(room, room, **fields)) == 403


def test_a_window_full_of_bulk_still_has_room_for_a_call(
    connect: Connect, room: str, own: Callable[[str], str]
) -> None:
    bob, alice = connect("bob"), connect("alice")
    calls = own("calls")
    alice.create_room(calls, own("bob"))
    bob.open("d")
    bob.hear_kind("caught_up")
    bob.bye()
    bob.hear_kind("closed")
    for number in range(40):
        alice.request("ChatService/SendEvents", made(room, f"{room}-{number}", priority=-1))
    bob.open("d", window_messages=16)
    assert [one.event.room_id for one in bob.deliveries(16)] == [room] * 16
    for number in range(3):
        alice.request("ChatService/SendEvents", made(calls, f"{calls}-{number}", priority=2))
    assert [(one.event.room_id, one.event.seq) for one in bob.deliveries(2)] == [(calls, 2), (calls, 3)], (
        "and nothing was acknowledged"
    )
    bob.ack(1)
    assert [(one.event.room_id, one.event.seq) for one in bob.deliveries(1)] == [(calls, 4)]
    bob.ack(17)
    assert [one.event.seq for one in bob.deliveries(14)] == list(range(18, 32))

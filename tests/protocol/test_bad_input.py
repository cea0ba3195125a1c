"""Bad input: each a numbered error, nothing stored, and the connection lives on."""

import os
from collections.abc import Callable

import pytest
import zmq
from google.protobuf.struct_pb2 import Struct

from chatd.pb.admin.v1.admin_pb2 import GetBroadcastRequest, GetRoomRequest, GetRoomResponse
from chatd.pb.chat.v1.chat_pb2 import (
    AddRoomSubscriptionsRequest,
    CreateRoomRequest,
    GetEventRequest,
    GetHistoryRequest,
    RoomEvent,
    SendEventsRequest,
)
from tests.protocol.conversation import Conversation, event, id_of

Connect = Callable[..., Conversation]


def head_seq(alice: Conversation, room: str) -> int:
    reply = alice.request("AdminService/GetRoom", GetRoomRequest(room_id=room))
    return GetRoomResponse.FromString(reply.payload).room.head_seq


@pytest.mark.parametrize(
    ("frame", "code"),
    [(b"\xff\xff\xff", 100), (b"", 102), (b"\xba\x3e\x03abc", 102), (b"x" * 100_001, 101)],
    ids=["garbage", "empty", "unknown kind", "too large"],
)
def test_frames_that_are_none(connect: Connect, room: str, frame: bytes, code: int) -> None:
    alice = connect()
    alice.send_raw(frame)
    assert alice.hear_kind("error").code == code
    assert alice.send_texts(room, "the connection lives") == [2]


def test_random_bytes_never_harm(connect: Connect, room: str) -> None:
    alice = connect()
    for length in (1, 2, 5, 20, 300) * 10:
        alice.send_raw(os.urandom(length))
        frame = alice.hear()
        assert frame.HasField("error") or frame.HasField("closed") or frame.HasField("reply")
    assert alice.send_texts(room, "still here") == [2]


def test_too_many_frames(connect: Connect, room: str) -> None:
    alice = connect()
    alice.send_raw(b"a", b"b", b"c")
    assert alice.hear_kind("error").code == 100
    assert alice.send_texts(room, "still here") == [2]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (lambda room: event(room, "", id_="e"), 303),
        (lambda room: event(room, "a\0b", id_="e"), 303),
        (lambda room: RoomEvent(event_id="e", room_id=room, type=1), 303),  # type: ignore[arg-type]
        (lambda room: event(room, "t", id_="a:b"), 302),
        (lambda room: event(room, "t", id_=""), 302),
        (lambda room: event(room, "t", id_="x" * 129), 302),
        (lambda room: event(room, "t", id_="a\x1bb"), 302),
        (lambda room: event("no:room", "t", id_="e"), 302),
        (lambda room: event("nowhere", "t", id_="e"), 401),
        (lambda room: event(room, "t", id_="e", type_=0), 301),
        (lambda room: event(room, "t", id_="e", type_=2), 301),
        (lambda room: event(room, "t" * 30_000, id_="e"), 304),
    ],
    ids=[
        "empty",
        "NUL",
        "no text",
        "colon",
        "no id",
        "long id",
        "control",
        "room colon",
        "no room",
        "type 0",
        "membership",
        "large",
    ],
)
def test_events_that_cannot_be(
    connect: Connect, room: str, bad: Callable[[str], RoomEvent], code: int
) -> None:
    alice = connect()
    request = SendEventsRequest(events=[event(room, "good", id_="good"), bad(room)])
    assert alice.refused("ChatService/SendEvents", request) == code
    assert head_seq(alice, room) == 1
    assert alice.send_texts(room, "afterwards") == [2]


def test_a_nul_deep_in_a_payload(connect: Connect, room: str) -> None:
    alice = connect()
    payload = Struct()
    payload.update({"text": "fine", "more": [1, {"deep": "a\0"}]})
    sent = RoomEvent(event_id="e", room_id=room, type=1, payload=payload)  # type: ignore[arg-type]
    assert alice.refused("ChatService/SendEvents", SendEventsRequest(events=[sent])) == 303
    payload.update({"more": [0, None, {"deep": 0.0}]})
    sent.payload.CopyFrom(payload)
    assert not alice.request("ChatService/SendEvents", SendEventsRequest(events=[sent])).HasField("error")


def test_numbers_of_events(connect: Connect, room: str) -> None:
    alice = connect()
    assert alice.refused("ChatService/SendEvents", SendEventsRequest()) == 301
    many = SendEventsRequest(events=[event(room, "t", id_=f"e{number}") for number in range(257)])
    assert alice.refused("ChatService/SendEvents", many) == 301
    assert head_seq(alice, room) == 1


def test_a_stranger_to_the_room(connect: Connect, room: str) -> None:
    eve = connect("eve")
    assert eve.refused("ChatService/SendEvents", SendEventsRequest(events=[event(room, "t", id_="e")])) == 401
    assert head_seq(eve, room) == 1


def test_a_used_event_id(connect: Connect, room: str) -> None:
    alice = connect()
    assert alice.send_texts(room, "one") == [2]
    assert alice.send_texts(room, "one") == [2]
    assert (
        alice.refused(
            "ChatService/SendEvents", SendEventsRequest(events=[event(room, "other", id_=id_of(room, "one"))])
        )
        == 403
    )
    assert connect("bob").send_texts(room, "one") == [3]


@pytest.mark.parametrize(
    "method", ["ChatService/Nothing", "", "NodeService/AckBatch", "NodeService/Describe"]
)
def test_methods_that_are_not_there(connect: Connect, method: str) -> None:
    assert connect().refused(method, b"") == 300


@pytest.mark.parametrize(
    "method", ["ChatService/SendEvents", "ChatService/CreateRoom", "AdminService/ListRooms"]
)
def test_payloads_that_do_not_parse(connect: Connect, method: str) -> None:
    assert connect().refused(method, b"\xff\xff") == 100


def test_rooms_that_cannot_be(connect: Connect, room: str) -> None:
    alice = connect()
    assert alice.refused("ChatService/CreateRoom", CreateRoomRequest(room_id=room)) == 402
    assert alice.refused("ChatService/CreateRoom", CreateRoomRequest(room_id="a b")) == 302
    assert alice.refused("ChatService/CreateRoom", CreateRoomRequest(room_id="new", name="x" * 257)) == 301
    assert (
        alice.refused("ChatService/CreateRoom", CreateRoomRequest(room_id="new", profile_ids=["a:b"])) == 302
    )
    many = [f"p{number}" for number in range(1001)]
    assert (
        alice.refused(
            "ChatService/AddRoomSubscriptions", AddRoomSubscriptionsRequest(room_id=room, profile_ids=many)
        )
        == 301
    )
    assert alice.refused("ChatService/GetHistory", GetHistoryRequest(room_id="nowhere")) == 400
    assert alice.refused("ChatService/GetHistory", GetHistoryRequest(room_id=room, limit=501)) == 301
    for beyond in (
        GetHistoryRequest(before_seq=2**64 - 1),
        GetHistoryRequest(after_seq=2**63),
        GetHistoryRequest(around_seq=2**63),
        GetHistoryRequest(since_us=-1),
        GetHistoryRequest(until_us=-(2**63)),
        GetHistoryRequest(around_seq=1, after_seq=0),
        GetHistoryRequest(around_seq=1, until_us=1),
    ):
        beyond.room_id = room
        assert alice.refused("ChatService/GetHistory", beyond) == 301
    for unclear in (
        GetEventRequest(),
        GetEventRequest(seq=1, event_id="e"),
        GetEventRequest(seq=1, sender_id="alice"),
        GetEventRequest(seq=2**63),
    ):
        unclear.room_id = room
        assert alice.refused("ChatService/GetEvent", unclear) == 301
    assert alice.refused("AdminService/GetBroadcast", GetBroadcastRequest(room_id=room, seq=2**63)) == 301
    assert head_seq(alice, room) == 1


def test_tokens_that_are_none(connect: Connect) -> None:
    alice = connect()
    assert alice.refused("ChatService/GetHistory", b"", token="wrong") == 200
    assert alice.refused("ChatService/GetHistory", b"", token="") == 104
    alice.token = "wrong"
    alice.hello("d")
    assert alice.hear_kind("closed").error.code == 200


@pytest.mark.parametrize(("fields", "code", "kind"), [({"version": 0}, 103, "closed"), ({}, 302, "error")])
def test_hellos_that_cannot_be(connect: Connect, fields: dict[str, int], code: int, kind: str) -> None:
    alice = connect()
    alice.hello("d" if fields else "a:b", **fields)
    assert alice.hear_kind(kind).code == code if kind == "error" else alice.hear_kind(kind).error.code == code


def test_calls_work_from_req(connect: Connect, room: str) -> None:
    alice = connect(kind=zmq.REQ)
    assert alice.send_texts(room, "from REQ") == [2]
    assert alice.refused("ChatService/Nothing", b"") == 300
    alice.send_raw(b"\xff\xff")
    assert alice.hear_kind("error").code == 100

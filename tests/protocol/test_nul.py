"""A NUL in any string of a frame or a call is refused where it comes in: PostgreSQL's text holds
none, and others' commands share a transaction."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.message import Message

from chatd.pb.admin.v1 import admin_pb2
from chatd.pb.chat.v1 import chat_pb2
from chatd.pb.gateway.v1.gateway_pb2 import Reject
from tests.daemons import Daemon, operator_token
from tests.protocol.conversation import Conversation


@pytest.fixture
def uri_and_token(tmp_path: Path, db_uri: str) -> Iterator[tuple[str, str]]:
    with Daemon("all", tmp_path, {"DB_URI": db_uri}) as running:
        yield running.uri, operator_token(tmp_path)


CALLS: list[tuple[str, Message, int]] = [
    ("ChatService/CreateRoom", chat_pb2.CreateRoomRequest(room_id="s", name="a\0b"), 303),
    ("ChatService/CreateRoom", chat_pb2.CreateRoomRequest(room_id="s\0"), 302),
    ("ChatService/GetHistory", chat_pb2.GetHistoryRequest(room_id="r\0"), 302),
    ("ChatService/SetPush", chat_pb2.SetPushRequest(device_id="d", notifier="log", endpoint="\0"), 303),
    ("AdminService/ListOutbox", admin_pb2.ListOutboxRequest(profile_id="\0"), 302),
    ("AdminService/ListRooms", admin_pb2.ListRoomsRequest(after_room_id="bob\0"), 302),
]


def test_neighbours_of_a_nul_are_served(uri_and_token: tuple[str, str]) -> None:
    uri, token = uri_and_token
    with (
        Conversation(uri, token, "bob") as bob,
        Conversation(uri, token, "carol") as carol,
        Conversation(uri, token, "eve") as eve,
    ):
        bob.create_room("r", "carol")
        carol.open("phone")
        assert carol.hear().HasField("caught_up")
        eve.open("laptop")
        for number in range(10):
            eve.hello(f"phone{number}", client="a\0b")
            eve.say(reject=Reject(delivery=1, reason="\0"))
            for method, request, _ in CALLS:
                eve.say(
                    call={
                        "call_id": number,
                        "method": method,
                        "payload": request.SerializeToString(),
                        "token": token,
                        "profile_id": "eve",
                    }
                )
            assert bob.send_texts("r", f"text {number}") == [number + 2]
        assert len(carol.deliveries(10)) == 10


def test_each_is_refused(uri_and_token: tuple[str, str]) -> None:
    uri, token = uri_and_token
    with Conversation(uri, token, "eve") as eve:
        for method, request, code in CALLS:
            assert eve.refused(method, request) == code, method
        eve.hello("laptop", client="a\0b")
        assert eve.hear_kind("error").code == 303
        eve.hello("lap\0top")
        assert eve.hear_kind("error").code == 302

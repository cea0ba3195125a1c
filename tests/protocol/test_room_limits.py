"""Limits of rooms and members, over the wire: users are refused, operators are not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatd.pb.chat.v1.chat_pb2 import AddRoomSubscriptionsRequest, CreateRoomRequest
from tests.protocol.conversation import Conversation
from tests.protocol.limited import OPERATOR, daemon_with_users, token_of

CREATE, ADD = "ChatService/CreateRoom", "ChatService/AddRoomSubscriptions"


@pytest.fixture
def uri(tmp_path: Path) -> Iterator[str]:
    settings = {"MAX_ROOMS_CREATED_PER_DAY": 2, "MAX_ROOMS_PER_PROFILE": 3, "MAX_MEMBERS_PER_ROOM": 4}
    with daemon_with_users(tmp_path, ["ann", "ben"], settings) as daemon:
        yield daemon.uri


def test_users_have_limits_and_operators_none(uri: str) -> None:
    with Conversation(uri, token_of("ann")) as ann, Conversation(uri, OPERATOR) as operator:
        ann.create_room("a", "p1", "p2")
        last = CreateRoomRequest(room_id="b", profile_ids=["p1"])
        first = ann.request(CREATE, last, request_id="once")
        error = ann.request(CREATE, CreateRoomRequest(room_id="c")).error
        assert (error.code, error.name, error.retry) == (406, "LIMIT", False)
        assert ann.request(CREATE, last, request_id="once").payload == first.payload, "it was made before"
        members = AddRoomSubscriptionsRequest(room_id="a", profile_ids=["p3", "p4"])
        assert ann.refused(ADD, members) == 406
        for room in ("d", "e", "f", "g"):
            operator.create_room(room, "p1")
        one_more = AddRoomSubscriptionsRequest(room_id="b", profile_ids=["p1", "p2"])
        assert ann.request(ADD, one_more).error.code == 0, "p1 is a member there already"
        assert not operator.request(ADD, members).HasField("error")
    with Conversation(uri, token_of("ben")) as ben:
        ben.create_room("h", "p2")
        full = CreateRoomRequest(room_id="i", profile_ids=["p9", "p1"])
        error = ben.request(CREATE, full).error
        assert (error.code, "'p1'" in error.message, "'p9'" in error.message) == (406, True, False)

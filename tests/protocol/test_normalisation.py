"""An id is the same however its accents were typed: in the token file, in a Hello, in every
call."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatd.pb.admin.v1 import admin_pb2
from chatd.pb.chat.v1 import chat_pb2
from tests.daemons import Daemon
from tests.protocol.conversation import Conversation, event, id_of, texts
from tests.protocol.limited import OPERATOR, daemon_with_users, token_of

COMPOSED, DECOMPOSED = "caf\xe9", "cafe\u0301"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with daemon_with_users(Path(tmp_path_factory.mktemp("chatd")), [DECOMPOSED, "ann"], {}) as running:
        yield running


def test_two_ways_to_type_a_profile_a_device_and_a_room_are_one(daemon: Daemon) -> None:
    cafe = Conversation(daemon.uri, token_of(DECOMPOSED))
    ann = Conversation(daemon.uri, token_of("ann"))
    operator = Conversation(daemon.uri, OPERATOR, DECOMPOSED)
    with cafe, ann, operator:
        welcome = cafe.open(DECOMPOSED)
        assert (welcome.profile_id, welcome.device_id) == (COMPOSED, COMPOSED)
        ann.create_room(DECOMPOSED, COMPOSED)
        taken = ann.refused("ChatService/CreateRoom", chat_pb2.CreateRoomRequest(room_id=COMPOSED))
        assert taken == 402
        mentioning = event(DECOMPOSED, DECOMPOSED, id_=id_of(DECOMPOSED, "x"))
        mentioning.mentions.extend([DECOMPOSED, COMPOSED])
        stored = ann.request("ChatService/SendEvents", chat_pb2.SendEventsRequest(events=[mentioning]))
        assert chat_pb2.SendEventsResponse.FromString(stored.payload).acks[0].room_id == COMPOSED
        joined, said = cafe.deliveries(2)
        assert (joined.event.room_id, said.event.room_id, list(said.event.mentions)) == (
            COMPOSED,
            COMPOSED,
            [COMPOSED],
        )
        assert texts([said]) == [DECOMPOSED], "contents stay as they were sent"
        # An open stream's calls need no token, also when they name its profile in the other form.
        history = chat_pb2.GetHistoryRequest(room_id=DECOMPOSED)
        assert not cafe.request("ChatService/GetHistory", history, token="", profile_id=DECOMPOSED).HasField(
            "error"
        )
        # A filter of a list is an id too, and so is the profile an operator acts for.
        listed = operator.request(
            "AdminService/ListDevices", admin_pb2.ListDevicesRequest(profile_id=DECOMPOSED)
        )
        assert [
            one.device_id for one in admin_pb2.ListDevicesResponse.FromString(listed.payload).devices
        ] == [COMPOSED]
        assert operator.open(COMPOSED).epoch == welcome.epoch + 1
        while not (frame := cafe.hear()).HasField("closed"):
            pass
        assert frame.closed.error.code == 600

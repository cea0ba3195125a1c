"""Users learn little of each other over real sockets, each with a token of its own: eve attacks,
and carol notices nothing."""

import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from chatd.pb.chat.v1.chat_pb2 import (
    AddRoomSubscriptionsRequest,
    GetDeliveryStatusRequest,
    GetDeliveryStatusResponse,
    GetEventRequest,
    GetHistoryRequest,
    GetHistoryResponse,
    GetPresenceRequest,
    GetPresenceResponse,
    RemoveRoomSubscriptionsRequest,
    SetReadMarkerRequest,
    SetTypingRequest,
    WatchPresenceRequest,
)
from chatd.pb.events.v1.signals_pb2 import PresenceState, Signal
from chatd.pb.gateway.v1.gateway_pb2 import RpcRequest, ServerFrame, SetPresence
from tests.protocol.conversation import Conversation
from tests.protocol.limited import token_of, write_tokens
from tests.system.deployment import Deployment

USERS = ("bob", "carol", "eve", "mallory")
AWAY, ONLINE = PresenceState.PRESENCE_STATE_AWAY, PresenceState.PRESENCE_STATE_ONLINE
QUIET = 0.5
"""Seconds in which whatever is told would have come."""


@pytest.fixture(scope="module")
def deployment(shared_db_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Each test has rooms and devices of its own in it."""
    folder: Path = tmp_path_factory.mktemp("privacy")
    write_tokens(folder, USERS)
    settings: Any = {"PRESENCE_GRACE_SECONDS": 0.2, "PRESENCE_SETTLE_MS": 20, "SIGNAL_FLUSH_MS": 5}
    defaults = 2 if shared_db_uri.startswith("postgresql") else 1
    with Deployment(folder, shared_db_uri, defaults=defaults, gateways=2, **settings) as running:
        yield running


class Users:
    """A stream of each user that has signals, and a second connection for its calls."""

    def __init__(self, deployment: Deployment, stack: ExitStack) -> None:
        def connect(number: int, user: str) -> Conversation:
            return stack.enter_context(Conversation(deployment.uri(number), token_of(user)))

        self._counts: dict[str, int] = {}
        self.streams = {user: connect(number, user) for number, user in enumerate(USERS)}
        self.calls = {user: connect(number, user) for number, user in enumerate(USERS)}
        for user, stream in self.streams.items():
            stream.open(f"{user}s-secret-device-{uuid.uuid4().hex}", want_signals=True)
            stream.hear_kind("caught_up")

    def hear(self, user: str, seconds: float = QUIET) -> list[Signal]:
        """The signals that come in so many seconds. Deliveries are acknowledged."""
        heard: list[Signal] = []
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and self.streams[user].socket.poll(int(left * 1000) + 1):
            heard += self._hear_one(user).signals
        assert user == "bob" or "bobs-secret-device" not in str(heard)
        return heard

    def _hear_one(self, user: str) -> ServerFrame:
        frame = self.streams[user].hear()
        if frame.deliveries:
            self._counts[user] = self._counts.get(user, 0) + len(frame.deliveries)
            self.streams[user].ack(self._counts[user])
        return frame

    def watch(self, user: str, profile: str) -> None:
        payload = WatchPresenceRequest(profile_ids=[profile]).SerializeToString()
        self.streams[user].say(
            call=RpcRequest(call_id=1, method="ChatService/WatchPresence", payload=payload)
        )
        while not (frame := self._hear_one(user)).HasField("reply"):
            pass
        assert not frame.reply.HasField("error"), frame.reply.error

    def sees(self, user: str, profile: str) -> bool:
        reply = self.calls[user].request("ChatService/GetPresence", GetPresenceRequest(profile_ids=[profile]))
        return bool(GetPresenceResponse.FromString(reply.payload).presences)

    def read(self, user: str, room: str, seq: int) -> None:
        request = SetReadMarkerRequest(room_id=room, seq=seq)
        assert not self.calls[user].request("ChatService/SetReadMarker", request).HasField("error")


@pytest.fixture
def users(deployment: Deployment) -> Iterator[Users]:
    with ExitStack() as stack:
        yield Users(deployment, stack)


def test_a_stranger_who_puts_somebody_into_a_room_learns_nothing(users: Users) -> None:
    mallory = users.calls["mallory"]
    mallory.create_room("trap", "bob")
    mallory.send_texts("trap", "are you there?")
    users.hear("bob")
    assert not users.sees("mallory", "bob")
    users.watch("mallory", "bob")
    users.streams["bob"].say(presence=SetPresence(state=AWAY))
    assert [
        one for one in users.hear("mallory") if one.delivered.profile_id == "bob" or one.presence.state
    ] == []
    reply = mallory.request("ChatService/GetDeliveryStatus", GetDeliveryStatusRequest(room_id="trap", seq=2))
    status = GetDeliveryStatusResponse.FromString(reply.payload)
    assert (status.recipients, status.delivered, len(status.profiles[0].devices)) == (1, 0, 0)
    users.read("bob", "trap", 2)
    assert users.sees("mallory", "bob"), "bob takes part now"
    reply = mallory.request("ChatService/GetDeliveryStatus", GetDeliveryStatusRequest(room_id="trap", seq=2))
    assert "bobs-secret-device" not in str(GetDeliveryStatusResponse.FromString(reply.payload))


def test_what_a_profile_sees_of_a_room_ends_with_its_membership(users: Users) -> None:
    bob, eve = users.calls["bob"], users.calls["eve"]
    bob.create_room("team", "eve", "carol")
    for user in ("eve", "carol"):
        users.read(user, "team", 1)
    bob.send_texts("team", "while eve is here")
    for user in USERS:
        users.hear(user)
    for watcher, watched in (("eve", "bob"), ("carol", "bob"), ("bob", "eve")):
        users.watch(watcher, watched)
    users.streams["bob"].say(presence=SetPresence(state=AWAY))
    assert AWAY in [one.presence.state for one in users.hear("eve", 2 * QUIET)]
    leaving = RemoveRoomSubscriptionsRequest(room_id="team", profile_ids=["eve"])
    assert not eve.request("ChatService/RemoveRoomSubscriptions", leaving).HasField("error")
    told = users.hear("eve", 3)
    assert ("bob", 0) in [(one.presence.profile_id, one.presence.state) for one in told], "the watch ends"
    assert ("eve", 0) in [(one.presence.profile_id, one.presence.state) for one in users.hear("bob", 0.1)]

    users.hear("carol")
    users.streams["bob"].say(presence=SetPresence(state=ONLINE))
    bob.send_texts("team", "after eve has left")
    users.read("bob", "team", 4)
    users.read("carol", "team", 4)
    assert not bob.request("ChatService/SetTyping", SetTypingRequest(room_id="team", typing=True)).HasField(
        "error"
    )
    assert users.hear("eve") == []
    kinds = {str(one.WhichOneof("kind")) for one in users.hear("carol")}
    assert kinds >= {"read", "typing", "presence"}, "carol still sees all of it"
    assert not users.sees("eve", "bob")
    assert users.sees("carol", "bob")

    for seq in (2, 3, 4):
        request = GetDeliveryStatusRequest(room_id="team", seq=seq)
        assert eve.refused("ChatService/GetDeliveryStatus", request) == 401
    assert eve.refused("ChatService/SetTyping", SetTypingRequest(room_id="team", typing=True)) == 401
    reply = eve.request("ChatService/GetHistory", GetHistoryRequest(room_id="team"))
    assert [one.event.seq for one in GetHistoryResponse.FromString(reply.payload).events] == [1, 2, 3]

    for seq, code in ((3, 0), (4, 404), (5, 404)):
        assert (
            eve.request("ChatService/GetEvent", GetEventRequest(room_id="team", seq=seq)).error.code == code
        )

    users.read("eve", "team", 3)
    assert [one for one in users.hear("bob") if one.read.profile_id == "eve"] == [], "nor is it seen"


def test_a_stranger_cannot_tell_whether_there_is_a_room(users: Users) -> None:
    users.calls["bob"].create_room("secret")
    for method, request in (
        ("AddRoomSubscriptions", AddRoomSubscriptionsRequest(profile_ids=["eve"])),
        ("RemoveRoomSubscriptions", RemoveRoomSubscriptionsRequest(profile_ids=["bob"])),
        ("GetHistory", GetHistoryRequest()),
        ("GetHistory", GetHistoryRequest(around_seq=1)),
        ("GetEvent", GetEventRequest(seq=1)),
        ("GetEvent", GetEventRequest(sender_id="bob", event_id="e")),
        ("SetReadMarker", SetReadMarkerRequest(seq=1)),
        ("GetDeliveryStatus", GetDeliveryStatusRequest(seq=1)),
        ("SetTyping", SetTypingRequest()),
    ):
        answers = set()
        for room in ("secret", "nowhere"):
            request.room_id = room
            error = users.calls["eve"].request(f"ChatService/{method}", request).error
            answers.add((error.code, error.name, error.message.replace(room, "room")))
        assert len(answers) == 1, (method, answers)
        assert answers.pop()[0] == 401

"""A profile makes no more devices than it may, however many names it says Hello by."""

import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from chatd.pb.admin.v1.admin_pb2 import (
    GetStatusRequest,
    GetStatusResponse,
    ListDevicesRequest,
    ListDevicesResponse,
)
from chatd.pb.chat.v1.chat_pb2 import SetPushRequest
from chatd.pb.node.v1.node_pb2 import OpenStream, OpenStreamsRequest, OpenStreamsResponse
from chatd.transport.sockets import new_context
from tests.daemons import Daemon, operator_token
from tests.default.gateway import Gateway
from tests.protocol.conversation import Conversation

MOST = 3


@pytest.fixture(scope="module")
def daemon(shared_db_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    folder: Path = tmp_path_factory.mktemp("chatd")
    settings = {"DB_URI": shared_db_uri, "MAX_DEVICES_PER_PROFILE": MOST, "NOTIFIERS": "log"}
    with Daemon("all", folder, settings) as running:
        yield running


@pytest.fixture
def bob(daemon: Daemon) -> Iterator[Conversation]:
    """A new profile."""
    with Conversation(daemon.uri, operator_token(daemon.folder), f"bob-{uuid.uuid4().hex}") as conversation:
        yield conversation


def devices(operator: Conversation) -> set[str]:
    reply = operator.request("AdminService/ListDevices", ListDevicesRequest(profile_id=operator.profile))
    return {one.device_id for one in ListDevicesResponse.FromString(reply.payload).devices}


def replaced(operator: Conversation) -> int:
    reply = operator.request("AdminService/GetStatus", GetStatusRequest())
    return GetStatusResponse.FromString(reply.payload).devices_replaced


def open_when_there_is_room(bob: Conversation, device: str) -> set[int]:
    """Say Hello until it is welcomed; the codes of the refusals before."""
    codes: set[int] = set()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        bob.hello(device)
        frame = bob.hear()
        if frame.HasField("welcome"):
            bob.hear_kind("caught_up")
            return codes
        codes.add(frame.closed.error.code)
        time.sleep(0.1)
    raise AssertionError(f"never welcomed: {codes}")


def test_the_longest_unseen_makes_room_and_a_full_profile_is_told_so(bob: Conversation) -> None:
    before = replaced(bob)
    bob.create_room("r", bob.profile)
    for number in range(MOST):
        bob.open(f"d{number}")
        bob.hear_kind("caught_up")
    bob.hello("new")
    refused = bob.hear_kind("closed").error
    # Until the node has heard which devices are connected it asks for patience.
    assert (refused.code, refused.retry) in ((607, False), (501, True))
    codes = open_when_there_is_room(bob, "new")
    assert codes <= {501, 607}
    assert devices(bob) == {"d1", "d2", "new"}
    assert replaced(bob) == before + 1

    # The three are owed an event each; all but the one that says Hello are away.
    bob.bye()
    bob.hear_kind("closed")
    bob.send_texts("r", "for everyone")
    time.sleep(5.5)
    bob.hello("newer")
    refused = bob.hear_kind("closed").error
    assert (refused.code, refused.name, refused.retry) == (607, "TOO_MANY_DEVICES", False)
    assert bob.refused("ChatService/SetPush", SetPushRequest(device_id="newer", notifier="log")) == 607
    assert devices(bob) == {"d1", "d2", "new"}
    bob.open("d2")


def test_a_storm_of_connections_leaves_as_many_devices_as_there_may_be(bob: Conversation) -> None:
    with ExitStack() as stack:
        others = [stack.enter_context(Conversation(bob.uri, bob.token, bob.profile)) for _ in range(40)]
        for number, one in enumerate(others):
            one.hello(f"d{number}")
        heard = [one.hear() for one in others]
    assert sum(frame.HasField("welcome") for frame in heard) == MOST
    assert {frame.closed.error.code for frame in heard if frame.HasField("closed")} <= {501, 607}
    assert len(devices(bob)) == MOST


async def test_three_hundred_hellos_that_come_as_one_call(tmp_path: Path, db_uri: str) -> None:
    uri = f"ipc://{tmp_path}/call"
    settings = {"DB_URI": db_uri, "DEFAULT_URI": uri, "MAX_DEVICES_PER_PROFILE": MOST}
    streams = [OpenStream(profile_id="bob", device_id=f"d{number}") for number in range(300)]
    streams.append(OpenStream(profile_id="carol", device_id="d"))
    context = new_context()
    try:
        with Daemon("default", tmp_path, settings):
            gateway = Gateway(context, uri)
            reply = await gateway.call("NodeService/OpenStreams", OpenStreamsRequest(streams=streams))
            opened = OpenStreamsResponse.FromString(reply.payload)
            assert list(opened.epochs) == [1] * MOST + [0] * (300 - MOST) + [1]
            assert [one.stream for one in opened.refused] == list(range(MOST, 300))
            gateway.close()
    finally:
        context.destroy(linger=0)

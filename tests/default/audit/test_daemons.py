"""The audit of whole daemons: each act with its actor and address, in the log and by chatctl
audit."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chatd.pb.admin.v1 import admin_pb2
from chatd.pb.chat.v1 import chat_pb2
from chatd.pb.gateway.v1.gateway_pb2 import Hello
from tests.chatctl.command import Chatctl
from tests.daemons import Daemon, free_port
from tests.protocol.conversation import Conversation, event
from tests.protocol.limited import OPERATOR, token_of, write_tokens

TEXT = "nobody-but-members-reads-this"


@pytest.fixture(scope="module", params=["all", "apart"])
def daemon(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Daemon]:
    """In one process, and in two."""
    folder = tmp_path_factory.mktemp("chatd")
    write_tokens(folder, ["ann", "ben"])
    settings = {"LOG_FORMAT": "json"}
    if request.param == "all":
        with Daemon("all", folder, settings) as running:
            yield running
    else:
        shared = {"RUNTIME_DIR": folder / "run", **settings}
        with Daemon("default", folder, shared), Daemon("gateway", folder, shared) as running:
            yield running


@pytest.fixture
def chatctl(daemon: Daemon) -> Chatctl:
    found = Chatctl(daemon)
    found.environment["CHATD_TOKEN"] = OPERATOR
    return found


@pytest.fixture
def operator(daemon: Daemon) -> Iterator[Conversation]:
    with Conversation(daemon.uri, OPERATOR) as conversation:
        yield conversation


def logged(daemon: Daemon) -> list[dict[str, Any]]:
    lines = [line for log in daemon.folder.glob("*.log") for line in log.read_text().splitlines()]
    return [record for record in map(json.loads, lines) if record.get("audit")]


def until(chatctl: Chatctl, is_it: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The one line that is it; a gateway's come within a second."""
    deadline = time.monotonic() + 10
    while True:
        found: list[dict[str, Any]] = [
            line for line in chatctl.json("audit", "--limit", "1000") if is_it(line)
        ]
        if found:
            assert len(found) == 1, found
            return found[0]
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_an_act(daemon: Daemon, chatctl: Chatctl, operator: Conversation) -> None:
    operator.create_room("lobby", "ann")
    purge = admin_pb2.PurgeRoomHistoryRequest(room_id="lobby", up_to_seq=1)
    assert not operator.request("AdminService/PurgeRoomHistory", purge).HasField("error")
    line = until(chatctl, lambda line: line["what"] == "AdminService/PurgeRoomHistory")
    assert line["objects"] == "room_id=lobby up_to_seq=1"
    assert (line["kind"], line["profile_id"], line["acting_for"]) == ("act", "operator", "")
    assert (line["address"], line["gateway_id"], line["outcome"]) == (
        "127.0.0.1",
        daemon.settings["NODE_ID"],
        "done",
    )
    assert abs(line["at_us"] / 1e6 - time.time()) < 60
    (record,) = [one for one in logged(daemon) if one["what"] == "AdminService/PurgeRoomHistory"]
    assert (record["level"], record["profile"], record["objects"]) == ("notice", "operator", line["objects"])


def test_an_operator_acts_for_somebody(daemon: Daemon, chatctl: Chatctl) -> None:
    with Conversation(daemon.uri, OPERATOR, "cleo") as cleo:
        cleo.create_room("of-cleo", "ann")
        for number in range(3):
            cleo.send_texts("of-cleo", f"{TEXT} {number}")
        cleo.open("phone")
    made = until(chatctl, lambda line: line["objects"].startswith("room_id=of-cleo "))
    assert (made["kind"], made["profile_id"], made["acting_for"]) == ("act", "operator", "cleo")
    sent = until(
        chatctl, lambda line: line["what"] == "ChatService/SendEvents" and line["acting_for"] == "cleo"
    )
    assert sent["kind"] == "use", "three within a minute are one line"
    stream = until(chatctl, lambda line: line["what"] == "OpenStream")
    assert (stream["profile_id"], stream["acting_for"], stream["objects"]) == (
        "operator",
        "cleo",
        "device_id=phone",
    )
    assert all(line["acting_for"] == "cleo" for line in chatctl.json("audit", "--profile", "cleo"))


def test_users_are_not_recorded_unless_they_try_what_is_for_operators(
    daemon: Daemon, chatctl: Chatctl
) -> None:
    with Conversation(daemon.uri, token_of("ben")) as ben:
        ben.create_room("of-ben")
        for _ in range(5):
            assert (
                ben.refused("AdminService/EraseProfile", admin_pb2.EraseProfileRequest(profile_id="ann"))
                == 201
            )
        assert ben.refused("ChatService/GetHistory", chat_pb2.GetHistoryRequest(), profile_id="ann") == 201
    line = until(chatctl, lambda line: line["what"] == "AdminService/EraseProfile")
    assert (line["kind"], line["profile_id"], line["outcome"]) == ("refused", "ben", "PERMISSION_DENIED")
    assert line["objects"] == "profile_id=ann"
    other = until(chatctl, lambda line: line["what"] == "Authenticate" and line["profile_id"] == "ben")
    assert (other["acting_for"], other["outcome"]) == ("ann", "PERMISSION_DENIED")
    assert "of-ben" not in json.dumps(chatctl.json("audit", "--limit", "1000"))


def test_wrong_tokens(daemon: Daemon, chatctl: Chatctl) -> None:
    for guess in ("g-one", "g-two"):
        with Conversation(daemon.uri, guess) as stranger:
            stranger.say(hello=Hello(token=guess, device_id="d", version=1))
            stranger.hear_kind("closed")
    line = until(chatctl, lambda line: line["what"] == "Authenticate" and not line["profile_id"])
    assert (line["address"], line["outcome"], line["repeated"]) == ("127.0.0.1", "UNAUTHENTICATED", 0)
    (record,) = [one for one in logged(daemon) if one["what"] == "Authenticate" and "profile" not in one]
    assert record["message"] == "A client did not authenticate"


def test_reading_what_is_others(chatctl: Chatctl, operator: Conversation) -> None:
    for _ in range(3):
        operator.request("AdminService/ListDevices", admin_pb2.ListDevicesRequest(profile_id="dora"))
        operator.request("AdminService/GetStatus", admin_pb2.GetStatusRequest())
    line = until(chatctl, lambda line: line["objects"] == "profile_id=dora")
    assert line["kind"] == "use"
    assert not [
        line for line in chatctl.json("audit", "--limit", "1000") if line["what"].endswith("/GetStatus")
    ]


def test_a_call_that_comes_again_is_one_act(chatctl: Chatctl, operator: Conversation) -> None:
    forget = admin_pb2.ForgetDeviceRequest(profile_id="nobody", device_id="d")
    for _ in range(3):
        operator.request("AdminService/ForgetDevice", forget, request_id="same")
    assert until(chatctl, lambda line: line["what"] == "AdminService/ForgetDevice")["outcome"] == "done"


def test_no_contents_and_no_tokens(daemon: Daemon, chatctl: Chatctl, operator: Conversation) -> None:
    operator.create_room("quiet")
    request = chat_pb2.UpdateRoomRequest(room_id="quiet", name=f"name {TEXT}")
    operator.request("ChatService/UpdateRoom", request)
    sent = chat_pb2.SendEventsRequest(events=[event("quiet", TEXT, id_="e")])
    operator.request("ChatService/SendEvents", sent)
    until(chatctl, lambda line: line["what"] == "ChatService/UpdateRoom")
    shown = chatctl("audit").stdout + json.dumps(chatctl.json("audit")) + json.dumps(logged(daemon))
    for secret in (TEXT, OPERATOR, token_of("ben"), "g-one"):
        assert secret not in shown


def test_a_refused_peer(tmp_path: Path) -> None:
    """A gateway whose queue has another name refuses the node."""
    write_tokens(tmp_path, [])
    shared = {
        "DEFAULT_URI": f"tcp://127.0.0.1:{free_port()}",
        "RUNTIME_DIR": tmp_path / "run",
        "LOG_FORMAT": "json",
    }
    gateway = Daemon("gateway", tmp_path, shared | {"QUEUE_USER_EVENT_DELIVERY_NAME": "other"})
    with Daemon("default", tmp_path, shared):
        try:
            gateway.start(wait=False)
            deadline = time.monotonic() + 10
            while not (found := [one for one in logged(gateway) if one["what"] == "Peer"]):
                assert time.monotonic() < deadline
                time.sleep(0.05)
        finally:
            gateway.stop()
    assert found[0]["message"] == "A peer was refused"
    assert found[0]["address"] == shared["DEFAULT_URI"]
    assert "queue" in found[0]["outcome"]


def test_a_gateway_that_stops_passes_its_lines_on(tmp_path: Path) -> None:
    write_tokens(tmp_path, [])
    shared = {"RUNTIME_DIR": tmp_path / "run"}
    gateway = Daemon("gateway", tmp_path, shared)
    with Daemon("default", tmp_path, shared):
        for number in range(5):
            with gateway, Conversation(gateway.uri, "") as stranger:
                stranger.say(hello=Hello(token=f"guess {number}", device_id="d", version=1))
                stranger.hear_kind("closed")
        with gateway:
            chatctl = Chatctl(gateway)
            lines = [line for line in chatctl.json("audit") if line["what"] == "Authenticate"]
            assert len(lines) == 5, "each gateway was another process"

"""The log tells what happens to clients, each kind once a minute for each of them."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from chatd.pb.admin.v1.admin_pb2 import SetLogLevelRequest
from chatd.pb.gateway.v1.gateway_pb2 import Reject
from tests.daemons import Daemon
from tests.protocol.conversation import Conversation
from tests.protocol.limited import OPERATOR, daemon_with_users, token_of


@pytest.fixture
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    limits = {"PROFILE_EVENTS_PER_SECOND": 1, "RATE_BURST_SECONDS": 1, "LOG_FORMAT": "json"}
    with daemon_with_users(tmp_path_factory.mktemp("chatd"), ["ann"], limits) as running:
        yield running


def until(daemon: Daemon, sentence: str, count: int = 1) -> list[dict[str, Any]]:
    deadline = time.monotonic() + 10
    while True:
        lines = [json.loads(line) for line in daemon.log.read_text().splitlines() if sentence in line]
        if len(lines) >= count:
            assert len(lines) == count, lines
            return lines
        assert time.monotonic() < deadline, daemon.log.read_text()
        time.sleep(0.05)


def test_a_stream_that_others_take_over(daemon: Daemon) -> None:
    for _ in range(3):
        with Conversation(daemon.uri, OPERATOR) as one, Conversation(daemon.uri, OPERATOR) as two:
            one.open("phone")
            two.open("phone")
            while not one.hear().HasField("closed"):
                pass
            two.bye()
            while not two.hear().HasField("closed"):
                pass
    (line,) = until(daemon, "A stream was superseded")
    assert (line["profile"], line["device"], line["address"]) == ("operator", "phone", "127.0.0.1")


def come_and_go(daemon: Daemon, times: int) -> None:
    with Conversation(daemon.uri, OPERATOR) as device:
        for _ in range(times):
            device.open("comes", client="a client")
            device.hear_kind("caught_up")
            device.bye()
            device.hear_kind("closed")


def test_streams_that_begin_and_end(daemon: Daemon) -> None:
    come_and_go(daemon, 3)
    (began,) = until(daemon, "A stream began")
    assert (began["profile"], began["device"], began["epoch"], began["client"]) == (
        "operator",
        "comes",
        1,
        "a client",
    )
    (ended,) = until(daemon, "A stream ended")
    assert (ended["epoch"], ended["reason"], ended["sent"], ended["acknowledged"]) == (
        1,
        "the device left",
        0,
        0,
    )
    with Conversation(daemon.uri, OPERATOR) as operator:
        assert operator.request("AdminService/SetLogLevel", SetLogLevelRequest(level="debug")).HasField(
            "payload"
        )
        come_and_go(daemon, 2)
        until(daemon, "A stream began", 3)  # each of them, at this level
        operator.open("cut")
    _, _, _, ended = until(daemon, "A stream ended", 4)
    assert (ended["device"], ended["reason"]) == ("cut", "the connection ended")


def test_a_client_that_is_rate_limited(daemon: Daemon) -> None:
    with Conversation(daemon.uri, token_of("ann")) as ann:
        ann.create_room("r")
        refused = [ann.request("ChatService/ListUnread", b"").error.code for _ in range(5)]
    assert 606 in refused
    (line,) = until(daemon, "A client is rate-limited")
    assert (line["profile"], line["address"]) == ("ann", "127.0.0.1")
    assert "1 events a second" in line["limit"]


def test_deliveries_that_become_dead_letters(daemon: Daemon) -> None:
    with Conversation(daemon.uri, OPERATOR) as operator:
        operator.create_room("r")
        operator.open("phone")
        while not operator.hear().HasField("caught_up"):
            pass
        with Conversation(daemon.uri, OPERATOR) as other:
            other.send_texts("r", "one", "two")
        assert len(operator.deliveries(2)) == 2
        for number in (1, 2):
            operator.say(reject=Reject(delivery=number, reason="no"))
        operator.ack(2)
        (line,) = until(daemon, "A delivery became a dead letter")
    assert (line["profile"], line["device"], line["room"], line["seq"]) == ("operator", "phone", "r", 2)

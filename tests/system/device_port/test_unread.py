"""Clients that do not read: a gateway holds little for each of them and for all of them together,
others are served, and everything comes when they read on."""

import logging
import random
import string
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from chatd.gateway.fronts.clogging import MAX_UNSENT
from chatd.pb.chat.v1.chat_pb2 import GetHistoryRequest
from tests.bench.measure import rss_kib
from tests.bystander import Bystander
from tests.daemons import Daemon
from tests.protocol.conversation import Conversation, seqs
from tests.protocol.limited import token_of, write_tokens
from tests.raw_peer import RawPeer
from tests.system.deployment import Deployment

log = logging.getLogger(__name__)
SILENT = ["silent0", "silent1", "silent2", "silent3", "silent4", "silent5"]
EVENT_BYTES = 50_000
UNDER_WAY = 64
"""Calls of one connection that the gateway has under way."""
WINDOW_BYTES = 16 * 1_048_576
LIMIT = 2 * 1_048_576
SETTINGS: dict[str, Any] = {
    "HEARTBEAT_INTERVAL_MS": 600_000,
    "DELIVERY_RETRY_MS": 300_000,
    "MAX_BYTES_PER_SECOND": 0,
    "PROFILE_BYTES_PER_SECOND": 0,
    "ADDRESS_BYTES_PER_SECOND": 0,
}


@pytest.fixture
def daemon(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Daemon]:
    """A gateway of its own, whose memory is its clients'."""
    more: dict[str, Any] = getattr(request, "param", {})
    write_tokens(tmp_path, ["ann", "ben", *SILENT])
    database = f"sqlite:///{tmp_path}/chatd.db"
    with Deployment(tmp_path, database, defaults=1, gateways=1, **SETTINGS, **more) as deployment:
        yield deployment.gateways[0]


def say_much(ann: Conversation, room: str, events: int) -> None:
    """Events that no compression makes much smaller."""
    seeded = random.Random(room)
    for number in range(events):
        text = "".join(seeded.choices(string.printable, k=EVENT_BYTES))
        ann.send_texts(room, f"{number} {text}")


def test_answers_that_are_not_read(daemon: Daemon) -> None:
    calls = 150
    request = GetHistoryRequest(room_id="r", limit=500)
    with (
        Conversation(daemon.uri, token_of("ann")) as ann,
        Bystander(daemon.uri, token_of("ann")) as bystander,
        RawPeer(daemon.uri, token_of("ben"), buffer=4_096) as ben,
    ):
        ben.call("ChatService/ListUnread")  # who says nothing for long is ended
        ann.create_room("r", "ben")
        say_much(ann, "r", 22)
        page = len(ben.call("ChatService/GetHistory", request).payload)
        assert page > 900_000
        bystander.be_quiet()
        before = rss_kib(daemon.pid)
        ben.socket.sendall(
            b"".join(ben.encoded_call("ChatService/GetHistory", request) for _ in range(calls))
        )
        bystander.p99(3)
        bystander.watch()
        grown = rss_kib(daemon.pid) - before
        assert grown < 2 * UNDER_WAY * page / 1024
        replies = [ben.hear().reply for _ in range(calls)]
        assert sorted(reply.call_id for reply in replies) == list(range(3, 3 + calls))
        assert {(reply.error.name, len(reply.payload)) for reply in replies} == {("", page)}
        assert ben.call("ChatService/Nothing").error.code == 300
        log.info("unread answers: %s; grown by %d KiB", bystander.assert_served(), grown)


def read_all(device: RawPeer, until: int) -> list[int]:
    """Seqs shown up to this one, all acknowledged."""
    shown: list[int] = []
    while not shown or shown[-1] < until:
        shown += seqs(device.hear().deliveries)
        device.say(ack={"up_to": len(shown)})
    return shown


def open_silent(daemon: Daemon, user: str) -> RawPeer:
    device = RawPeer(daemon.uri, token_of(user), buffer=4_096)
    device.hello("d", window_bytes=WINDOW_BYTES, window_messages=1_000)
    device.hear_until("caught_up")
    return device


def test_a_large_window_that_is_not_read(daemon: Daemon) -> None:
    """Its deliveries stay in the outbox, though its window has room."""
    events = 240
    with (
        Conversation(daemon.uri, token_of("ann")) as ann,
        Bystander(daemon.uri, token_of("ben")) as bystander,
        open_silent(daemon, "silent0") as device,
    ):
        ann.create_room("r", "silent0")
        bystander.be_quiet()
        before = rss_kib(daemon.pid)
        say_much(ann, "r", events)
        grown = rss_kib(daemon.pid) - before
        bystander.watch()
        assert grown < 4 * MAX_UNSENT / 1024
        assert read_all(device, 1 + events) == list(range(1, 2 + events))
        log.info("a window: %s; grown by %d KiB", bystander.assert_served(), grown)


@pytest.mark.parametrize("daemon", [{"GATEWAY_MAX_UNSENT_BYTES": LIMIT}], indirect=True)
def test_many_large_windows_at_once(daemon: Daemon) -> None:
    """All together have a limit. The calls of those who are over it are refused; nobody else's."""
    events = 120
    with ExitStack() as stack:
        ann = stack.enter_context(Conversation(daemon.uri, token_of("ann")))
        bystander = stack.enter_context(Bystander(daemon.uri, token_of("ben")))
        devices = [stack.enter_context(open_silent(daemon, user)) for user in SILENT]
        ann.create_room("r", *SILENT)
        bystander.be_quiet()
        before = rss_kib(daemon.pid)
        say_much(ann, "r", events)
        grown = rss_kib(daemon.pid) - before
        bystander.watch()
        assert grown < (2 * LIMIT + 6 * MAX_UNSENT) / 1024
        for device in devices:
            device.socket.sendall(device.encoded_call("ChatService/ListUnread", token=""))
        codes = []
        for device in devices:
            shown_here, acked = [], 0
            reply = None
            while reply is None or not shown_here or shown_here[-1] < 1 + events:
                heard = device.hear()
                if heard.HasField("reply"):
                    reply = heard.reply
                    codes.append(reply.error.code)
                shown_here += seqs(heard.deliveries)
                if len(shown_here) > acked:
                    acked = len(shown_here)
                    device.say(ack={"up_to": acked})
            assert shown_here == list(range(1, 2 + events))
        assert 503 in codes
        assert set(codes) <= {0, 503}
        log.info("%d windows: %s; grown by %d KiB", len(devices), bystander.assert_served(), grown)

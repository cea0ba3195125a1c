"""Every metric that any part declares is shown, and moves when the thing that it tells of
happens."""

import re
import secrets
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message

import chatd
from chatd.pb.chat.v1.chat_pb2 import SendEventsRequest, SetPushRequest
from chatd.pb.gateway.v1.gateway_pb2 import Reject, RpcRequest
from tests.daemon.metrics.scraping import Samples, metrics_uri, samples, until, value
from tests.daemons import Daemon, operator_token
from tests.protocol.conversation import Conversation, event
from tests.system import test_counters

DECLARED = re.compile(r'\bGauge\(\s*"(\w+)"')
STAGES = re.compile(r'\bStageTimes\(\s*"([\w.]+)"')
COUNTED = test_counters.DECLARED
MOVED_ELSEWHERE = {
    "database_away_seconds": "tests/daemon/metrics/test_readiness.py",
    "newcomers_waiting": "tests/system/device_port/test_floods.py",
    "nodes_answering": "tests/daemon/metrics/test_readiness.py",
    "queues_heard": "tests/daemon/metrics/test_readiness.py",
    "unsent_bytes": "tests/gateway/fronts/test_bounds.py",
}
"""Counters are in test_counters.py."""
OF_BROKERS = {"cache_away_seconds", "queue_messages_dropped"}
"""Shown where the cache is Redis (tests/default/devices/test_connection_cache.py), or the queue a
broker (tests/transport/queue/test_broker.py)."""
SEED = {"commit", "room.outbox.logging.event", "outbox.delivery.event", "user.event.delivery", "device.ack"}


def in_the_code(declaration: re.Pattern[str]) -> set[str]:
    """The names that the product declares."""
    files = Path(chatd.__file__).parent.rglob("*.py")
    return {name for file in files for name in declaration.findall(file.read_text())}


def metric_of(sample: str) -> str:
    """The name in its declaration."""
    return re.sub("^chatd_|_total$", "", sample)


def shown(found: Samples) -> dict[str, dict[frozenset[tuple[str, str]], float]]:
    """Metric → its samples by their labels; a histogram's are its counts, by stage."""
    metrics: dict[str, dict[frozenset[tuple[str, str]], float]] = {}
    for (name, labels), number in found.items():
        if name == "chatd_stage_seconds_count":
            metrics.setdefault(dict(labels)["stage"], {})[frozenset()] = number
        elif not name.startswith("chatd_stage_seconds"):
            metrics.setdefault(metric_of(name), {})[labels] = number
    return metrics


def test_all_that_is_declared_is_shown(tmp_path: Path) -> None:
    assert in_the_code(STAGES) == SEED
    with Daemon("all", tmp_path, {**metrics_uri(), "SEARCH": "true"}) as daemon:
        end = time.monotonic() + 20
        wanted = (in_the_code(COUNTED) | in_the_code(DECLARED) | SEED) - OF_BROKERS
        while missing := wanted - shown(samples(daemon)).keys():
            assert time.monotonic() < end, f"not shown: {missing}"
        extra = {name for name in shown(samples(daemon)) if not name.startswith("process_")} - wanted
        assert extra == {"info"}


class Looking:
    """Scrapes a daemon: which metrics have other samples than when they were first seen?"""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._first: dict[str, dict[frozenset[tuple[str, str]], float]] = {}
        self.moved: set[str] = set()

    def look(self) -> None:
        for name, found in shown(samples(self._daemon)).items():
            if self._first.setdefault(name, found) != found:
                self.moved.add(name)


class Reader:
    """A device that acknowledges what it gets, but for the first, which it rejects."""

    def __init__(self, bob: Conversation) -> None:
        self._bob = bob
        self._count = 0
        bob.open("b")

    def read(self) -> None:
        frame = self._bob.hear()
        while not frame.deliveries:
            frame = self._bob.hear()
        if not self._count:
            self._bob.say(reject=Reject(delivery=1, reason="no"))
        self._count += len(frame.deliveries)
        self._bob.ack(self._count)


@pytest.mark.timeout(180)
def test_every_gauge_and_every_stage_moves(tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "FANOUT_REPAIR_SECONDS": 3_600,
        "NOTIFIERS": "exec",
        "NOTIFY_EXEC": "/bin/false",
        "NOTIFY_TICK_SECONDS": 0.1,
        "NOTIFY_DELAY_SECONDS": 0.1,
        "NOTIFY_RETRY_MS": 60_000,
        "SEARCH": "true",
    }
    assert all(name in Path(file).read_text() for name, file in MOVED_ELSEWHERE.items())
    wanted = in_the_code(DECLARED) - MOVED_ELSEWHERE.keys() - OF_BROKERS | SEED
    database = sqlite3.connect(tmp_path / "chatd.db", isolation_level=None, timeout=20)
    with Daemon("all", tmp_path, metrics_uri() | settings) as daemon, closing(database):
        looking, token = Looking(daemon), operator_token(tmp_path)
        end = time.monotonic() + 90
        until(lambda: value(daemon, "chatd_events_owed") is not None)
        looking.look()
        with (
            Conversation(daemon.uri, token, "alice") as alice,
            Conversation(daemon.uri, token, "bob") as bob,
            Conversation(daemon.uri, token, "bob") as slow,
            Conversation(daemon.uri, token, "bob") as away,
        ):
            away.open("away")
            push = SetPushRequest(device_id="away", notifier="exec")
            away.say(call=call("ChatService/SetPush", push))
            while not away.hear().HasField("reply"):
                pass
            away.bye()
            alice.create_room("r", "bob")
            reader = Reader(bob)
            slow.open("s", window_messages=2)
            is_damaged = False
            while wanted - looking.moved:
                alice.send_texts("r", f"{time.monotonic()}")
                reader.read()
                looking.look()
                hold(database, alice, looking)
                if "notifications_waiting" in looking.moved and not is_damaged:
                    is_damaged = True
                    database.execute("UPDATE room SET published_seq = 0")
                assert time.monotonic() < end, f"has not moved: {wanted - looking.moved}"


def hold(database: sqlite3.Connection, alice: Conversation, looking: Looking) -> None:
    """Look while the writer waits for its database, and others for it."""
    database.execute("BEGIN IMMEDIATE")
    for _ in range(5):
        events = [event("r", "held", id_=secrets.token_hex(8))]
        alice.say(call=call("ChatService/SendEvents", SendEventsRequest(events=events), alice))
        looking.look()
    database.execute("ROLLBACK")
    for _ in range(5):
        alice.hear_kind("reply")


def call(method: str, request: Message, caller: Conversation | None = None) -> RpcRequest:
    """A call whose reply is left to be heard. Without ``caller``: with the rights of the stream."""
    rights = {} if caller is None else {"token": caller.token, "profile_id": caller.profile}
    return RpcRequest(call_id=1, method=method, payload=request.SerializeToString(), **rights)

"""/readyz says what is in the way."""

import asyncio
import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from chatd.client import Client
from chatd.errors import ChatdError
from chatd.pb.chat.v1.chat_pb2 import CreateRoomRequest
from chatd.pb.gateway.v1.gateway_pb2 import RpcRequest
from tests.chatctl.command import Chatctl
from tests.daemon.metrics.scraping import get, metrics_uri, readiness, until, value
from tests.daemons import Daemon, operator_token
from tests.databases import cluster
from tests.protocol.conversation import Conversation


def test_a_gateway_is_ready_with_a_default_node(tmp_path: Path) -> None:
    gateway = Daemon("gateway", tmp_path, metrics_uri())
    gateway.start(wait=False)
    try:
        until(lambda: _answers(gateway))
        assert readiness(gateway) == (503, ["no default node answers"])
        assert get(gateway, "/healthz")[0] == 200, "that it waits is no reason to end it"
        names = ("chatd_nodes_answering", "chatd_queues_heard")
        assert [value(gateway, name) for name in names] == [0, 0]
        with Daemon("default", tmp_path, metrics_uri()) as node:
            until(lambda: readiness(gateway) == (200, []))
            assert readiness(node) == (200, [])
            assert [value(gateway, name) for name in names] == [1, 1]
        until(lambda: readiness(gateway)[0] == 503)
    finally:
        assert gateway.stop() == 0


def _answers(daemon: Daemon) -> bool:
    try:
        return get(daemon, "/healthz")[0] == 200
    except OSError:
        return False


def test_a_gateway_that_hears_no_queue_is_not_ready(tmp_path: Path) -> None:
    """Calls get through, what is published does not: its address is another one than the node's."""
    calls = f"ipc://{tmp_path}/calls"
    with Daemon(
        "default",
        tmp_path,
        {"DEFAULT_URI": calls, "QUEUE_USER_EVENT_DELIVERY_URI": f"ipc://{tmp_path}/queue"},
    ):
        settings = {"DEFAULT_URI": calls, "QUEUE_USER_EVENT_DELIVERY_URI": f"ipc://{tmp_path}/nobody"}
        with Daemon("gateway", tmp_path, settings | metrics_uri()) as gateway:
            until(lambda: value(gateway, "chatd_nodes_answering") == 1)
            assert readiness(gateway) == (503, ["no default node's queue reaches this gateway"])
            assert value(gateway, "chatd_queues_heard") == 0
            chatctl = Chatctl(gateway)
            until(lambda: chatctl.run("status").returncode == 3)
            (problem,) = json.loads(chatctl("status", "--json", code=3).stdout)["problems"]
            assert problem["found"] == "no default node's queue reaches this gateway"


def test_it_says_that_it_is_stopping(tmp_path: Path) -> None:
    """For as long as a call under way holds its end up."""
    with (
        Daemon("all", tmp_path, metrics_uri()) as daemon,
        Conversation(daemon.uri, operator_token(tmp_path), "alice") as alice,
        closing(sqlite3.connect(tmp_path / "chatd.db", isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        create = CreateRoomRequest(room_id="r").SerializeToString()
        alice.say(call=RpcRequest(method="ChatService/CreateRoom", payload=create, token=alice.token))
        until(lambda: value(daemon, "chatd_calls_waiting"))
        assert daemon.process is not None
        daemon.process.terminate()
        until(lambda: "the process is stopping" in readiness(daemon)[1])


@pytest.mark.timeout(240)
async def test_a_database_that_is_away(postgres_uri: str, tmp_path: Path) -> None:
    with cluster() as own:
        assert own is not None, "postgres_uri has skipped the test where PostgreSQL is missing"
        settings = {"DB_URI": own.uri(own.new_database()), "NODE_LEASE_SECONDS": 2}
        with Daemon("all", tmp_path, settings | metrics_uri()) as daemon:
            assert await asyncio.to_thread(readiness, daemon) == (200, [])
            assert await asyncio.to_thread(value, daemon, "chatd_database_away_seconds") == 0
            await asyncio.to_thread(until, lambda: value(daemon, "chatd_events_owed") == 0)
            await asyncio.to_thread(own.kill)
            began = time.monotonic()
            status, (problem,) = await asyncio.to_thread(readiness, daemon)
            assert (status, problem.startswith("the database ")) == (503, True), problem
            assert time.monotonic() - began < 10
            async with Client(daemon.uri, operator_token(tmp_path), profile="alice", call_timeout=1) as alice:
                with pytest.raises(ChatdError):
                    await alice.create_room("r")
            await asyncio.to_thread(until, lambda: value(daemon, "chatd_database_away_seconds"))
            assert await asyncio.to_thread(get, daemon, "/healthz") == (
                200,
                "application/json; charset=utf-8",
                b'{"healthy": true}\n',
            )
            await asyncio.to_thread(until, lambda: value(daemon, "chatd_events_owed") is None)
            await asyncio.to_thread(own.start_again)
            await asyncio.to_thread(until, lambda: readiness(daemon) == (200, []))
            assert await asyncio.to_thread(value, daemon, "chatd_database_away_seconds") == 0

"""Unknown is not later: a call whose caller was told that nobody knows its outcome is not executed
afterwards, and one that is repeated under its id is executed once."""

import asyncio
import os
import signal
import time
import uuid
import zlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from chatd.client import Client
from chatd.errors import ChatdError, TimedOut, Unavailable
from chatd.pb.admin.v1 import admin_pb2
from chatd.pb.chat.v1 import chat_pb2 as chat
from chatd.store.database import Database
from tests.daemons import Daemon
from tests.databases import Cluster
from tests.store.other_session import holding
from tests.system.deployment import Deployment

SILENT = 3.0
"""Seconds after which a gateway gives up a node that says nothing."""


@pytest.fixture(scope="module")
def shared_uri(postgres: Cluster) -> str:
    return postgres.uri(postgres.new_database("t1"))


@pytest.fixture(scope="module")
def deployment(shared_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Each test has rooms of its own in it, and wakes the node that it stopped."""
    folder: Path = tmp_path_factory.mktemp("unknown")
    with Deployment(folder, shared_uri, defaults=2, gateways=1) as running:
        time.sleep(1.2)  # the gateway has asked both who they are
        yield running


@pytest.fixture
async def operator(deployment: Deployment) -> AsyncIterator[Client]:
    async with Client(deployment.uri(), deployment.token, profile="alice", call_timeout=20) as client:
        async with asyncio.timeout(20):
            while len((await nodes(client)).nodes) < 3:  # both nodes and the gateway
                await asyncio.sleep(0.05)
        yield client


async def nodes(client: Client) -> admin_pb2.ListNodesResponse:
    request = admin_pb2.ListNodesRequest()
    return await client.call("AdminService/ListNodes", request, admin_pb2.ListNodesResponse)


def a_room_of(node: int) -> str:
    """The name of a new room whose calls go to this one of two nodes."""
    while True:
        room = uuid.uuid4().hex
        if zlib.crc32(room.encode()) % 2 == node:
            return room


async def add(client: Client, room: str, profile: str, *, timeout: float | None = None) -> list[str]:
    """Once, without an id, as a simple client in another language does it."""
    response = await client.call(
        "ChatService/AddRoomSubscriptions",
        chat.AddRoomSubscriptionsRequest(room_id=room, profile_ids=[profile]),
        chat.AddRoomSubscriptionsResponse,
        affinity=room,
        repeatable=False,
        request_id="",
        timeout=timeout,
    )
    return list(response.added)


async def members(client: Client, room: str) -> list[str]:
    request = admin_pb2.GetRoomRequest(room_id=room)
    response = await client.call("AdminService/GetRoom", request, admin_pb2.GetRoomResponse, affinity=room)
    return [member.profile_id for member in response.members]


async def wake(client: Client, node: Daemon) -> None:
    """Return when the node, which was stopped, serves again."""
    os.kill(node.pid, signal.SIGCONT)
    async with asyncio.timeout(20):
        while True:
            try:
                room = await client.create_room(a_room_of(1))
            except ChatdError:
                continue
            if await members(client, room.room_id) == ["alice"]:
                break
    await asyncio.sleep(1.0)


@pytest.mark.parametrize("after", [0.0, 4.0], ids=["at once", "later"])
async def test_a_node_that_wakes_does_not_do_what_it_was_asked_before(
    deployment: Deployment, operator: Client, after: float
) -> None:
    """It wakes ``after`` so many seconds."""
    room = a_room_of(1)
    await operator.create_room(room)
    _, node = deployment.defaults
    os.kill(node.pid, signal.SIGSTOP)
    try:
        started = time.monotonic()
        with pytest.raises(Unavailable, match="unknown"):
            await add(operator, room, "bob")
        assert time.monotonic() - started < SILENT + 1
        assert await add(operator, room, "bob") == ["bob"]
        assert list((await operator.remove_members(room, ["bob"])).removed) == ["bob"]
        await asyncio.sleep(after)
    finally:
        await wake(operator, node)
    assert await members(operator, room) == ["alice"]


async def test_nor_when_the_call_had_got_as_far_as_a_held_row(
    deployment: Deployment, operator: Client, shared_uri: str
) -> None:
    room = a_room_of(1)
    await operator.create_room(room)
    _, node = deployment.defaults
    with holding(shared_uri, f"UPDATE room SET name = 'held' WHERE room_id = '{room}'") as other:
        adding = asyncio.create_task(add(operator, room, "bob"))
        await asyncio.sleep(1.5)  # it has waited for the row, and is set aside
        os.kill(node.pid, signal.SIGSTOP)
        try:
            with pytest.raises(Unavailable, match="unknown"):
                await adding
            other.run("COMMIT")
            assert await add(operator, room, "bob") == ["bob"]
            assert list((await operator.remove_members(room, ["bob"])).removed) == ["bob"]
        finally:
            await wake(operator, node)
    assert await members(operator, room) == ["alice"]


async def test_a_call_waits_for_a_held_row_while_its_node_is_heard(
    deployment: Deployment, operator: Client, shared_uri: str
) -> None:
    """Longer than a gateway waits for a silent node: it counts from what it heard last."""
    room = a_room_of(1)
    await operator.create_room(room)
    with holding(shared_uri, f"UPDATE room SET name = 'held' WHERE room_id = '{room}'") as other:
        adding = asyncio.create_task(add(operator, room, "bob"))
        await asyncio.sleep(SILENT + 1.5)
        assert not adding.done()
        other.run("COMMIT")
        assert await adding == ["bob"]


async def test_a_call_whose_time_is_up_is_not_executed(tmp_path: Path, postgres_uri: str) -> None:
    """The node lives; the row that the call needs is free after CALL_TIMEOUT_MS."""
    room = a_room_of(0)
    with Deployment(tmp_path, postgres_uri, defaults=1, gateways=1, CALL_TIMEOUT_MS=1500) as deployment:
        async with Client(deployment.uri(), deployment.token, profile="alice", call_timeout=20) as client:
            await client.create_room(room)
            with holding(postgres_uri, f"UPDATE room SET name = 'held' WHERE room_id = '{room}'") as other:
                with pytest.raises((TimedOut, Unavailable)):
                    await add(client, room, "bob")
                other.run("COMMIT")
            await asyncio.sleep(2)
            assert await members(client, room) == ["alice"]


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
async def test_a_call_whose_answer_was_lost_gets_it_when_it_comes_again(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The node dies between the commit and the answer. By itself a second attempt would add
    nobody, and say so."""
    uri = request.getfixturevalue("postgres_uri") if engine == "postgres" else f"sqlite:///{tmp_path}/c.db"
    with Deployment(tmp_path, uri, defaults=1, gateways=1) as deployment:
        (node,) = deployment.defaults
        node.module = "tests.chaos.daemon"
        node.settings["CHAOS_HITS"] = str(tmp_path / "hits")
        async with Client(deployment.uri(), deployment.token, profile="alice", call_timeout=30) as client:
            await client.create_room("r")
            lost, profile = False, "first"
            adding = asyncio.create_task(client.add_members("r", [profile]))
            for attempt in range(10):
                assert list((await adding).added) == [profile]
                await asyncio.to_thread(node.stop)
                node.settings["CHAOS_FAILPOINT"] = f"after_commit:{5 + attempt}"
                await asyncio.to_thread(node.start)
                while node.process is not None and node.process.poll() is None:
                    assert list((await adding).added) == [profile]
                    profile = uuid.uuid4().hex
                    adding = asyncio.create_task(client.add_members("r", [profile]))
                    while not adding.done() and node.process.poll() is None:
                        await asyncio.sleep(0.01)
                lost = profile in await asyncio.to_thread(stored_members, uri, "r") and not adding.done()
                del node.settings["CHAOS_FAILPOINT"]
                node.kill()
                await asyncio.to_thread(node.start)
                if lost:
                    break
            assert list((await adding).added) == [profile]
            assert lost, "no answer was lost: the test proves nothing"


def stored_members(uri: str, room: str) -> set[str]:
    database = Database(uri)
    with database.connection(readonly=True):
        return {
            profile
            for (profile,) in database.rows("SELECT profile_id FROM subscription WHERE room_id = ?", (room,))
        }

"""Gateways and default nodes of versions that do not go together: each refuses the other, says so
once, and goes on when the other has been replaced."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from chatd.core import node_protocol
from chatd.pb.admin.v1.admin_pb2 import (
    GetStatusRequest,
    GetStatusResponse,
    ListNodesRequest,
    ListNodesResponse,
    Node,
)
from chatd.pb.gateway.v1.gateway_pb2 import RpcResponse
from chatd.pb.node.v1 import node_pb2
from chatd.transport.sockets import new_context
from tests.daemons import Daemon, operator_token
from tests.default.gateway import OPERATOR, Gateway
from tests.protocol.conversation import Conversation
from tests.protocol.fake_node import FakeNode

NEWER, OLDER = node_protocol.NUMBER + 1, 0
QUIET = 1.5
"""Seconds in which a gateway that would call has called: it asks each second who a node is."""


def lines(daemon: Daemon, text: str) -> list[str]:
    return [line for line in daemon.log.read_text().splitlines() if text in line]


# A gateway and a node of another version.


@pytest.fixture
def node() -> Iterator[FakeNode]:
    made = FakeNode()
    yield made
    made.close()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Callable[[], bytes]]:
    """The last status that the gateway has told."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.setblocking(False)
        heard = [b""]

        def last() -> bytes:
            while True:
                try:
                    heard.append(listener.recv(4096))
                except BlockingIOError:
                    return heard[-1]

        yield last


@pytest.fixture
def gateway(tmp_path: Path, node: FakeNode, systemd: Callable[[], bytes]) -> Iterator[Daemon]:
    settings = {
        "DEFAULT_URI": node.uri,
        "QUEUE_USER_EVENT_DELIVERY_URI": node.queue_uri,
        "NOTIFY_SOCKET": tmp_path / "notify",
    }
    made = Daemon("gateway", tmp_path, settings)
    yield made
    made.kill()  # a gentle end would wait for answers that no test gives any more


def speak(node: FakeNode, number: int, oldest: int) -> None:
    node.protocol, node.oldest_protocol = number, oldest


def is_quiet(node: FakeNode) -> bool:
    """The gateway asks who the node is, and nothing else."""
    started, asked = time.monotonic(), node.described
    node.until(lambda: time.monotonic() > started + QUIET, "time passes")
    return node.described > asked and node.unanswered == []


@pytest.mark.parametrize(("number", "oldest"), [(NEWER, NEWER), (OLDER, OLDER)], ids=["newer", "older"])
def test_a_gateway_neither_calls_nor_hears_a_node_it_cannot_speak_to(
    gateway: Daemon, node: FakeNode, systemd: Callable[[], bytes], number: int, oldest: int
) -> None:
    speak(node, number, oldest)
    gateway.start(wait=False)
    node.until(lambda: b"refused" in systemd(), "the service manager is told")
    assert systemd().startswith(b"STATUS=waiting: the default node that answers is refused: it speaks ")
    node.until(lambda: node.subscriptions == [], "the gateway stops to listen")
    assert is_quiet(node)
    assert len(lines(gateway, "A default node is refused")) == 1

    with Conversation(gateway.uri, operator_token(gateway.folder), "alice") as alice:
        alice.hello("phone")
        closed = alice.hear_kind("closed").error
        assert (closed.code, closed.retry) == (501, True)
        assert "it speaks " in closed.message
        assert alice.refused("AdminService/GetStatus", GetStatusRequest()) == 501
    assert node.unanswered == []

    # Another node comes in its place.
    speak(node, node_protocol.NUMBER, node_protocol.OLDEST)
    node.until(lambda: systemd().startswith(b"READY=1"), "the gateway is ready")
    node.until(lambda: node.subscriptions, "the gateway listens again")


def test_a_node_that_is_replaced_by_one_of_another_version_is_left(
    gateway: Daemon, node: FakeNode, systemd: Callable[[], bytes]
) -> None:
    """It was told topics, and has been told none since."""
    gateway.start(wait=False)
    node.until(lambda: systemd().startswith(b"READY=1"), "the gateway is ready")
    with Conversation(gateway.uri, operator_token(gateway.folder), "alice") as alice:
        alice.hello("phone")
        node.hear("OpenStreams")
        node.answer("OpenStreams", node_pb2.OpenStreamsResponse(epochs=[1]))
        alice.hear_kind("welcome")
        node.hear("Watch")
        speak(node, NEWER, NEWER)
        node.until(lambda: b"refused" in systemd(), "the service manager is told")
        assert systemd().startswith(b"STATUS=degraded as gateway: the default node that answers is refused")
        node.forget()
        alice.ack(0)
        alice.bye()
        node.until(lambda: node.subscriptions == [], "the gateway stops to listen")
        assert is_quiet(node)
        assert len(lines(gateway, "A default node is refused")) == 1


# A node and a gateway of another version.


@pytest.fixture
async def connect(tmp_path: Path) -> AsyncIterator[Callable[..., Gateway]]:
    uri = f"ipc://{tmp_path}/call"
    context = new_context()
    made: list[Gateway] = []

    def one(protocol: int) -> Gateway:
        made.append(Gateway(context, uri, protocol=protocol))
        return made[-1]

    yield one
    for gateway in made:
        gateway.close()
    context.destroy(linger=0)


@pytest.fixture
def default(tmp_path: Path, db_uri: str) -> Iterator[Daemon]:
    settings = {"DB_URI": db_uri, "DEFAULT_URI": f"ipc://{tmp_path}/call", "NODE_LEASE_SECONDS": 0.6}
    with Daemon("default", tmp_path, settings) as running:
        yield running


def introduction(number: int, oldest: int) -> node_pb2.DescribeRequest:
    return node_pb2.DescribeRequest(
        gateway_id="other",
        gateway_uri="tcp://127.0.0.1:1",
        version="9.9",
        protocol=number,
        oldest_protocol=oldest,
    )


async def describe(gateway: Gateway, number: int, oldest: int) -> node_pb2.DescribeResponse:
    reply = await gateway.call("NodeService/Describe", introduction(number, oldest))
    return node_pb2.DescribeResponse.FromString(reply.payload)


async def operator(
    gateway: Gateway, method: str, request: GetStatusRequest | ListNodesRequest
) -> RpcResponse:
    return await gateway.call(f"AdminService/{method}", request, OPERATOR)


async def listed(gateway: Gateway, kind: str) -> list[Node]:
    """The processes of a kind, when there are any."""
    async with asyncio.timeout(10):
        while True:
            found = (await operator(gateway, "ListNodes", ListNodesRequest())).payload
            rows = [one for one in ListNodesResponse.FromString(found).nodes if one.kind == kind]
            if rows:
                return rows
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(("number", "oldest"), [(NEWER, NEWER), (OLDER, OLDER)], ids=["newer", "older"])
async def test_a_node_refuses_a_gateway_it_cannot_speak_to_and_says_so_once(
    default: Daemon, connect: Callable[..., Gateway], number: int, oldest: int
) -> None:
    stranger, ours = connect(number), connect(node_protocol.NUMBER)
    for _ in range(5):
        described = await describe(stranger, number, oldest)
    assert described.protocol == node_protocol.NUMBER
    assert described.node_id
    assert (described.queue_name, list(described.nodes), list(described.gateway_uris)) == ("", [], [])
    assert len(lines(default, "A gateway is refused")) == 1

    (row,) = await listed(ours, "gateway")
    assert (row.node_id, row.version, row.protocol, row.lease_left_us) == ("other", "9.9", number, 0)
    assert row.refused.startswith("it speaks ")
    assert [one.protocol for one in await listed(ours, "default")] == [node_protocol.NUMBER]
    status = GetStatusResponse.FromString((await operator(ours, "GetStatus", GetStatusRequest())).payload)
    assert [one.refused for one in status.gateways] == [row.refused]

    # It has been replaced.
    assert (await describe(ours, node_protocol.NUMBER, node_protocol.OLDEST)).queue_name
    async with asyncio.timeout(10):
        while (rows := await listed(ours, "gateway"))[0].refused:
            await asyncio.sleep(0.05)
    assert [one.protocol for one in rows] == [node_protocol.NUMBER]
    assert len(lines(default, "A gateway that was refused is understood")) == 1


@pytest.mark.parametrize(
    "method", ["OpenStreams", "PullOutbox", "AckBatch", "Watch", "CloseStreams", "GetStatus"]
)
async def test_a_call_of_an_older_gateway_is_refused_and_none_is_lost_in_silence(
    default: Daemon, connect: Callable[..., Gateway], method: str
) -> None:
    """This holds for every call, introduced or not."""
    service, caller = ("AdminService", OPERATOR) if method == "GetStatus" else ("NodeService", None)
    reply = await connect(OLDER).call(f"{service}/{method}", b"", caller)
    assert (reply.error.code, reply.error.retry) == (501, True)

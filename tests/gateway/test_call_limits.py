"""Calls to default nodes over real sockets: the limits that each carries, and when the caller of
one that was lost is told."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import uvloop

from chatd.errors import ChatdError, Unavailable
from chatd.gateway.backend import Backend
from chatd.gateway.default_node import SILENT_SECONDS, Node
from chatd.pb.gateway.v1.gateway_pb2 import RpcResponse
from chatd.pb.node.v1.node_pb2 import AckBatchRequest, Caller, NodeRequest, OpenStreamsRequest
from chatd.transport.pump import Pump
from chatd.transport.sockets import Context, bind_router, new_context

CALL_TIMEOUT = 8.0
STARTED_US = 77
CLOCK_US = 5_000_000_000
"""The node's clock when it is introduced."""


class OtherEnd:
    """The node's socket."""

    def __init__(self, context: Context, uri: str) -> None:
        self.heard: list[NodeRequest] = []
        self._from: list[bytes] = []
        self._pump = Pump(asyncio.get_running_loop(), bind_router(context, uri), self._on_batch)

    def _on_batch(self, batch: list[list[bytes]]) -> None:
        for routing_id, frame in batch:
            self._from.append(routing_id)
            self.heard.append(NodeRequest.FromString(frame))

    async def hear(self, number: int) -> NodeRequest:
        """The request of this number, from 0."""
        async with asyncio.timeout(10):
            while len(self.heard) <= number:
                await asyncio.sleep(0.002)
        return self.heard[number]

    def answer(self, number: int) -> None:
        reply = RpcResponse(call_id=self.heard[number].call_id, payload=b"")
        self._pump.send((self._from[number], reply.SerializeToString()))

    def close(self) -> None:
        self._pump.close()


class Gateway:
    """A backend whose one node has been introduced."""

    def __init__(self, backend: Backend, node: Node, other: OtherEnd) -> None:
        self.backend, self.node, self.other = backend, node, other
        self.told: dict[str, tuple[float, ChatdError | None]] = {}
        """Calls that were answered: when, and with which error."""

    def call(self, name: str, method: str, *, request_id: str = "") -> None:
        """A client's call, or with NodeService/… the gateway's own."""

        def on_reply(payload: bytes, error: ChatdError | None) -> None:
            self.told[name] = time.monotonic(), error

        caller = None if method.startswith("Node") else Caller(profile_id="bob")
        self.backend.forward(method, b"", caller, on_reply, request_id=request_id)

    async def until_told(self, *names: str) -> None:
        async with asyncio.timeout(20):
            while not self.told.keys() >= set(names):
                await asyncio.sleep(0.005)


@pytest.fixture
def context() -> Iterator[Context]:
    made = new_context()
    yield made
    made.destroy(linger=0)


@pytest.fixture
async def gateway(context: Context, tmp_path: Path) -> AsyncIterator[Gateway]:
    uri = f"ipc://{tmp_path}/node"
    other = OtherEnd(context, uri)
    backend = Backend(asyncio.get_running_loop(), call_timeout=CALL_TIMEOUT)
    backend.connect(context, [uri])
    (node,) = backend.nodes
    introduced = asyncio.Event()

    def described(payload: bytes, error: ChatdError | None) -> None:
        node.started_at_us = STARTED_US
        node.clock.read(CLOCK_US, time.monotonic())
        introduced.set()

    async with asyncio.timeout(10):
        while not backend.ask(node, "NodeService/Describe", b"", described):
            await asyncio.sleep(0.002)
        first = await other.hear(0)
        assert not first.HasField("limits"), "it is asked who it is"
        assert not backend.ready
        other.answer(0)
        await introduced.wait()
    yield Gateway(backend, node, other)
    backend.close()
    other.close()


def test_the_loop_s_time_is_of_the_steady_clock() -> None:
    """Deadlines are computed from both, and the loop's is never ahead."""

    async def differences() -> list[float]:
        loop = asyncio.get_running_loop()
        found = []
        for _ in range(20):
            await asyncio.sleep(0.003)
            time.sleep(0.003)  # noqa: ASYNC251  the loop's time stands still
            at = loop.time()
            found.append(time.monotonic() - at)
        return found

    for run in (asyncio.run, uvloop.run):
        assert all(0 <= one < 0.5 for one in run(differences()))


async def test_a_call_says_until_when_it_may_be_executed(gateway: Gateway) -> None:
    gateway.call("add", "ChatService/AddRoomSubscriptions", request_id="id")
    request = await gateway.other.hear(1)
    limits = request.limits
    assert (request.request_id, limits.node_started_at_us, limits.period) == ("id", STARTED_US, 1)
    assert CLOCK_US + (CALL_TIMEOUT - 0.5) * 1e6 < limits.deadline_us < CLOCK_US + (CALL_TIMEOUT + 1) * 1e6
    assert CLOCK_US + (SILENT_SECONDS - 0.5) * 1e6 < limits.silent_at_us < CLOCK_US + SILENT_SECONDS * 1e6


async def test_what_is_heard_from_the_node_moves_the_silence_on(gateway: Gateway) -> None:
    gateway.call("one", "ChatService/AddRoomSubscriptions")
    first = await gateway.other.hear(1)
    await asyncio.sleep(0.3)
    gateway.call("two", "ChatService/AddRoomSubscriptions")
    assert (await gateway.other.hear(2)).limits.silent_at_us == first.limits.silent_at_us
    gateway.other.answer(1)
    await gateway.until_told("one")
    gateway.backend.ask(gateway.node, "NodeService/Describe", b"", lambda payload, error: None)
    described = (await gateway.other.hear(3)).limits
    assert described.silent_at_us > first.limits.silent_at_us + 200_000
    assert (described.deadline_us, described.period) == (0, 1)


async def test_a_node_that_falls_silent_has_no_calls_left(gateway: Gateway) -> None:
    started = time.monotonic()
    gateway.call("add", "ChatService/AddRoomSubscriptions")
    gateway.call("again", "ChatService/AddRoomSubscriptions", request_id="id")
    limits = (await gateway.other.hear(2)).limits
    await gateway.until_told("add", "again")
    for at, error in gateway.told.values():
        assert isinstance(error, Unavailable)
        assert CLOCK_US + (at - started) * 1e6 > limits.silent_at_us - 1_000_000
        assert SILENT_SECONDS - 0.2 < at - started < SILENT_SECONDS + 1
    assert gateway.node.period > 1
    assert not gateway.backend.ready


async def test_of_calls_on_a_broken_connection_only_those_that_may_be_repeated_are_told_at_once(
    gateway: Gateway,
) -> None:
    started = time.monotonic()
    gateway.call("add", "ChatService/AddRoomSubscriptions")
    gateway.call("add with an id", "ChatService/AddRoomSubscriptions", request_id="id")
    gateway.call("send", "ChatService/SendEvents")
    gateway.call("open", "NodeService/OpenStreams")
    gateway.call("ack", "NodeService/AckBatch")
    await gateway.other.hear(5)
    gateway.other.close()
    await gateway.until_told("add with an id", "send", "ack")
    assert time.monotonic() - started < SILENT_SECONDS - 1
    assert gateway.told.keys() == {"add with an id", "send", "ack"}
    assert gateway.backend.waiting == 2
    await gateway.until_told("add", "open")
    assert time.monotonic() - started > SILENT_SECONDS - 0.2
    assert all(isinstance(error, Unavailable) for _, error in gateway.told.values())
    assert gateway.backend.waiting == 0


async def test_the_gateway_s_own_calls_have_limits_too(gateway: Gateway) -> None:
    for method, request in (("OpenStreams", OpenStreamsRequest()), ("AckBatch", AckBatchRequest())):
        gateway.backend.call(f"NodeService/{method}", request, lambda payload, error: None)
    for number in (1, 2):
        assert (await gateway.other.hear(number)).limits.deadline_us > 0

"""A gateway's connection to a default node, on real sockets, made anew when it is lost."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatd.errors import ChatdError, Internal, Unavailable
from chatd.gateway.backend import Backend
from chatd.pb.gateway.v1.gateway_pb2 import RpcResponse
from chatd.pb.node.v1.node_pb2 import NodeRequest
from chatd.transport.pump import Message, PeerGone, Pump
from chatd.transport.sockets import Context, bind_router, new_context

TOO_LARGE = 17 * 1_048_576
"""Bytes that the gateway's socket does not take."""


class Node:
    """Answers each call with as many bytes as ``size`` says."""

    def __init__(self, context: Context, uri: str) -> None:
        self.size = 1
        router = bind_router(context, uri, send_hwm=1000)
        self.pump = Pump(asyncio.get_running_loop(), router, self._on_calls, frames=2)

    def _on_calls(self, batch: list[Message]) -> None:
        for routing_id, frame in batch:
            call = NodeRequest.FromString(frame)
            reply = RpcResponse(call_id=call.call_id, payload=bytes(self.size))
            try:
                self.pump.send((routing_id, reply.SerializeToString()))
            except PeerGone:
                continue


@pytest.fixture
def context() -> Iterator[Context]:
    made = new_context()
    yield made
    made.destroy(linger=0)


async def ask(backend: Backend) -> int | ChatdError:
    """The size of the node's answer to a call, or the call's error."""
    answer: asyncio.Future[int | ChatdError] = asyncio.get_running_loop().create_future()
    while not backend.ask(
        backend.nodes[0], "X/Y", b"", lambda payload, error: answer.set_result(error or len(payload))
    ):
        await asyncio.sleep(0.01)
    size = await answer
    backend.nodes[0].clock.read(1, time.monotonic())  # as its description does
    return size


async def test_a_connection_that_an_answer_ended_is_made_anew(context: Context, tmp_path: Path) -> None:
    uri = f"ipc://{tmp_path}/calls"
    node = Node(context, uri)
    backend = Backend(asyncio.get_running_loop(), call_timeout=10)
    backend.connect(context, [uri])
    async with asyncio.timeout(20):
        assert await ask(backend) == 1
        assert backend.ready
        node.size = TOO_LARGE
        assert isinstance(await ask(backend), Unavailable)
        assert not backend.ready
        node.size = 2
        assert await ask(backend) == 2
        assert backend.ready
    backend.close()
    node.pump.close()


async def test_a_callback_that_fails_stops_nothing(context: Context, tmp_path: Path) -> None:
    """Also when it is told that its time is up, which the timer of all calls does."""
    uri = f"ipc://{tmp_path}/calls"
    node = Node(context, uri)
    backend = Backend(asyncio.get_running_loop(), call_timeout=2)
    backend.connect(context, [uri])

    def fails(payload: bytes, error: ChatdError | None) -> None:
        raise KeyError("a bug")

    async with asyncio.timeout(20):
        assert await ask(backend) == 1
        backend.ask(backend.nodes[0], "X/Y", b"", fails)
        assert await ask(backend) == 1
        node.pump.pause()
        backend.ask(backend.nodes[0], "X/Y", b"", fails)
        assert isinstance(await ask(backend), ChatdError)
        assert not isinstance(await ask(backend), Internal)
    assert backend.waiting == 0
    backend.close()
    node.pump.close()

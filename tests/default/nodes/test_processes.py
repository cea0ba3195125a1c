"""Operators' calls that gateways are asked by the queue; `tests/system/test_operators.py` has them
between real processes."""

import asyncio
from collections.abc import Iterable, Sequence

import pytest

from chatd.client.retries import TRY_SECONDS
from chatd.core import node_protocol
from chatd.core.wire import split_queue_body
from chatd.default.answer import Caller
from chatd.default.nodes import processes as module
from chatd.default.nodes.gateways import Gateways
from chatd.default.nodes.leases import Leases
from chatd.default.nodes.processes import Process, Processes
from chatd.errors import ChatdError, LimitReached, UnknownMethod
from chatd.pb.gateway.v1.gateway_pb2 import Error, RpcResponse
from chatd.pb.node.v1.node_pb2 import AnswerProcessRequest, DescribeRequest, ProcessCall, QueueHeader
from chatd.transport.process_calls import ProcessCalls
from tests.default.fan_out.test_publishing import Kept

METHOD = "AdminService/SetLogLevel"


class Queue(Kept):
    """Two gateways, of which one answers as the test says."""

    gateways: Iterable[str] = ("a-1", "b-1")

    def __init__(self) -> None:
        super().__init__()
        self.answers: dict[str, RpcResponse] = {}
        self.processes: Processes

    def publish(self, topic: bytes, gateways: Sequence[str], body: bytes) -> None:
        raise AssertionError(topic)

    def publish_to(self, gateway: str, joined: bytes, body: bytes) -> None:
        call = QueueHeader.FromString(split_queue_body(body)[0]).process_call
        assert call.method == METHOD
        answer = self.answers.get(gateway)
        if answer is not None:
            answer.call_id = call.call_id
            request = AnswerProcessRequest(answer=answer)
            asyncio.get_running_loop().call_soon(self.processes.answer_process, Caller(""), request)

    def is_subscribed(self, gateway: str) -> bool:
        return gateway in self.gateways


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Queue:
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.05)
    queue = Queue()
    gateways = Gateways(now=lambda: 0.0, audit=lambda line: None)
    for name in ("a", "b", "c"):  # the queue does not reach c
        gateways.heard(
            DescribeRequest(
                gateway_id=name,
                gateway_instance=f"{name}-1",
                protocol=node_protocol.NUMBER,
                oldest_protocol=node_protocol.OLDEST,
            )
        )
    queue.processes = Processes(
        queue,
        gateways,
        Leases.__new__(Leases),
        ProcessCalls(),
        node_id="n",
        started_at_us=1,
        is_gateway=False,
    )
    return queue


Outcome = tuple[Sequence[bytes], Sequence[Process]] | ChatdError


async def ask(queue: Queue, processes: Sequence[Process]) -> Outcome:
    done: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    queue.processes.ask(
        Caller("op"),
        processes,
        METHOD,
        b"",
        lambda answers, silent: done.set_result((answers, silent)),
        done.set_result,
    )
    return await asyncio.wait_for(done, 5)


async def test_one_that_does_not_answer_is_named(queue: Queue) -> None:
    assert [one.name for one in queue.processes.gateways()] == ["gateway a", "gateway b"]
    queue.answers["a-1"] = RpcResponse(payload=b"done")
    assert await ask(queue, queue.processes.gateways()) == ([b"done"], [Process("b", "b-1")])


def test_silence_is_told_before_a_client_tries_again() -> None:
    """Else every attempt would end before its answer, and nobody would hear which one is silent."""
    assert module.ANSWER_SECONDS < TRY_SECONDS


async def test_one_that_refuses_refuses_the_call(queue: Queue) -> None:
    queue.answers["a-1"] = RpcResponse(payload=b"done")
    queue.answers["b-1"] = RpcResponse(error=Error(code=LimitReached.code, message="too many"))
    assert isinstance(await ask(queue, queue.processes.gateways()), LimitReached)


async def test_a_late_answer_and_an_unknown_call(queue: Queue) -> None:
    queue.processes.answer_process(Caller(""), AnswerProcessRequest(answer=RpcResponse(call_id=7)))
    assert isinstance(await ask(queue, [Process("n")]), UnknownMethod)


def test_the_message_is_no_beat() -> None:
    """A gateway that does not know the field takes it for a beat that says nothing."""
    header = QueueHeader(process_call=ProcessCall(call_id=1), node_started_at_us=5)
    assert not header.resync
    assert not header.watched

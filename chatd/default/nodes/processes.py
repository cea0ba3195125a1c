"""Processes: operators' calls that are about one process, or all of them. A gateway is asked by
the queue; so is another node, through a gateway that knows it."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import count

import structlog

from chatd.core.wire import error_from_pb, queue_body
from chatd.default.answer import Answer, Call, Caller, CallStore, Done, Later, Refuse, Respond, Role
from chatd.default.nodes.gateways import Gateways
from chatd.default.nodes.leases import Leases
from chatd.default.part import Part
from chatd.errors import ChatdError, Internal, InvalidArgument, TimedOut, Unavailable
from chatd.pb.gateway.v1.gateway_pb2 import RpcResponse
from chatd.pb.node.v1 import node_pb2
from chatd.transport.process_calls import ProcessCalls
from chatd.transport.queue import Publisher
from chatd.transport.queue.joined import join_topics

log = structlog.get_logger()

ANSWER_SECONDS = 2.5
"""A process that has not answered after so long is silent. Callers wait for 3 s at least
(PROTOCOL.md, C4): they are to hear which one it was."""


@dataclass(frozen=True, slots=True)
class Process:
    """A gateway, by the name of its process, or a default node."""

    process_id: str
    instance: str = ""

    @property
    def name(self) -> str:
        """As operators read it."""
        return f"{'gateway' if self.instance else 'default node'} {self.process_id}"


class Processes:
    """``own`` are the calls that are about this node's process. ``is_gateway``: it is one of the
    gateways as well."""

    def __init__(
        self,
        publisher: Publisher,
        gateways: Gateways,
        leases: Leases,
        own: ProcessCalls,
        *,
        node_id: str,
        started_at_us: int,
        is_gateway: bool,
    ) -> None:
        self._publisher = publisher
        self._gateways = gateways
        self._leases = leases
        self._own = own
        self.node_id = node_id
        self._started_at_us = started_at_us
        self._is_gateway = is_gateway
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[RpcResponse]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.part = Part(
            calls=(
                Call("NodeService/CallProcess", node_pb2.CallProcessRequest, Role.GATEWAY, self.call_process),
                Call(
                    "NodeService/AnswerProcess",
                    node_pb2.AnswerProcessRequest,
                    Role.GATEWAY,
                    self.answer_process,
                ),
            )
        )

    def call_process(self, caller: Caller, request: node_pb2.CallProcessRequest) -> Answer:
        """Do what another node was asked for."""

        def begin(store: CallStore, respond: Respond, refuse: Refuse) -> None:
            def answered(payload: bytes, error: ChatdError | None) -> None:
                if error is None:
                    respond(node_pb2.CallProcessResponse(payload=payload))
                else:
                    refuse(error)

            self._own.call(request.method, request.payload, answered)

        return Later(begin)

    def answer_process(self, caller: Caller, request: node_pb2.AnswerProcessRequest) -> Answer:
        """A gateway answers what it was asked."""
        waiting = self._waiting.get(request.answer.call_id)
        if waiting is not None and not waiting.done():
            waiting.set_result(request.answer)
        return Done(node_pb2.AnswerProcessResponse())

    def gateways(self) -> list[Process]:
        """Those that hear this node's queue."""
        return [
            Process(one.gateway_id, one.gateway_instance)
            for one in self._gateways.living()
            if self._publisher.is_subscribed(one.gateway_instance)
        ]

    def nodes(self) -> list[Process]:
        """Default nodes that hold a lease, this one first."""
        others = {one.node_id for one in self._leases.default_nodes()} - {self.node_id}
        return [Process(self.node_id), *map(Process, sorted(others))]

    def serve_besides(self, node_id: str) -> bool:
        """True if default nodes serve without this one."""
        return any(one.node_id != node_id for one in self._leases.serving_nodes())

    def all(self) -> list[Process]:
        """All processes, each once."""
        gateways = self.gateways()
        if self._is_gateway:
            gateways = [one for one in gateways if one.process_id != self.node_id]
        return self.nodes() + gateways

    def named(self, *, gateway_id: str, node_id: str) -> list[Process]:
        """One process; a gateway's id may be that of several. Raises InvalidArgument."""
        if bool(gateway_id) == bool(node_id):
            raise InvalidArgument("either gateway_id or node_id")
        wanted = gateway_id or node_id
        found = [one for one in (self.gateways() if gateway_id else self.nodes()) if one.process_id == wanted]
        if not found:
            kind = "gateway" if gateway_id else "default node"
            raise InvalidArgument(f"no {kind} {wanted} serves; chatctl nodes lists them")
        return found

    def ask(
        self,
        caller: Caller,
        processes: Iterable[Process],
        method: str,
        payload: bytes,
        then: Callable[[Sequence[bytes], Sequence[Process]], None],
        refuse: Refuse,
    ) -> None:
        """Ask the processes; ``then`` gets the answers, and those that gave none. ``refuse`` gets
        the error of one that refuses."""

        async def run() -> None:
            asked = list(processes)
            answers = await asyncio.gather(
                *(self._ask(caller, one, method, payload) for one in asked), return_exceptions=True
            )
            silent = [
                one
                for one, answer in zip(asked, answers, strict=True)
                if isinstance(answer, TimedOut | Unavailable)
            ]
            refused = [one for one in answers if not isinstance(one, bytes | TimedOut | Unavailable)]
            if not refused:
                then([one for one in answers if isinstance(one, bytes)], silent)
            elif isinstance(refused[0], ChatdError):
                refuse(refused[0])
            else:
                log.error("An operator's call failed", method=method, exc_info=refused[0])
                refuse(Internal(f"the call failed: {type(refused[0]).__name__}"))

        task = asyncio.get_running_loop().create_task(run(), name=method)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask(self, caller: Caller, process: Process, method: str, payload: bytes) -> bytes:
        """Raises what it answers, TimedOut, Unavailable."""
        if process.instance:
            return await self._ask_gateway(process.instance, node_pb2.ProcessCall(), method, payload)
        if process.process_id == self.node_id:
            return await self._own.answer(method, payload)
        failed: ChatdError = Unavailable("no gateway can pass it on")
        # The operator's own gateway first: it is one that lives.
        for gateway in sorted(self.gateways(), key=lambda one: one.process_id != caller.gateway_id):
            call = node_pb2.ProcessCall(node_id=process.process_id)
            try:
                return await self._ask_gateway(gateway.instance, call, method, payload)
            except Unavailable as exc:
                failed = exc
        raise failed

    async def _ask_gateway(
        self, instance: str, call: node_pb2.ProcessCall, method: str, payload: bytes
    ) -> bytes:
        call.call_id, call.method, call.payload = next(self._numbers), method, payload
        waiting = asyncio.get_running_loop().create_future()
        self._waiting[call.call_id] = waiting
        header = node_pb2.QueueHeader(process_call=call, node_started_at_us=self._started_at_us)
        self._publisher.publish_to(instance, join_topics(()), queue_body(header.SerializeToString(), b""))
        try:
            answer: RpcResponse = await asyncio.wait_for(waiting, ANSWER_SECONDS)
        except TimeoutError as exc:
            raise TimedOut(f"it did not answer in {ANSWER_SECONDS:g} s") from exc
        finally:
            del self._waiting[call.call_id]
        if answer.HasField("error"):
            raise error_from_pb(answer.error)
        return answer.payload

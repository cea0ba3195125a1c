"""Introduction: each default node is asked each second who it is. That shows that both live, and
tells the node what the gateway has counted."""

import asyncio
import time
from collections.abc import Sequence, Sized
from functools import partial

import structlog

from chatd.core.address import Address, split
from chatd.core.counter import Counter
from chatd.core.deadline import NodeClock
from chatd.core.log_state import from_pb
from chatd.core.metric import StageTimes
from chatd.core.node_protocol import refusal
from chatd.errors import ChatdError
from chatd.gateway.audit import GatewayAudit
from chatd.gateway.backend import Backend
from chatd.gateway.default_node import Node
from chatd.gateway.device_sender import DeviceSender
from chatd.gateway.discovery import Discovery
from chatd.gateway.log_watch import LogWatch
from chatd.gateway.node_queues import NodeQueues
from chatd.gateway.revoking import Revoking
from chatd.gateway.stream_counts import StreamCounts
from chatd.gateway.watch import Watch
from chatd.pb.node.v1.node_pb2 import DescribeRequest, DescribeResponse
from chatd.text import one_line

log = structlog.get_logger()

DESCRIBE_SECONDS = 1.0
TICK_SECONDS = 0.05
"""Between two questions to a node that has not answered yet, or was lost: it hears no topics of
this gateway until it does."""
IMPATIENT_SECONDS = 0.02
"""The same while no node answers at all."""

MAX_REASON = 300
"""Characters of a node's reason to refuse this gateway."""

QUEUE_SECONDS = 3.0
"""Nodes are told of a queue that reaches the gateway no longer after so long: at every start and
after every restart there is a moment of it."""


class Introduction:
    """``request`` is what the gateway says of itself, without what it counts: ``streams`` are the
    open ones. Made early: ``begin`` starts it when the gateway is bound."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        backend: Backend,
        discovery: Discovery,
        sender: DeviceSender,
        watch: Watch,
        log_watch: LogWatch,
        queues: NodeQueues,
        audit: GatewayAudit,
        revoking: Revoking,
        *,
        request: DescribeRequest,
        queue_name: str,
        counters: Sequence[Counter],
        times: Sequence[StageTimes],
        streams: Sized,
        stream_counts: StreamCounts,
    ) -> None:
        self._loop = loop
        self._backend = backend
        self._discovery = discovery
        self._sender = sender
        self._watch = watch
        self._log_watch = log_watch
        self._queues = queues
        self._audit = audit
        self._revoking = revoking
        self._request = request
        self._queue_name = queue_name
        self._counters = counters
        self._times = times
        self._streams = streams
        self._stream_counts = stream_counts
        self._public = Address("")
        self._timer: asyncio.TimerHandle | None = None
        self._described_at = 0.0
        self._reached_at = 0.0

    def begin(self, public: Address) -> None:
        """Devices reach this gateway at the address ``public``."""
        self.announce(public)
        self._reached_at = self._loop.time()
        self._tick()

    def announce(self, public: Address) -> None:
        """The same from now on. A device that knows an older key learns the newest one."""
        self._public = public
        self._request.gateway_uri = str(public)
        self._sender.itself = (str(public),) if public.key else ()

    def leave(self) -> None:
        """Tell the nodes from now on that devices are not to be sent here."""
        self._request.draining = True

    def drain(self, is_drained: bool) -> None:
        """The same as long as an operator wants it; the nodes are told at once."""
        self._request.drained = is_drained
        self._describe(self._backend.nodes)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _tick(self) -> None:
        # First of all: what fails below must not end the ticks.
        self._timer = self._loop.call_later(
            TICK_SECONDS if self._backend.ready else IMPATIENT_SECONDS, self._tick
        )
        now = self._loop.time()
        if now - self._described_at >= DESCRIBE_SECONDS:
            self._described_at = now
            self._describe(self._backend.nodes)
        else:
            self._describe([node for node in self._backend.nodes if not node.is_known])

    def _describe(self, nodes: Sequence[Node]) -> None:
        if not nodes:
            return
        self._stream_counts.tell(self._request)
        self._request.streams = len(self._streams)
        del self._request.stages[:]
        self._request.stages.extend(times.told() for times in self._times)
        for counter in self._counters:
            self._request.counters[counter.name] = counter.value
        problem, now = self._watch.problem, self._loop.time()
        if not problem:
            self._reached_at = now
        self._request.queue_problem = problem if now - self._reached_at > QUEUE_SECONDS else ""
        self._log_watch.introduce(self._request)
        for node in nodes:
            self._request.revocations_version = node.revocations_version
            payload = self._request.SerializeToString()
            # A node that cannot be reached is found silent by Backend.
            on_reply = partial(self._on_described, node, self._backend.next_id, self._watch.mark(node))
            self._backend.ask(node, "NodeService/Describe", payload, on_reply)

    def _on_described(
        self, node: Node, call_id: int, mark: int, payload: bytes, error: ChatdError | None
    ) -> None:
        if error is not None:
            return
        description = DescribeResponse.FromString(payload)
        restarted = description.started_at_us != node.started_at_us
        if restarted:
            log.info(
                "A default node answers",
                node=node.uri,
                node_id=description.node_id,
                version=description.version,
            )
            if node.started_at_us:
                # A new process answers: calls before this question went to the old one.
                self._backend.give_up(node, before=call_id)
            node.started_at_us = description.started_at_us
            node.clock = NodeClock()
        # Not the loop's time, which stands still within a turn: the answer may have come later.
        node.clock.read(description.steady_us, time.monotonic())
        refused = self._refusal(description)
        if refused:
            self._refuse(node, call_id, description, refused)
            return
        node.refused = ""
        node.node_id, node.is_drained = description.node_id, description.drained
        # Another process may have another database: it is asked for everything.
        known = restarted and node.revocations_version > 0
        node.revocations_version = 0 if known else description.revocations_version
        self._revoking.heard(description.revocations)
        self._log_watch.heard(from_pb(description.log))
        self._queues.accept(description.queue_uri)
        self._discovery.heard(node.uri, description.call_uri, description.nodes, self._backend.is_silent)
        self._watch.described(node, mark, description.watched, restarted=restarted)
        self._sender.elsewhere = tuple(
            uri for uri in description.gateway_uris if split(uri)[0] != self._public.endpoint
        )

    def _refusal(self, description: DescribeResponse) -> str:
        """The reason why this gateway cannot work with the node; empty if it can."""
        why = refusal(description.protocol, description.oldest_protocol)
        why = why or one_line(description.refused[:MAX_REASON])
        if not why and description.queue_name != self._queue_name:
            why = f"its queue is {description.queue_name!a}, and this gateway's {self._queue_name!a}"
        return why

    def _refuse(self, node: Node, call_id: int, description: DescribeResponse, why: str) -> None:
        """Neither call the node nor listen to it, and go on asking: another may come in its
        place."""
        if node.refused != why:
            log.error("A default node is refused", node=node.uri, node_id=description.node_id, reason=why)
            self._audit.refused("Peer", node.uri, why)
        if not node.refused:
            self._backend.give_up(node, before=call_id)
        node.refused = why
        self._watch.refused(node)
        self._queues.refuse(description.queue_uri or self._discovery.queue_of(node.uri))

"""Backend: the gateway's side of its calls to default nodes. It chooses the node and sees when one
is lost; ``waiting_calls.py`` has the calls that wait for their answers."""

import asyncio
import zlib
from collections.abc import Sequence
from functools import partial
from typing import Protocol

import structlog
from google.protobuf.message import DecodeError, Message

from chatd.core import node_protocol
from chatd.core.address import has_key
from chatd.core.deadline import NodeClock
from chatd.core.metric import Gauge
from chatd.core.wire import error_from_pb
from chatd.errors import Overloaded, Unavailable
from chatd.gateway.default_node import SILENT_SECONDS, Node
from chatd.gateway.waiting_calls import OnReply, WaitingCall, WaitingCalls
from chatd.pb.gateway.v1.gateway_pb2 import RpcResponse
from chatd.pb.node.v1.node_pb2 import Caller, NodeRequest
from chatd.transport.pump import PeerFull, Pump
from chatd.transport.sockets import Context, connect_dealer

log = structlog.get_logger()

MAX_CALLS_WAITING = 10_000
_REPEATABLE = frozenset(
    (
        "ChatService/SendEvents",
        "NodeService/Describe",
        "NodeService/Watch",
        "NodeService/PullOutbox",
        "NodeService/AckBatch",
        "NodeService/CloseStreams",
        "NodeService/RecordAudit",
    )
)
"""Calls that do no harm when they are executed although they were repeated elsewhere, as those with
a request id. A late OpenStreams would take a newer stream over."""
REDIAL_SECONDS = 2.0
"""A connection over which nothing comes for so long is made anew. libzmq itself makes none after a
message over its limit."""
TICK_SECONDS = 0.1
"""Between two looks for calls whose time is up and nodes that have fallen silent."""


class NodeCalls(Protocol):
    """Calls of the gateway itself to any default node (``Backend``)."""

    @property
    def ready(self) -> bool:
        """True if any node has answered lately."""

    def call(self, method: str, request: Message, on_reply: OnReply, *, affinity: str = "") -> None:
        """Calls of the same affinity go to the same node while the set of living nodes stays the
        same, and are handled in order."""


class Backend:
    """Calls to the default nodes. Callbacks run on the loop; exactly one call of ``on_reply`` for
    each call. ``call_timeout`` in seconds."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, call_timeout: float) -> None:
        self._loop = loop
        self._call_timeout = call_timeout
        self._context: Context | None = None
        self._waiting = WaitingCalls(call_timeout)
        self._timer: asyncio.TimerHandle | None = None
        self.nodes: list[Node] = []
        self.next_id = 1
        """The number of the next call."""
        self.gauges = (
            Gauge("calls_waiting", "calls to default nodes without a reply", lambda: self.waiting),
            Gauge("nodes_answering", "default nodes that have answered lately", lambda: len(self.living())),
            Gauge(
                "node_silence_seconds",
                "seconds since each default node was last heard",
                self._silence,
                labels=("node",),
            ),
        )

    def connect(self, context: Context, uris: Sequence[str]) -> None:
        """Begin with these nodes."""
        self._context = context
        for uri in uris:
            self.add(uri)
        self._tick()

    def add(self, uri: str) -> None:
        """There is a node."""
        self.nodes.append(Node(uri, self._dial, self._loop.time()))

    def _dial(self, node: Node) -> Pump:
        assert self._context is not None
        return Pump(
            self._loop,
            connect_dealer(self._context, node.uri),
            partial(self._on_replies, node),
            frames=1,
            on_lost=partial(self._on_lost, node),
        )

    def connect_anew(self) -> None:
        """Give encrypted connections up for new ones, with another key."""
        for node in self.nodes:
            if has_key(node.uri):
                self._on_lost(node)
                node.redial(self._loop.time())

    def remove(self, uri: str) -> None:
        """It will not come back."""
        for node in [node for node in self.nodes if node.uri == uri]:
            self.nodes.remove(node)
            self.give_up(node, before=self.next_id)
            node.pump.close()

    def is_silent(self, uri: str) -> bool:
        """True if the node at ``uri`` has not answered lately."""
        return all(node.uri != uri for node in self.living())

    @property
    def ready(self) -> bool:
        return bool(self.living())

    def has_calls(self) -> bool:
        """True while a call waits for a node that lives."""
        return self.ready and self.waiting > 0

    def is_ready(self) -> bool:
        """The same, to be passed on."""
        return self.ready

    @property
    def waiting(self) -> int:
        """Calls that have no reply yet."""
        return len(self._waiting)

    @property
    def problem(self) -> str:
        """The reason why no node can be called; empty if one can."""
        if self.ready:
            return ""
        since = self._loop.time() - SILENT_SECONDS
        refused = next((node.refused for node in self.nodes if node.heard_at > since), "")
        return (
            f"the default node that answers is refused: {refused}" if refused else "no default node answers"
        )

    def living(self) -> list[Node]:
        """The nodes that have answered lately and are not refused."""
        since = self._loop.time() - SILENT_SECONDS
        return [node for node in self.nodes if node.is_known and node.heard_at > since and not node.refused]

    def _serving(self) -> list[Node]:
        """Those of them that no operator has drained, unless all are."""
        living = self.living()
        return [node for node in living if not node.is_drained] or living

    def _silence(self) -> dict[tuple[str, ...], float]:
        now = self._loop.time()
        return {
            (node.uri.partition("#")[0],): now - (node.heard_at or node.silent_since) for node in self.nodes
        }

    def call(self, method: str, request: Message, on_reply: OnReply, *, affinity: str = "") -> None:
        """Call a node for the gateway itself."""
        self.forward(method, request.SerializeToString(), None, on_reply, affinity=affinity)

    def forward(
        self,
        method: str,
        payload: bytes,
        caller: Caller | None,
        on_reply: OnReply,
        *,
        affinity: str = "",
        request_id: str = "",
    ) -> None:
        """Call a node for an authenticated client (or, without ``caller``, for the gateway
        itself). The node does not execute it once it has been given up here."""
        alive = self._serving()
        if not alive:
            on_reply(b"", Unavailable(self.problem))
            return
        if self.waiting >= MAX_CALLS_WAITING:
            on_reply(b"", Overloaded(f"{MAX_CALLS_WAITING} calls are waiting"))
            return
        first = zlib.crc32(affinity.encode()) % len(alive)
        for node in alive[first:] + alive[:first]:
            if self._ask(node, method, payload, on_reply, caller, request_id, is_timed=True):
                return
        on_reply(b"", Unavailable("no default node can be reached"))

    def ask(self, node: Node, method: str, payload: bytes, on_reply: OnReply) -> bool:
        """Call this node for the gateway itself, with a call that may be executed at any time:
        Describe, and Watch, which has numbers. False: it cannot be reached now, and ``on_reply``
        will not be called."""
        return self._ask(node, method, payload, on_reply, None, "", is_timed=False)

    def _ask(
        self,
        node: Node,
        method: str,
        payload: bytes,
        on_reply: OnReply,
        caller: Caller | None,
        request_id: str,
        *,
        is_timed: bool,
    ) -> bool:
        call_id = self.next_id
        self.next_id += 1
        deadline = self._loop.time() + self._call_timeout
        request = NodeRequest(
            call_id=call_id,
            method=method,
            payload=payload,
            caller=caller,
            limits=node.limits(deadline if is_timed else 0.0),
            request_id=request_id,
            protocol=node_protocol.NUMBER,
        )
        try:
            node.pump.send((request.SerializeToString(),))
        except PeerFull:
            return False
        is_repeatable = bool(request_id) or method in _REPEATABLE
        self._waiting.add(call_id, WaitingCall(node, deadline, on_reply, is_repeatable))
        return True

    def _on_replies(self, node: Node, batch: list[list[bytes]]) -> None:
        node.heard_at = self._loop.time()
        for frames in batch:
            try:
                reply = RpcResponse.FromString(frames[-1])
            except DecodeError:
                log.error("A default node sent a reply that does not parse", node=node.uri)
                continue
            error = error_from_pb(reply.error) if reply.HasField("error") else None
            self._waiting.answered(reply.call_id, reply.payload if error is None else b"", error)

    def _tick(self) -> None:
        # First of all: what fails below must not end the ticks.
        self._timer = self._loop.call_later(TICK_SECONDS, self._tick)
        now = self._loop.time()
        self._waiting.expire(now)
        for node in self.nodes:
            if 0.0 < node.heard_at <= now - SILENT_SECONDS:
                self._on_lost(node)
            if not node.heard_at and node.silent_since <= now - REDIAL_SECONDS:
                self.give_up(node, before=self.next_id)
                node.redial(now)

    def _on_lost(self, node: Node) -> None:
        """The connection is gone, or nothing has come over it for long."""
        heard_at = node.heard_at
        if heard_at:
            log.warning("A default node was lost, or has fallen silent", node=node.uri)
            node.heard_at, node.silent_since = 0.0, self._loop.time()
        node.clock = NodeClock()  # whatever machine answers next is asked anew
        self._give_up(node, self.next_id, heard_at)

    def give_up(self, node: Node, *, before: int) -> None:
        """Every call to this node with a lower number is lost, or its outcome unknown."""
        self._give_up(node, before, node.heard_at)

    def _give_up(self, node: Node, before: int, heard_at: float) -> None:
        """The node was heard last at ``heard_at``. It may have calls that it executes before the
        time at which it would be found silent."""
        node.period += 1
        self._waiting.lose(node, before=before, over_at=heard_at + SILENT_SECONDS, now=self._loop.time())

    def close(self) -> None:
        """Stop; callers that still wait are told Unavailable."""
        if self._timer is not None:
            self._timer.cancel()
        self._waiting.close()
        for node in self.nodes:
            node.pump.close(linger_ms=1_000)

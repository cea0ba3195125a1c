"""The gateway's side of its calls to default nodes: which node, which reply belongs to which call, and how long to wait."""

import asyncio
import zlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import structlog
from google.protobuf.message import DecodeError, Message

from chatd.core.wire import error_from_pb
from chatd.errors import ChatdError, ConfigError, Overloaded, TimedOut, Unavailable
from chatd.pb.gateway.v1.gateway_pb2 import RpcResponse
from chatd.pb.node.v1.node_pb2 import Caller, DescribeRequest, DescribeResponse, NodeRequest
from chatd.transport.pump import PeerFull, Pump
from chatd.transport.sockets import Context, connect_dealer

log = structlog.get_logger()

MAX_CALLS_WAITING = 10_000
DESCRIBE_SECONDS = 1.0
SILENT_SECONDS = 3.0

OnReply = Callable[[bytes, ChatdError | None], None]
"""Gets the response's bytes and None, or no bytes and the error."""


class _Waiting(NamedTuple):
    node: "_Node"
    deadline: float
    on_reply: OnReply


class _Node:
    """One default node as this gateway sees it. ``heard_at`` is 0.0 until it has answered once."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self.pump: Pump | None = None
        self.heard_at = 0.0
        self.started_at_us = 0
        self.refused = False


class Backend:
    """Calls to the default nodes. Callbacks run on the loop; exactly one call of ``on_reply`` for each call."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        queue_name: str,
        call_timeout: float,
        introduction: DescribeRequest,
        on_described: Callable[[str, DescribeResponse], None],
    ) -> None:
        self._loop = loop
        self._queue_name = queue_name
        self._introduction = introduction
        self._on_description = on_described
        self._call_timeout = call_timeout
        self._nodes: list[_Node] = []
        self._waiting: dict[int, _Waiting] = {}  # in order of their deadlines: the timeout is the same for all
        self._next_id = 1
        self._timer: asyncio.TimerHandle | None = None
        self._described_at = 0.0

    def connect(self, context: Context, uris: Sequence[str]) -> None:
        """Begin with these nodes."""
        self._context = context
        for uri in uris:
            self.add(uri)
        self._tick()

    def add(self, uri: str) -> None:
        """There is a node."""
        node = _Node(uri)
        dealer = connect_dealer(self._context, uri)
        node.pump = Pump(self._loop, dealer, partial(self._on_replies, node), frames=1, on_lost=partial(self._on_lost, node))
        self._nodes.append(node)

    def remove(self, uri: str) -> None:
        """It will not come back."""
        for node in [node for node in self._nodes if node.uri == uri]:
            self._nodes.remove(node)
            self._give_up(node, before=self._next_id)
            assert node.pump is not None
            node.pump.close()

    def is_silent(self, uri: str) -> bool:
        """Whether the node at ``uri`` has not answered lately."""
        return all(node.uri != uri for node in self._alive())

    @property
    def ready(self) -> bool:
        """Whether any node has answered lately."""
        return bool(self._alive())

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def _alive(self) -> list[_Node]:
        since = self._loop.time() - SILENT_SECONDS
        return [node for node in self._nodes if node.heard_at > since and not node.refused]

    def call(self, method: str, request: Message, on_reply: OnReply, *, affinity: str = "") -> None:
        """Call a node for the gateway itself."""
        self.forward(method, request.SerializeToString(), None, on_reply, affinity=affinity)

    def forward(self, method: str, payload: bytes, caller: Caller | None, on_reply: OnReply, *, affinity: str = "") -> None:
        """Call a node for an authenticated client (or, without ``caller``, for the gateway itself).

        Calls of the same affinity go to the same node while the set of living nodes stays the same, and are handled in order.
        """
        alive = self._alive()
        if not alive:
            on_reply(b"", Unavailable("no default node answers"))
            return
        if len(self._waiting) >= MAX_CALLS_WAITING:
            on_reply(b"", Overloaded(f"{MAX_CALLS_WAITING} calls are waiting"))
            return
        first = zlib.crc32(affinity.encode()) % len(alive)
        call_id = self._next_id
        self._next_id += 1
        frame = NodeRequest(call_id=call_id, method=method, payload=payload, caller=caller).SerializeToString()
        for node in alive[first:] + alive[:first]:
            assert node.pump is not None
            try:
                node.pump.send((frame,))
            except PeerFull:
                continue
            self._waiting[call_id] = _Waiting(node, self._loop.time() + self._call_timeout, on_reply)
            return
        on_reply(b"", Unavailable("no default node can be reached"))

    def _on_replies(self, node: _Node, batch: list[list[bytes]]) -> None:
        node.heard_at = self._loop.time()
        for frames in batch:
            try:
                reply = RpcResponse.FromString(frames[-1])
            except DecodeError:
                log.error("A default node sent a reply that does not parse", node=node.uri)
                continue
            waiting = self._waiting.pop(reply.call_id, None)
            if waiting is None:
                continue  # it had timed out
            if reply.HasField("error"):
                waiting.on_reply(b"", error_from_pb(reply.error))
            else:
                waiting.on_reply(reply.payload, None)

    def _tick(self) -> None:
        now = self._loop.time()
        while self._waiting:
            call_id, oldest = next(iter(self._waiting.items()))
            if oldest.deadline > now:
                break
            del self._waiting[call_id]
            oldest.on_reply(b"", TimedOut(f"the default node did not answer in {self._call_timeout:g} s"))
        for node in self._nodes:
            if 0.0 < node.heard_at <= now - SILENT_SECONDS:
                self._on_lost(node)
        if now - self._described_at >= DESCRIBE_SECONDS or not self.ready:
            self._described_at = now
            self._describe()
        self._timer = self._loop.call_later(0.1 if self.ready else 0.02, self._tick)

    def _on_lost(self, node: _Node) -> None:
        """The connection is gone, or nothing has come over it for long."""
        if node.heard_at:
            log.warning("A default node was lost, or has fallen silent", node=node.uri)
            node.heard_at = 0.0
        self._give_up(node, before=self._next_id)

    def _describe(self) -> None:
        """Ask every node who it is: shows that it lives, and that it publishes to the queue we listen to."""
        for node in self._nodes:
            assert node.pump is not None
            call_id = self._next_id
            self._next_id += 1
            payload = self._introduction.SerializeToString()
            request = NodeRequest(call_id=call_id, method="NodeService/Describe", payload=payload)
            try:
                node.pump.send((request.SerializeToString(),))
            except PeerFull:
                continue  # not connected: its silence is noticed by heard_at
            self._waiting[call_id] = _Waiting(node, self._loop.time() + self._call_timeout, partial(self._on_described, node, call_id))

    def _on_described(self, node: _Node, call_id: int, payload: bytes, error: ChatdError | None) -> None:
        if error is not None:
            return
        description = DescribeResponse.FromString(payload)
        if description.started_at_us != node.started_at_us:
            log.info("A default node answers", node=node.uri, node_id=description.node_id, version=description.version)
            if node.started_at_us:
                # A new process answers: what was sent before this question went to the old one.
                self._give_up(node, before=call_id)
            node.started_at_us = description.started_at_us
        queue_name = description.queue_name
        if queue_name != self._queue_name and not node.refused:
            problem = ConfigError(f"node {node.uri} publishes to queue {queue_name!r}, this gateway listens to {self._queue_name!r}")
            log.error("A default node is not ours", error=str(problem))
        node.refused = queue_name != self._queue_name
        if not node.refused:
            self._on_description(node.uri, description)

    def _give_up(self, node: _Node, *, before: int) -> None:
        """Whatever this node was asked before that call is lost, or its outcome unknown."""
        lost = [call_id for call_id, call in self._waiting.items() if call.node is node and call_id < before]
        for call_id in lost:
            self._waiting.pop(call_id).on_reply(b"", Unavailable("the default node was lost; the outcome is unknown"))

    def close(self) -> None:
        """Stop; whatever still waits is told Unavailable."""
        if self._timer is not None:
            self._timer.cancel()
        waiting, self._waiting = self._waiting, {}
        for call in waiting.values():
            call.on_reply(b"", Unavailable("the gateway is stopping"))
        for node in self._nodes:
            if node.pump is not None:
                node.pump.close(linger_ms=1_000)

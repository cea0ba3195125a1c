"""A default node that answers when a test says so: real sockets, no database. A fake, not a
mock."""

import time
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import zmq
from google.protobuf.message import Message

from chatd.core import node_protocol
from chatd.core.channel_numbers import SentNumbers
from chatd.core.wire import error_to_pb, queue_body
from chatd.errors import ChatdError
from chatd.pb.gateway.v1.gateway_pb2 import RpcResponse
from chatd.pb.node.v1 import node_pb2
from chatd.transport.queue.joined import join_topics
from chatd.transport.queue.subscriptions import OWN
from chatd.transport.sockets import bind_router, bind_xpub, endpoint, new_context

DEADLINE = 10.0
QUEUE = "user.event.delivery"
STARTED_AT_US = 1
ANSWERED_BY_ITSELF = ("Describe", "AckBatch", "CloseStreams")


class Heard(NamedTuple):
    """A request of the gateway, and what its answer needs."""

    routing_id: bytes
    call_id: int
    request: Any


class FakeNode:
    """Tests wait in ``until`` and ``hear`` only: these answer the gateway, which asks whether the
    node lives."""

    def __init__(self) -> None:
        self._context = new_context()
        self._calls = bind_router(self._context, "tcp://127.0.0.1:*")
        self._queue = bind_xpub(self._context, "tcp://127.0.0.1:*")
        self.uri, self.queue_uri = endpoint(self._calls), endpoint(self._queue)
        self.subscriptions: list[bytes] = []
        """Topics that the gateway listens to now."""
        self.protocol = self.oldest_protocol = node_protocol.NUMBER
        self.described = 0
        """The number of times that the gateway has asked."""
        self._heard: dict[str, deque[Heard]] = {}
        self._numbers = SentNumbers(STARTED_AT_US)
        self._beat_at = 0.0

    def close(self) -> None:
        self._context.destroy(linger=0)

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait until the condition holds. Raises AssertionError when it does not in DEADLINE
        seconds."""
        deadline = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < deadline, f"{what}: not in {DEADLINE} s"
            self._calls.poll(5)
            self._read()

    def hear(self, method: str) -> Any:
        """The gateway's next request of this kind, which stays unanswered until ``answer``."""
        heard = self._heard.setdefault(method, deque())
        self.until(lambda: heard, f"NodeService/{method}")
        return heard[0].request if method not in ANSWERED_BY_ITSELF else heard.popleft().request

    def answer(self, method: str, outcome: Message | ChatdError) -> None:
        """Answer the oldest request of this kind."""
        self.hear(method)
        self._reply(self._heard[method].popleft(), outcome)

    def publish(
        self, topic: bytes, header: node_pb2.QueueHeader, records: bytes, *, joined: bytes = b""
    ) -> None:
        """``joined``: topics, behind a gateway's own."""
        body = queue_body(header.SerializeToString(), records)
        self._queue.send(b"".join((topic, self._numbers.stamp(), joined, body)))

    @property
    def unanswered(self) -> list[str]:
        """The kinds of requests that wait for an answer, or were answered and not looked at."""
        self._read()
        return [method for method, heard in self._heard.items() if heard]

    def forget(self) -> None:
        """Give up whatever is unanswered."""
        self._read()
        self._heard.clear()

    def _beat(self) -> None:
        """Each second, to the gateways that listen: the node publishes, and nothing is missing."""
        if time.monotonic() < self._beat_at:
            return
        self._beat_at = time.monotonic() + 1.0
        header = node_pb2.QueueHeader(node_started_at_us=STARTED_AT_US)
        no_topics = join_topics(())
        for own in [topic for topic in self.subscriptions if topic[:1] == OWN]:
            self.publish(own, header, b"", joined=no_topics)

    def _read(self) -> None:
        self._beat()
        while self._queue.poll(0):
            event = self._queue.recv()
            if event[:1] == b"\x01":
                self.subscriptions.append(event[1:])
            else:
                self.subscriptions.remove(event[1:])
        while self._calls.poll(0):
            routing_id, frame = self._calls.recv_multipart()
            call = node_pb2.NodeRequest.FromString(frame)
            service, _, method = call.method.partition("/")
            assert service == "NodeService", call.method
            request = getattr(node_pb2, f"{method}Request").FromString(call.payload)
            heard = Heard(routing_id, call.call_id, request)
            if method == "Describe":
                self.described += 1
                description = node_pb2.DescribeResponse(
                    queue_name=QUEUE,
                    started_at_us=STARTED_AT_US,
                    call_uri=self.uri,
                    queue_uri=self.queue_uri,
                    protocol=self.protocol,
                    oldest_protocol=self.oldest_protocol,
                )
                self._reply(heard, description)
                continue
            self._heard.setdefault(method, deque()).append(heard)
            if method in ANSWERED_BY_ITSELF:
                self._reply(heard, getattr(node_pb2, f"{method}Response")())

    def _reply(self, heard: Heard, outcome: Message | ChatdError) -> None:
        if isinstance(outcome, ChatdError):
            reply = RpcResponse(call_id=heard.call_id, error=error_to_pb(outcome))
        else:
            reply = RpcResponse(call_id=heard.call_id, payload=outcome.SerializeToString())
        try:
            self._calls.send_multipart([heard.routing_id, reply.SerializeToString()])
        except zmq.ZMQError as exc:
            if exc.errno != zmq.EHOSTUNREACH:  # else the gateway was stopped meanwhile
                raise

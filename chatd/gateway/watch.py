"""Watch: tells every default node which topics this gateway hears. A node's answer says that from
then on everything published reaches it.

Each turn of the loop that changes something is one step (``core/routing.py``): one call to each
node. A subscription ends only when every node's beat shows that it has applied the step: a message
that the node counts and nobody takes would seem lost.
"""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial

import structlog

from chatd.core.metric import Gauge
from chatd.core.routing import Step, WatchedTopics
from chatd.errors import ChatdError
from chatd.gateway.backend import Backend
from chatd.gateway.default_node import Node
from chatd.pb.node.v1.node_pb2 import WatchRequest
from chatd.transport.queue import Subscriber

log = structlog.get_logger()


class Watch:
    """Made early, opened late: before ``open`` topics only gather. ``instance`` names this
    process."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, backend: Backend, subscriber: Subscriber, *, instance: str
    ) -> None:
        self._loop = loop
        self._backend = backend
        self._subscriber = subscriber
        self._state: WatchedTopics[Node] = WatchedTopics()
        self._on_heard: Callable[[Iterable[bytes] | None], None] | None = None
        self._is_scheduled = False
        self._heard: set[Node] = set()  # those whose queues reach this gateway
        self.instance = instance
        self.gauges = (
            Gauge(
                "queues_heard", "default nodes whose queues reach the gateway", lambda: len(self._reaching())
            ),
        )

    def _reaching(self) -> set[Node]:
        return self._heard.intersection(self._backend.nodes)

    @property
    def problem(self) -> str:
        """The reason why nothing reaches this gateway; empty if something does."""
        return "" if self._reaching() else "no default node's queue reaches this gateway"

    def open(self, on_heard: Callable[[Iterable[bytes] | None], None]) -> None:
        """Begin. ``on_heard`` gets topics that have begun to reach the gateway from a node: what
        was published before may have been missed. None: every topic."""
        self._on_heard = on_heard
        if self._state.is_due:
            self._schedule()

    def close(self) -> None:
        """Send nothing any more."""
        self._on_heard = None

    def subscribe(self, topic: bytes) -> None:
        """Hear a topic; one that is subscribed twice must be unsubscribed twice."""
        self._state.want(topic)
        self._schedule()

    def unsubscribe(self, topic: bytes) -> None:
        """Hear it no longer."""
        self._state.unwant(topic)
        self._schedule()

    def mark(self, node: Node) -> int:
        """Before a question is sent to the node; to be given back with its answer."""
        return self._state.mark(node)

    def described(self, node: Node, mark: int, watched: int, *, restarted: bool) -> None:
        """The node has answered, and says how far it has been told."""
        if self._state.described(node, mark, watched, restarted=restarted):
            self._heard.discard(node)
            self._schedule()

    def refused(self, node: Node) -> None:
        """The node is to be told nothing any more, until it is described again."""
        self._heard.discard(node)
        self._state.forget(node)

    def resync(self, started_at_us: int) -> None:
        """Messages of the node that started then may have been missed: it gets the full set, and
        all streams pull after its answer. Presence is told anew."""
        for node in self._backend.nodes:
            if node.started_at_us == started_at_us and self._state.lost(node):
                self._heard.discard(node)
                self._schedule()

    def applied(self, started_at_us: int, number: int) -> None:
        """All that the node that started then publishes from now on knows this gateway's steps up
        to ``number``."""
        for node in self._backend.nodes:
            if node.started_at_us == started_at_us:
                self._state.applied(node, number)
        self._release()

    def silent(self, node: Node) -> None:
        """Nothing that the node publishes comes any more."""
        self._heard.discard(node)
        self._state.silent(node)
        self._release()

    def _release(self) -> None:
        if self._on_heard is not None:
            for topic in self._state.released():
                self._subscriber.unsubscribe(topic)

    def _schedule(self) -> None:
        if self._on_heard is not None and not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._is_scheduled = False
        if self._on_heard is None or not self._state.is_due:
            return
        change, calls, new = self._state.step(self._backend.nodes)
        for topic in new:
            self._subscriber.subscribe(topic)
        # Before the calls: a node answers when it has seen this.
        self._subscriber.mark(change.number)
        encoded: dict[bool, bytes] = {}
        for node, step in calls:
            if step.full not in encoded:
                encoded[step.full] = self._encode(step)
            if not self._backend.ask(
                node, "NodeService/Watch", encoded[step.full], partial(self._answered, node, step)
            ):
                self._failed(node, step)

    def _encode(self, step: Step) -> bytes:
        request = WatchRequest(
            gateway_instance=self.instance,
            number=step.number,
            full=step.full,
            add=step.add,
            remove=step.remove,
        )
        return request.SerializeToString()

    def _answered(self, node: Node, step: Step, payload: bytes, error: ChatdError | None) -> None:
        if error is not None:
            log.debug(
                "A default node did not take the topics; it gets all of them", node=node.uri, error=str(error)
            )
            self._failed(node, step)
            return
        self._heard.add(node)
        if self._on_heard is not None and (step.full or step.add):
            self._on_heard(None if step.full else step.add)

    def _failed(self, node: Node, step: Step) -> None:
        self._heard.discard(node)
        if self._state.failed(node, step):
            self._schedule()

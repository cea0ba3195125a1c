"""GatewayRouting: gateways name the topics they hear (NodeService/Watch): devices online, devices
that want signals, presence that is watched."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial

import structlog

from chatd.core.routing import Change, Routing
from chatd.core.wire import queue_body
from chatd.default.answer import Answer, Call, Caller, CallStore, Later, Refuse, Respond, Role
from chatd.default.part import Part
from chatd.errors import InvalidArgument, Unavailable
from chatd.pb.node.v1.node_pb2 import QueueHeader, WatchRequest, WatchResponse
from chatd.transport.queue import Publisher
from chatd.transport.queue.joined import join_topics

log = structlog.get_logger()

SILENT_SECONDS = 3.0
"""A gateway that has not called Describe for so long is gone. It does so every second."""
TICK_SECONDS = 0.5
BEAT_SECONDS = 1.0
"""A gateway finds a lost message by the next one, and the last message is a beat."""
STANDSTILL_SECONDS = 1.0
"""A tick that comes so late says that this process itself stood still: what gateways asked
meanwhile has not been read yet."""

OnTopic = Callable[[bytes, bool], None]


class GatewayRouting:
    """``on_topic`` is told of topics that gateways begin and cease to hear, ``on_heard`` of those
    that have begun to reach one; both by how the topics end. ``started_at_us`` is this node's own,
    ``now`` a steady clock in seconds."""

    def __init__(
        self,
        routing: Routing,
        publisher: Publisher,
        *,
        on_topic: Mapping[bytes, OnTopic],
        on_heard: Mapping[bytes, Callable[[bytes], None]],
        started_at_us: int,
        now: Callable[[], float],
    ) -> None:
        self._routing = routing
        self._publisher = publisher
        self._on_topic = on_topic
        self._on_heard = on_heard
        self._now = now
        self._started_at_us = started_at_us
        self._asked_at: dict[str, float] = {}
        self._ticked_at = 0.0
        self.part = Part(
            calls=(Call("NodeService/Watch", WatchRequest, Role.GATEWAY, self.watch),),
            every=((TICK_SECONDS, self.tick), (BEAT_SECONDS, self.beat)),
        )

    def asked(self, instance: str) -> int:
        """A gateway lives. The last Watch of it that was applied; 0: none."""
        if not instance:
            return 0
        self._asked_at[instance] = self._now()
        self._publisher.meet(instance)
        return self._routing.number_of(instance)

    def watch(self, caller: Caller, request: WatchRequest) -> Answer:
        """Apply at once, answer when every topic reaches the gateway. A Watch that does not follow
        the last one is refused: then the gateway sends the full set."""
        instance = request.gateway_instance
        if not instance or not request.number:
            raise InvalidArgument("a Watch has an instance and a number")
        if not self._publisher.is_subscribed(instance):
            raise Unavailable("this gateway does not hear the queue")
        change = self._routing.apply(
            instance, request.number, full=request.full, add=request.add, remove=request.remove
        )
        if change is None:
            raise Unavailable("this Watch does not follow the last one that came; the full set is needed")
        self._asked_at.setdefault(instance, self._now())
        self._tell(change)
        heard = [topic for topic in request.add if topic[-1:] in self._on_heard]

        def begin(store: CallStore, respond: Respond, refuse: Refuse) -> None:
            self._publisher.when_subscribed(
                instance, request.number, partial(self._subscribed, heard, respond, refuse)
            )

        return Later(begin)

    def _subscribed(self, heard: Iterable[bytes], respond: Respond, refuse: Refuse, there: bool) -> None:
        if not there:
            refuse(Unavailable("this gateway no longer hears the queue"))
            return
        for topic in heard:
            self._on_heard[topic[-1:]](topic)
        respond(WatchResponse())

    def on_gateway(self, instance: str, there: bool) -> None:
        """The queue has seen a gateway's subscriptions come or go. When they come again, messages
        may have been lost on the way."""
        if there:
            self._routing.doubt(instance)
            self._tell_itself(instance, QueueHeader(resync=True))
        else:
            self._forget(instance)

    def beat(self) -> None:
        """Let each gateway see that what is published reaches it, and up to where its steps are
        known."""
        for instance in self._publisher.gateways:
            self._tell_itself(instance, QueueHeader(watched=self._routing.number_of(instance)))

    def _tell_itself(self, instance: str, header: QueueHeader) -> None:
        header.node_started_at_us = self._started_at_us
        body = queue_body(header.SerializeToString(), b"")
        self._publisher.publish_to(instance, join_topics(()), body)

    def tick(self) -> None:
        """Forget the gateways that have fallen silent."""
        now = self._now()
        gap = now - self._ticked_at if self._ticked_at else 0.0
        self._ticked_at = now
        if gap > STANDSTILL_SECONDS:
            self._asked_at = {instance: at + gap for instance, at in self._asked_at.items()}
        for instance in [instance for instance, at in self._asked_at.items() if at < now - SILENT_SECONDS]:
            log.info("A gateway has fallen silent", gateway=instance)
            self._forget(instance)

    def _forget(self, instance: str) -> None:
        self._asked_at.pop(instance, None)
        self._publisher.forget(instance)
        self._tell(self._routing.forget(instance))

    def _tell(self, change: Change) -> None:
        # Added topics come before removed ones: a device that says another presence has both for a
        # moment, and does not flicker.
        for topics, there in ((change.added, True), (change.removed, False)):
            for topic in topics:
                on_topic = self._on_topic.get(topic[-1:])
                if on_topic is not None:
                    on_topic(topic, there)
                else:
                    log.warning("A topic that is none of ours was ignored", length=len(topic))

"""EventDeliveryQueueHandler: recipients → their connected devices → PUB with topic ``profile:device\\0``.

DeviceSender that are not connected need nothing done: their outbox entries already cover the event.
"""

from collections.abc import Callable, Mapping, Sequence

import structlog

from chatd.core.counter import Counter
from chatd.core.ids import DELIVERIES
from chatd.core.online import OnlineTable
from chatd.core.priority import URGENT
from chatd.core.wire import queue_body
from chatd.default.fan_out.outbox_delivery import DeliveryBatch
from chatd.pb.node.v1.node_pb2 import QueueHeader

log = structlog.get_logger()

_SUBSCRIBED = queue_body(QueueHeader(subscribed=True).SerializeToString(), b"")


class EventDeliveryQueueHandler:
    """Last stage of fan-out. ``publish`` sends a queue message to each topic and never blocks: at the high-water mark of a
    gateway that does not keep up it drops, which that gateway's streams notice as a gap. ``on_device`` is told of devices that come and go as well,
    ``others`` of other topics, by their ends."""

    def __init__(
        self,
        online: OnlineTable,
        publish: Callable[[Sequence[bytes], bytes], None],
        *,
        on_device: Callable[[bytes, bool], None] = lambda topic, there: None,
        others: Mapping[bytes, Callable[[bytes, bool], None]] | None = None,
    ) -> None:
        self.online = online
        self._on_topic: dict[bytes, Callable[[bytes, bool], None]] = {DELIVERIES: self._on_device, **(others or {})}
        self._also = on_device
        self._publish = publish
        self.deliveries_published = Counter("deliveries_published", "deliveries published to gateways")

    def handle(self, batches: Sequence[DeliveryBatch]) -> None:
        """Publish a batch; a device that several rooms of it concern gets one message, and one before it with what is urgent."""
        if len(batches) == 1:
            (batch,) = batches
            topics = self.online.targets(batch.recipients)
            self._publish(topics, queue_body(batch.head, batch.records))
            self.deliveries_published.add(batch.events * len(topics))
            return
        urgent = [batch for batch in batches if batch.priority >= URGENT]
        if 0 < len(urgent) < len(batches):
            # A message of its own goes through where one with everything would not fit.
            self._publish_joined(urgent)
            batches = [batch for batch in batches if batch.priority < URGENT]
        self._publish_joined(batches)

    def _publish_joined(self, batches: Sequence[DeliveryBatch]) -> None:
        by_topic: dict[bytes, list[DeliveryBatch]] = {}
        for batch in batches:
            for topic in self.online.targets(batch.recipients):
                by_topic.setdefault(topic, []).append(batch)
        joined: dict[tuple[int, ...], bytes] = {}
        for topic, mine in by_topic.items():
            key = tuple(map(id, mine))
            self._publish((topic,), joined.get(key) or joined.setdefault(key, _join(mine)))
            self.deliveries_published.add(sum(batch.events for batch in mine))

    def on_subscriptions(self, messages: Sequence[Sequence[bytes]]) -> None:
        """The XPUB's own messages: who came, who went, by how their topics end."""
        for (message,) in messages:
            topic = message[1:]
            on_topic = self._on_topic.get(topic[-1:])
            if on_topic is None:
                log.warning("A subscription that is no topic of ours was ignored", length=len(topic))
            else:
                on_topic(topic, message[:1] != b"\0")

    def _on_device(self, topic: bytes, there: bool) -> None:
        """Who came is told that from here on everything is published."""
        if not there:
            self.online.remove(topic)
        elif self.online.add(topic):
            self._publish((topic,), _SUBSCRIBED)
        else:
            log.warning("A subscription that is no device's topic was ignored", length=len(topic))
        self._also(topic, there)

    def notify(self, topic: bytes) -> None:
        """Let a device's stream know that something is owed which nothing else will tell it of."""
        self._publish((topic,), _SUBSCRIBED)

    def tell_epoch(self, topic: bytes, epoch: int) -> None:
        """Let older streams of a device know that there is a newer one."""
        self._publish((topic,), queue_body(QueueHeader(epoch=epoch).SerializeToString(), b""))


def _join(batches: Sequence[DeliveryBatch]) -> bytes:
    if len(batches) == 1:
        return queue_body(batches[0].head, batches[0].records)
    runs = [run for batch in batches for run in batch.runs]
    head = QueueHeader(runs=runs, priority=max(batch.priority for batch in batches)).SerializeToString()
    return queue_body(head, b"".join(batch.records for batch in batches))

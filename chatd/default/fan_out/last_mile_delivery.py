"""EventDeliveryQueueHandler: recipients → their connected devices → the queue, by topic
``profile:device\\0``.

Devices that are not connected need nothing done: their outbox entries already cover the event.
"""

from collections.abc import Callable, Sequence

import structlog

from chatd.core.counter import Counter
from chatd.core.online import OnlineTable
from chatd.core.priority import URGENT
from chatd.core.wire import queue_body
from chatd.default.fan_out.outbox_delivery import DeliveryBatch
from chatd.default.fan_out.publishing import Publish
from chatd.pb.node.v1.node_pb2 import QueueHeader

log = structlog.get_logger()

_RESYNC = queue_body(QueueHeader(resync=True).SerializeToString(), b"")


class EventDeliveryQueueHandler:
    """Last stage of fan-out. ``publish`` sends a queue message to topics and never blocks: at the
    high-water mark of a gateway that does not keep up it drops, which that gateway's streams notice
    as a gap. ``also`` is told of devices that come and go."""

    def __init__(
        self,
        online: OnlineTable,
        publish: Publish,
        *,
        also: Callable[[bytes, bool], None] = lambda topic, there: None,
    ) -> None:
        self.online = online
        self._publish = publish
        self._also = also
        self.deliveries_published = Counter("deliveries_published", "deliveries published to gateways")

    def handle(self, batches: Sequence[DeliveryBatch]) -> None:
        """Publish a batch; a device that several rooms of it concern gets one message, and one
        before it with what is urgent."""
        if len(batches) == 1:
            (batch,) = batches
            self._publish_one(batch, self.online.targets(batch.recipients))
            return
        urgent = [batch for batch in batches if batch.priority >= URGENT]
        if 0 < len(urgent) < len(batches):
            # A message of its own goes through where one with everything would not fit.
            self._publish_joined(urgent)
            batches = [batch for batch in batches if batch.priority < URGENT]
        self._publish_joined(batches)

    def _publish_one(self, batch: DeliveryBatch, topics: tuple[bytes, ...]) -> None:
        self._publish(topics, queue_body(batch.head, batch.records))
        self.deliveries_published.add(batch.events * len(topics))

    def _publish_joined(self, batches: Sequence[DeliveryBatch]) -> None:
        targets = [self.online.targets(batch.recipients) for batch in batches]
        if len(set().union(*targets)) == sum(map(len, targets)):  # no device is in two of these rooms
            for batch, online in zip(batches, targets, strict=True):
                self._publish_one(batch, online)
            return
        by_topic: dict[bytes, list[DeliveryBatch]] = {}
        for batch, online in zip(batches, targets, strict=True):
            for topic in online:
                by_topic.setdefault(topic, []).append(batch)
        together: dict[tuple[int, ...], tuple[list[DeliveryBatch], list[bytes]]] = {}
        for topic, mine in by_topic.items():
            together.setdefault(tuple(map(id, mine)), (mine, []))[1].append(topic)
        for mine, topics in together.values():
            self._publish(topics, _join(mine))
            self.deliveries_published.add(sum(batch.events for batch in mine) * len(topics))

    def on_device(self, topic: bytes, there: bool) -> None:
        """A gateway begins or ceases to hear a device's topic."""
        if not there:
            self.online.remove(topic)
        elif not self.online.add(topic):
            log.warning("A topic that is no device's was ignored", length=len(topic))
        self._also(topic, there)

    def notify(self, topic: bytes) -> None:
        """Let a device's stream know that something has changed which nothing else will tell it of:
        what it is owed, or whom it may watch."""
        self._publish((topic,), _RESYNC)

    def tell_epoch(self, topic: bytes, epoch: int) -> None:
        """Let older streams of a device know that there is a newer one."""
        self._publish((topic,), queue_body(QueueHeader(epoch=epoch).SerializeToString(), b""))


def _join(batches: Sequence[DeliveryBatch]) -> bytes:
    if len(batches) == 1:
        return queue_body(batches[0].head, batches[0].records)
    runs = [run for batch in batches for run in batch.runs]
    head = QueueHeader(runs=runs, priority=max(batch.priority for batch in batches))
    if batches[0].published_at_us:
        head.published_at_us = batches[0].published_at_us
    return queue_body(head.SerializeToString(), b"".join(batch.records for batch in batches))

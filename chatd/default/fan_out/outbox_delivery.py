"""OutboxDeliveryEventHandler: EventBroadcast → EventDelivery batches for the queue
``user.event.delivery``.

The deliveries' bytes were made once, when the event was committed; here they get the head that lets
a gateway pass them on unread.
"""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from chatd.core.metric import StageTimes
from chatd.core.model import Members
from chatd.default.fan_out.outbox_logging import EventBroadcast
from chatd.pb.node.v1.node_pb2 import QueueHeader, Run

TIMED_EACH = 16
"""One of so many messages says when it was published: gateways measure the rest of its way."""


class DeliveryBatch(NamedTuple):
    """One queue message, the same for all its recipients."""

    recipients: Members
    runs: tuple[Run, ...]
    head: bytes
    records: bytes
    events: int
    priority: int
    published_at_us: int = 0
    """Set in some: ``QueueHeader.published_at_us``."""


class OutboxDeliveryEventHandler:
    """Second stage of fan-out. ``emit`` is the next one."""

    def __init__(self, emit: Callable[[Sequence[DeliveryBatch]], None]) -> None:
        self._emit = emit
        self._handled = 0
        self.times = StageTimes(
            "outbox.delivery.event", "from the recipients to the queue: headers, devices online, publishing"
        )

    def handle(self, broadcasts: Sequence[EventBroadcast]) -> None:
        started_at = time.monotonic()
        timed = self._handled % TIMED_EACH == 0
        self._handled += 1
        now_us = time.time_ns() // 1_000 if timed else 0
        self._emit([_to_delivery(broadcast, now_us) for broadcast in broadcasts])
        self.times.observe(time.monotonic() - started_at)


def _to_delivery(broadcast: EventBroadcast, published_at_us: int) -> DeliveryBatch:
    runs = (Run(room_id=broadcast.room_id, first_seq=broadcast.first_seq, last_seq=broadcast.last_seq),)
    head = QueueHeader(runs=runs, priority=broadcast.priority)
    if published_at_us:
        head.published_at_us = published_at_us
    return DeliveryBatch(
        broadcast.targets,
        runs,
        head.SerializeToString(),
        broadcast.records,
        broadcast.last_seq - broadcast.first_seq + 1,
        broadcast.priority,
        published_at_us,
    )

"""OutboxDeliveryEventHandler: EventBroadcast → EventDelivery batches for the queue
``user.event.delivery``.

The deliveries' bytes were made once, when the event was committed; here they get the head that lets
a gateway pass them on unread.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chatd.core.model import Members
from chatd.default.fan_out.outbox_logging import EventBroadcast
from chatd.pb.node.v1.node_pb2 import QueueHeader, Run


@dataclass(frozen=True, slots=True)
class DeliveryBatch:
    """One queue message, the same for all its recipients."""

    recipients: Members
    runs: tuple[Run, ...]
    head: bytes
    records: bytes
    events: int
    priority: int


class OutboxDeliveryEventHandler:
    """Second stage of fan-out. ``emit`` is the next one."""

    def __init__(self, emit: Callable[[Sequence[DeliveryBatch]], None]) -> None:
        self._emit = emit

    def handle(self, broadcasts: Sequence[EventBroadcast]) -> None:
        self._emit([_to_delivery(broadcast) for broadcast in broadcasts])


def _to_delivery(broadcast: EventBroadcast) -> DeliveryBatch:
    runs = (Run(room_id=broadcast.room_id, first_seq=broadcast.first_seq, last_seq=broadcast.last_seq),)
    head = QueueHeader(runs=runs, priority=broadcast.priority).SerializeToString()
    return DeliveryBatch(
        broadcast.targets,
        runs,
        head,
        broadcast.records,
        broadcast.last_seq - broadcast.first_seq + 1,
        broadcast.priority,
    )

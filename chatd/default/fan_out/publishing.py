"""QueuePublishing: topics → gateways → the queue. A message for several topics of one gateway goes
to it once."""

from collections.abc import Callable, Sequence

from chatd.core.routing import Routing
from chatd.transport.queue import Publisher
from chatd.transport.queue.joined import join_topics

Publish = Callable[[Sequence[bytes], bytes], None]
"""Sends a body to each topic and never blocks."""
KEPT_BYTES = 32 * 1_048_576
"""Joined topics of rooms that are kept."""


class QueuePublishing:
    """``publish`` is what the stages of fan-out are given."""

    def __init__(self, publisher: Publisher, routing: Routing) -> None:
        self._publisher = publisher
        self._routing = routing
        self._version = 0
        self._kept_size = 0
        # By the identity of the topics, which the online table keeps as they are while nobody of
        # the room comes or goes.
        self._kept: dict[int, tuple[Sequence[bytes], list[tuple[str, bytes]]]] = {}

    def publish(self, topics: Sequence[bytes], body: bytes) -> None:
        """Send a body to each topic; a gateway that does not keep up loses it."""
        if len(topics) > 1:
            for gateway, joined in self._grouped(topics):
                self._publisher.publish_to(gateway, joined, body)
        elif topics:
            gateways = self._routing.gateways_of(topics[0])
            if gateways:
                self._publisher.publish(topics[0], gateways, body)

    def _grouped(self, topics: Sequence[bytes]) -> list[tuple[str, bytes]]:
        if self._version != self._routing.version:
            self._clear()
            self._version = self._routing.version
        kept = self._kept.get(id(topics))
        if kept is not None and kept[0] is topics:
            return kept[1]
        grouped = [(gateway, join_topics(mine)) for gateway, mine in self._routing.group(topics).items()]
        if isinstance(topics, tuple):  # a list is made for one message
            self._kept_size += sum(len(joined) for _, joined in grouped)
            if self._kept_size > KEPT_BYTES:
                self._clear()
            self._kept[id(topics)] = (topics, grouped)
        return grouped

    def _clear(self) -> None:
        self._kept.clear()
        self._kept_size = 0

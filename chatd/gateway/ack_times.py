"""AckTimes: how long devices take to acknowledge, and published messages to come here. Nodes mark
some messages; of each of those one device is timed."""

import random
import time
from collections.abc import Mapping, Sequence

from chatd.core.metric import StageTimes
from chatd.gateway.connection import ClientConnection


class AckTimes:
    """``streams`` are the open ones, by topic."""

    def __init__(self, streams: Mapping[bytes, ClientConnection]) -> None:
        self._streams = streams
        self.queue = StageTimes(
            "user.event.delivery", "from a node's publishing to the gateway, by both clocks; of one in 16"
        )
        self.acks = StageTimes(
            "device.ack", "from the gateway to the ack of one device; of the same messages"
        )

    def passed_on(self, topics: Sequence[bytes], published_at_us: int) -> None:
        """A message that was published then has been given to the streams of these topics."""
        self.queue.observe((time.time_ns() // 1_000 - published_at_us) / 1e6)
        peer = self._streams.get(random.choice(topics))
        if peer is not None and peer.stream is not None and not peer.timed_delivery:
            window = peer.stream.window
            if not window.empty:
                peer.timed_delivery, peer.timed_at = window.sent, time.monotonic()

    def acked(self, peer: ClientConnection) -> None:
        """The connection's stream has acknowledged its ``timed_delivery``."""
        peer.timed_delivery = 0
        self.acks.observe(time.monotonic() - peer.timed_at)

"""The deadlines of gateways' calls, as a node reads them.

A gateway gives a call up when its time is over, or when it has not heard the node for some seconds.
So each of its requests says until when it counts on the node, at least, and moves that time on for
the calls before it. After it has given calls up it begins another period: what those had left is
not moved on any more.
"""

from chatd.core.deadline import Deadline, SilenceLimit
from chatd.errors import Unavailable
from chatd.pb.node.v1.node_pb2 import CallLimits

MAX_CONNECTIONS = 1_000
"""Connections that are remembered; of more, those whose time has passed are forgotten."""


class Deadlines:
    """``started_at_us`` names this process, as its description does."""

    def __init__(self, started_at_us: int) -> None:
        self._started_at_us = started_at_us
        self._connections: dict[bytes, tuple[int, SilenceLimit]] = {}

    def read(self, routing_id: bytes, limits: CallLimits, now_us: int) -> Deadline | None:
        """A request has come over this connection; its deadline, None if it has none of its own.
        Raises Unavailable if it was meant for another process."""
        if limits.node_started_at_us != self._started_at_us:
            if not limits.deadline_us:
                return None  # the gateway asks who is here now
            raise Unavailable("the call was for a process that is no longer here; it was not done")
        period, silence = self._connections.get(routing_id, (0, None))
        if silence is None or period != limits.period:
            silence = SilenceLimit(limits.silent_at_us)
            self._forget_passed(now_us)
            self._connections[routing_id] = limits.period, silence
        silence.move(limits.silent_at_us)
        return Deadline(limits.deadline_us, silence) if limits.deadline_us else None

    def _forget_passed(self, now_us: int) -> None:
        if len(self._connections) >= MAX_CONNECTIONS:
            self._connections = {
                routing_id: known
                for routing_id, known in self._connections.items()
                if known[1].at_us > now_us
            }

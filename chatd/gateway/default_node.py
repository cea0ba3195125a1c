"""Node: one default node, as this gateway sees it."""

from collections.abc import Callable

from chatd.core.deadline import NodeClock
from chatd.pb.node.v1.node_pb2 import CallLimits
from chatd.transport.pump import Pump

SILENT_SECONDS = 3.0
"""A node that has not answered for so long serves nobody."""


class Node:
    """``heard_at`` is 0.0 until it has answered once, and
    after it was lost. Introduction writes ``node_id``, ``started_at_us``, ``clock``,
    ``revocations_version``, ``is_drained`` and ``refused``, the reason why it is not called;
    Backend the rest."""

    def __init__(self, uri: str, dial: Callable[["Node"], Pump], now: float) -> None:
        self.uri = uri
        self.heard_at = 0.0
        self.node_id = ""
        self.is_drained = False
        """True while an operator wants calls to go to other nodes."""
        self.started_at_us = 0
        self.clock = NodeClock()
        self.refused = ""
        self.revocations_version = 0
        self.period = 1
        """Counts how often its calls have been given up."""
        self._dial = dial
        self.silent_since = now
        """Dialled, or lost, and not heard since."""
        self.pump = dial(self)

    def redial(self, now: float) -> None:
        """Give its connection up for a new one."""
        self.silent_since = now
        pump = self._dial(self)
        self.pump.close()
        self.pump = pump

    @property
    def is_known(self) -> bool:
        """True if it has said who it is since it was last lost."""
        return self.heard_at > 0.0 and self.clock.is_known

    def limits(self, deadline: float) -> CallLimits | None:
        """The times by which the node judges a request; ``deadline`` 0.0: it has none of its own.
        None while the node is not known well enough, or has been given up."""
        if not self.is_known:
            return None
        return CallLimits(
            node_started_at_us=self.started_at_us,
            deadline_us=self.clock.at(deadline) if deadline else 0,
            period=self.period,
            silent_at_us=self.clock.at(self.heard_at + SILENT_SECONDS),
        )

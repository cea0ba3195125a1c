"""Seams: the places between two stages where a process may be put together with something in
between, by tests that make it fail there.

Each seam gets the callable that the next stage offers and gives the one that the stage before is
given. The default gives the same one, so a seam that is not used costs nothing.
`tests/chaos/daemon.py` shows the use: ``run(mode, settings, Seams(publish=losing))``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from chatd.default.fan_out.fan_out import SendMarks
from chatd.default.fan_out.publishing import Publish
from chatd.gateway.ack_flush import SendAcks
from chatd.gateway.catch_up import Deliver
from chatd.gateway.fronts.door import OnFrame
from chatd.store.access import OnCommitted
from chatd.store.writer import Apply, Commit
from chatd.transport.queue import OnMessages, SendFrame

S = TypeVar("S")


def unchanged(stage: S) -> S:
    """Nothing in between."""
    return stage


@dataclass(frozen=True, slots=True)
class Seams:
    """In the order of the flow."""

    # A default node.
    apply: Callable[[Apply], Apply] = unchanged
    """The writer → commands of one kind."""
    commit: Callable[[Commit], Commit] = unchanged
    """The writer → the database, at the end of a transaction."""
    committed: Callable[[OnCommitted], OnCommitted] = unchanged
    """The writer → fan-out; the senders have been told."""
    marks: Callable[[SendMarks], SendMarks] = unchanged
    """Fan-out → the writer: marks of rooms whose events have been published."""
    publish: Callable[[Publish], Publish] = unchanged
    """The last stage of fan-out, signals and presence → the queue."""
    queue: Callable[[SendFrame], SendFrame] = unchanged
    """The queue's numbering of messages → its connections."""

    # A gateway.
    gateway_receive: Callable[[OnMessages], OnMessages] = unchanged
    """The queue → LiveDelivery."""
    gateway_deliver: Callable[[Deliver], Deliver] = unchanged
    """LiveDelivery and CatchUp → DeviceSender."""
    gateway_frame: Callable[[OnFrame], OnFrame] = unchanged
    """Fronts → GatewayServer."""
    gateway_send_acks: Callable[[SendAcks], SendAcks] = unchanged
    """AckFlush → Backend."""


NO_SEAMS = Seams()

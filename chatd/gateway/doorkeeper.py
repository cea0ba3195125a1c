"""Who may stay connected: whoever authenticates in time, does not guess at tokens, and stops when told to wait.

Connections of the gateway's own process (inproc) are never ended.
"""

from collections import Counter
from dataclasses import dataclass

import structlog

from chatd.core.rate_limit import Buckets, Rate
from chatd.transport.accepted import AcceptedConnection, AcceptedConnections

log = structlog.get_logger()

LAST_WORD_SECONDS = 0.2
"""Between an error that ends a connection and its end: time for the error to get there."""
ADDRESS_SHARE = 10
"""When there are too many, an address that has more than one in so many of the places makes room for its own newcomers."""
REFUSALS_PER_SECOND = 1_000
"""Refusals that a connection is told of, an address four times as many; then it is ended."""
REFUSAL_BURST_SECONDS = 2
REFUSAL_BYTES = 4_096
"""So many bytes of a refused frame count as one refusal more."""


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """``handshake``: seconds until a connection must have authenticated, 0.0: no limit. ``max_unauthenticated``: connections that have not yet.
    ``max_failures``: wrong tokens on one connection, 0: no limit."""

    handshake: float
    max_unauthenticated: int
    max_failures: int


class Doorkeeper:
    """Told of connections by ``AcceptedConnections``, and by the gateway of what they do. Times in seconds."""

    def __init__(self, settings: DoorSettings) -> None:
        self._settings = settings
        self._waiting: dict[AcceptedConnection, None] = {}  # not authenticated yet; the oldest first
        self._waiting_at: dict[str, dict[AcceptedConnection, None]] = {}  # the same, by address
        self._leaving: dict[AcceptedConnection, float] = {}
        self._refusals = Buckets(Rate(REFUSALS_PER_SECOND, REFUSALS_PER_SECOND * REFUSAL_BURST_SECONDS))
        self._refusals_at = Buckets(Rate(4 * REFUSALS_PER_SECOND, 4 * REFUSALS_PER_SECOND * REFUSAL_BURST_SECONDS))
        self._hung_up: Counter[str] = Counter()
        self._ticked_at = 0.0
        self.period = min(1.0, settings.handshake / 8 or 1.0)
        """How often ``tick`` is to be called."""

    def bind(self, connections: AcceptedConnections) -> None:
        self._connections = connections

    def accepted(self, one: AcceptedConnection) -> None:
        """A connection has come. When too many have not authenticated, the oldest goes: of all, or of the newcomer's address if that has many."""
        self._waiting[one] = None
        neighbours = self._waiting_at.setdefault(one.address, {})
        neighbours[one] = None
        most = self._settings.max_unauthenticated
        if len(self._waiting) > most:
            crowd = neighbours if len(neighbours) * ADDRESS_SHARE > most else self._waiting
            self._hang_up(next(iter(crowd)), "crowded")

    def ended(self, one: AcceptedConnection) -> None:
        """A connection has gone."""
        self._no_longer_waiting(one)
        self._leaving.pop(one, None)

    def _no_longer_waiting(self, one: AcceptedConnection) -> None:
        if self._waiting.pop(one, self) is self:
            return
        neighbours = self._waiting_at[one.address]
        del neighbours[one]
        if not neighbours:
            del self._waiting_at[one.address]

    def address_of(self, routing_id: bytes) -> str:
        """What limits of addresses count by; empty for local sockets."""
        one = self._connections.known.get(routing_id)
        return one.address if one is not None else ""

    def authenticated(self, routing_id: bytes) -> None:
        """A token that came over the connection is good."""
        one = self._connections.known.get(routing_id)
        if one is not None and not one.admitted:
            one.admitted = True
            self._no_longer_waiting(one)

    def failed(self, routing_id: bytes, now: float) -> None:
        """A token that came over the connection is none. Too often, and the connection is ended once it has been told."""
        one = self._connections.known.get(routing_id)
        if one is None:
            return
        one.failures += 1
        if one.failures == self._settings.max_failures:
            self._leaving[one] = now + LAST_WORD_SECONDS

    def refused(self, routing_id: bytes, size: int, now: float) -> bool:
        """A frame of so many bytes is to be refused. False: there were so many that the connection has been ended instead."""
        one = self._connections.known.get(routing_id)
        if one is None:
            return False  # ended for an earlier frame of this batch
        cost = 1 + size / REFUSAL_BYTES
        if self._refusals.wait(routing_id, cost, now) or (one.address and self._refusals_at.wait(one.address, cost, now)):
            self._hang_up(one, "flooding")
            return False
        self._refusals.charge(routing_id, cost, now)
        if one.address:
            self._refusals_at.charge(one.address, cost, now)
        return True

    def tick(self, now: float) -> None:
        """End the connections whose time is up."""
        self._connections.look()
        gap = now - self._ticked_at if self._ticked_at else 0.0
        self._ticked_at = now
        if gap > 4 * self.period:
            # This process itself stood still: what they said meanwhile has not been read yet.
            for one in self._waiting:
                one.since += gap
        if self._settings.handshake:
            latest = now - self._settings.handshake
            while self._waiting and (oldest := next(iter(self._waiting))).since <= latest:
                self._hang_up(oldest, "silent")
        for one in [one for one, at in self._leaving.items() if at <= now]:
            self._hang_up(one, "wrong tokens")
        if self._hung_up:
            log.info("Connections were ended", **{why.replace(" ", "_"): count for why, count in self._hung_up.items()})
            self._hung_up.clear()

    def _hang_up(self, one: AcceptedConnection, why: str) -> None:
        self.ended(one)
        self._connections.hang_up(one)
        self._hung_up[why] += 1

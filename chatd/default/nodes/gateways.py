"""Gateways that ask this node who it is: their counters, and those that it cannot speak to. They
are kept in memory; a gateway asks every second."""

from collections.abc import Callable

import structlog

from chatd.core.audit import AuditKind, AuditLine, shorten
from chatd.core.node_protocol import refusal
from chatd.core.outage import Outage
from chatd.errors import Unavailable
from chatd.pb.admin.v1.admin_pb2 import GatewayStatus
from chatd.pb.node.v1.node_pb2 import DescribeRequest

log = structlog.get_logger()

SHOWN_SECONDS = 10.0
"""A gateway that has not asked for so long is no longer shown."""
ASKS_SECONDS = 3.0
"""A gateway that has not asked for so long may be gone; it asks every second."""
FORGET_SECONDS = 3_600.0
"""A gateway that was refused so long ago is said anew."""

_Key = tuple[str, str, int]
"""Id, address and start."""


class Gateways:
    """``now`` is a steady clock, in seconds; ``audit`` is told of those that are refused."""

    def __init__(self, *, now: Callable[[], float], audit: Callable[[AuditLine], None]) -> None:
        self._now = now
        self._audit = audit
        self._known: dict[_Key, tuple[float, DescribeRequest]] = {}
        self._refused: dict[tuple[str, str], tuple[float, Outage]] = {}

    def heard(self, request: DescribeRequest) -> str:
        """A gateway lives. The reason why this node does not serve it; empty if it does."""
        now = self._now()
        why = self.refusal(request)
        if request.gateway_id:  # else some other process asks
            self._known[request.gateway_id, request.gateway_uri, request.started_at_us] = (now, request)
            for one in [one for one, (at, _) in self._known.items() if at < now - SHOWN_SECONDS]:
                del self._known[one]
        self._say(request, why, now)
        return why

    def refusal(self, request: DescribeRequest) -> str:
        """The reason why a gateway is not served; empty if it is. One that is started again at its
        address follows itself; elsewhere it waits until its predecessor is silent."""
        why = refusal(request.protocol, request.oldest_protocol)
        if why:
            return why
        for at, one in self._known.values():
            if (
                one.gateway_id == request.gateway_id
                and one.gateway_uri != request.gateway_uri
                and one.started_at_us < request.started_at_us
                and at > self._now() - ASKS_SECONDS
                and not one.draining
            ):
                return f"its NODE_ID, {one.gateway_id}, is that of the gateway at {one.gateway_uri}"
        return ""

    def _say(self, request: DescribeRequest, why: str, now: float) -> None:
        """Log a refusal when it begins and ends, and ever more rarely between."""
        key = (request.gateway_id, request.gateway_uri)
        known = self._refused.get(key)
        if why:
            self._audit(
                AuditLine(
                    AuditKind.REFUSED,
                    profile_id="",
                    acting_for="",
                    address=shorten(request.gateway_uri),
                    gateway_id=shorten(request.gateway_id),
                    what="Peer",
                    outcome=why,
                )
            )
            outage = (
                known[1]
                if known
                else Outage(
                    log, "A gateway is refused", "A gateway that was refused is understood", now=self._now
                )
            )
            outage.failed(
                Unavailable(why),
                gateway=request.gateway_uri,
                gateway_id=request.gateway_id,
                version=request.version,
            )
            self._refused[key] = (now, outage)
        elif known:
            del self._refused[key]
            known[1].worked()
        for one in [one for one, (at, _) in self._refused.items() if at < now - FORGET_SECONDS]:
            del self._refused[one]

    def asked_since(self, since: float) -> bool:
        """True if every gateway that lives has asked since then, by the steady clock."""
        return all(at >= since for at, _ in self._known.values() if at >= self._now() - ASKS_SECONDS)

    def living(self) -> list[DescribeRequest]:
        """The last words of each gateway that lives, by id and address."""
        return [request for _, request in self._living()]

    def _living(self) -> list[tuple[float, DescribeRequest]]:
        since = self._now() - SHOWN_SECONDS
        return [
            known for _, known in sorted(self._known.items(), key=lambda one: one[0]) if known[0] >= since
        ]

    def statuses(self) -> list[GatewayStatus]:
        """The same for operators."""
        now = self._now()
        return [
            GatewayStatus(
                gateway_id=one.gateway_id,
                uri=one.gateway_uri,
                counters=one.counters,
                streams=one.streams,
                streams_catching_up=one.streams_catching_up,
                windows_full=one.windows_full,
                stages=one.stages,
                drained=one.drained,
                refused=self.refusal(one),
                queue_problem=one.queue_problem,
                heard_for_us=max(0, round((now - at) * 1e6)),
            )
            for at, one in self._living()
        ]

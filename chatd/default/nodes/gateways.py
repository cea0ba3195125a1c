"""Gateways that ask this node who it is, and their counters. They are kept in memory; a gateway
asks every second."""

from collections.abc import Callable

from chatd.pb.admin.v1.admin_pb2 import GatewayStatus
from chatd.pb.node.v1.node_pb2 import DescribeRequest

SHOWN_SECONDS = 10.0
"""A gateway that has not asked for so long is no longer shown."""


class Gateways:
    """``now`` is a steady clock, in seconds."""

    def __init__(self, *, now: Callable[[], float]) -> None:
        self._now = now
        self._known: dict[tuple[str, str, int], tuple[float, DescribeRequest]] = {}

    def heard(self, request: DescribeRequest) -> None:
        """A gateway lives."""
        if not request.gateway_id:
            return  # some other process asks
        now = self._now()
        key = (request.gateway_id, request.gateway_uri, request.started_at_us)
        self._known[key] = (now, request)
        for one in [one for one, (at, _) in self._known.items() if at < now - SHOWN_SECONDS]:
            del self._known[one]

    def statuses(self) -> list[GatewayStatus]:
        """Every gateway that lives, by id and address."""
        since = self._now() - SHOWN_SECONDS
        return [
            GatewayStatus(gateway_id=gateway_id, uri=uri, counters=request.counters)
            for (gateway_id, uri, _), (at, request) in sorted(self._known.items())
            if at >= since
        ]

"""Withdrawal: an operator takes this default node out of service, and lets it serve again. Gateways
call other nodes meanwhile; what this one does by itself goes on."""

import asyncio
from collections.abc import Callable

import structlog

from chatd.default.nodes.gateways import Gateways
from chatd.default.nodes.leases import Leases
from chatd.pb.admin.v1.admin_pb2 import (
    DrainProcessRequest,
    DrainProcessResponse,
    ResumeProcessRequest,
    ResumeProcessResponse,
)

log = structlog.get_logger()

WAIT_SECONDS = 3.0
"""The longest time until an operator is answered. Gateways learn of it within a second."""
LOOK_SECONDS = 0.02


class Withdrawal:
    """``under_way``: calls of gateways that have no reply yet. ``now`` is a steady clock, in
    seconds."""

    def __init__(
        self,
        leases: Leases,
        gateways: Gateways,
        *,
        under_way: Callable[[], int],
        now: Callable[[], float],
    ) -> None:
        self._leases = leases
        self._gateways = gateways
        self._under_way = under_way
        self._now = now

    async def drain(self, request: DrainProcessRequest) -> DrainProcessResponse:
        """Answered when all gateways know, and the calls that had come are answered."""
        if not self._leases.is_drained:
            log.info("An operator drains the node")
            self._leases.drain(True)
        since = self._now()
        while (left := self._left(since)) and self._now() < since + WAIT_SECONDS:
            await asyncio.sleep(LOOK_SECONDS)
        return DrainProcessResponse(left=left)

    def _left(self, since: float) -> int:
        """Calls under way but for this one; 1 at least while a gateway does not know."""
        calls = max(0, self._under_way() - 1)
        return calls if self._gateways.asked_since(since) else max(1, calls)

    async def resume(self, request: ResumeProcessRequest) -> ResumeProcessResponse:
        was_drained = self._leases.is_drained
        if was_drained:
            log.info("An operator lets the node serve again")
            self._leases.drain(False)
        return ResumeProcessResponse(resumed=was_drained)

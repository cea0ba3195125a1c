"""Audit lines that come to be at a gateway: it logs them, and a default node keeps them. An act
that happens again within a minute is one line."""

import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from chatd.core.audit import AuditKind, AuditLine, make_line_id, shorten
from chatd.core.seldom import Seldom
from chatd.errors import ChatdError
from chatd.gateway.backend import NodeCalls
from chatd.pb.node.v1.node_pb2 import RecordAuditRequest

PERIOD = 1.0
"""Seconds between two calls with the lines that have gathered."""
MAX_LINES = 1_000
"""Lines that wait for a node, and that one call holds; of more, the oldest are in the log only."""


class GatewayAudit:
    """``say`` logs a line. ``now`` is a steady clock in seconds, ``clock`` gives microseconds since
    the Unix epoch."""

    def __init__(
        self,
        gateway_id: str,
        calls: NodeCalls,
        *,
        say: Callable[[AuditLine], None],
        now: Callable[[], float],
        clock: Callable[[], int] = lambda: time.time_ns() // 1_000,
    ) -> None:
        self._gateway_id = gateway_id
        self._calls = calls
        self._say = say
        self._now = now
        self._clock = clock
        self._seldom = {AuditKind.USE: Seldom(), AuditKind.REFUSED: Seldom()}
        self._waiting: deque[AuditLine] = deque(maxlen=MAX_LINES)
        self._under_way = False

    def refused(
        self, what: str, address: str, outcome: str, *, profile_id: str = "", acting_for: str = ""
    ) -> None:
        """Somebody at ``address`` was refused."""
        self._record(AuditKind.REFUSED, what, address, outcome, profile_id, acting_for)

    def used(self, what: str, address: str, *, profile_id: str, acting_for: str, objects: str) -> None:
        """An operator used its rights."""
        self._record(AuditKind.USE, what, address, "done", profile_id, acting_for, objects)

    def _record(
        self,
        kind: AuditKind,
        what: str,
        address: str,
        outcome: str,
        profile_id: str,
        acting_for: str,
        objects: str = "",
    ) -> None:
        line = AuditLine(
            kind,
            profile_id,
            shorten(acting_for),
            shorten(address),
            self._gateway_id,
            what,
            objects,
            shorten(outcome),
        )
        repeated = self._seldom[kind].due(line.key, self._now())
        if repeated is None:
            return
        at_us = self._clock()
        line = replace(line, repeated=repeated, at_us=at_us, line_id=make_line_id(at_us, os.urandom(6)))
        self._say(line)
        self._waiting.append(line)

    def flush(self) -> None:
        """Pass the lines on that have gathered, if a node answers."""
        if not self._waiting or self._under_way or not self._calls.ready:
            return
        self._under_way = True
        lines = tuple(self._waiting)
        request = RecordAuditRequest(lines=[line.to_pb() for line in lines])
        self._calls.call(
            "NodeService/RecordAudit", request, partial(self._recorded, lines), affinity=self._gateway_id
        )

    def _recorded(self, lines: tuple[AuditLine, ...], payload: bytes, error: ChatdError | None) -> None:
        """Lines that may be kept later stay; a node passes over those that it has."""
        self._under_way = False
        if error is None or not error.retry:
            told = set(lines)
            left = [line for line in self._waiting if line not in told]
            self._waiting = deque(left, maxlen=MAX_LINES)

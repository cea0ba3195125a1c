"""Retention: what need not be kept is removed a batch at a time, each batch a command among the others, so that sends go on in between.

Every node looks now and then; what two of them find at once is removed once.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import structlog

from chatd.core.counter import Counter
from chatd.default.dead_letters.failures import DeleteSettledFailures
from chatd.default.devices.store import ExpireDevices, FindUnusedDevices
from chatd.default.part import Part
from chatd.default.retention.cuts import FindCuts
from chatd.default.retention.model import Cut, Purged
from chatd.default.retention.store import PurgeLog
from chatd.errors import ChatdError
from chatd.store.access import StoreAccess, log_failure

log = structlog.get_logger()

BATCH = 500
"""Events removed in one command: about as long a transaction as a busy group commit."""
ROOMS = 500
"""Rooms looked at in one query."""
ID_MEMORY_US = 7 * 86_400_000_000
"""Ids of removed events are remembered this long: a sender's retry never comes later (DELIVERY.md, 5)."""
DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """0: no limit. Ages in days."""

    keep_days: float
    keep_events: int
    backlog_days: float
    backlog_events: int
    expiry_days: float


class Retention:
    """``begin`` starts a pass, unless one is under way; each result brings the next step. ``period`` is in seconds."""

    def __init__(
        self,
        rule: RetentionRule,
        store: StoreAccess,
        *,
        period: float,
        clock: Callable[[], int],
    ) -> None:
        self._rule = rule
        self._after = ""
        self._store = store
        self._clock = clock
        self._cuts: deque[Cut] = deque()
        self._busy = False
        self._events_purged = Counter("events_purged", "events removed by retention")
        self._devices_expired = Counter("devices_expired", "devices that expired")
        self.part = Part(every=((period, self.begin),), counters=(self._events_purged, self._devices_expired))

    def begin(self) -> None:
        """Start a pass: unused devices, settled failures, then the logs."""
        if self._busy:
            return
        self._busy = True
        unseen_since_us = self._since(self._rule.expiry_days)
        if not unseen_since_us:
            self._settle()
            return
        self._store.ask(FindUnusedDevices(unseen_since_us, BATCH), partial(self._expire, unseen_since_us), self._failed)

    def _since(self, days: float) -> int:
        """Microseconds since the Unix epoch; 0 when there is no limit."""
        return self._clock() - round(days * DAY_US) if days else 0

    def _expire(self, unseen_since_us: int, devices: tuple[tuple[str, str], ...]) -> None:
        if devices:
            self._store.write(ExpireDevices(devices, unseen_since_us), self._on_expired, self._failed)
        else:
            self._settle()

    def _on_expired(self, expired: int) -> None:
        if expired:
            self._devices_expired.add(expired)
            log.info("Devices that nobody has used have expired", devices=expired)
        self._settle()

    def _settle(self) -> None:
        self._store.write(DeleteSettledFailures(BATCH), lambda done: self._look(""), self._failed)

    def _look(self, after_room_id: str) -> None:
        """Ask for the cuts of the next rooms."""
        rule = self._rule
        self._store.ask(
            FindCuts(
                keep_events=rule.keep_events,
                keep_since_us=self._since(rule.keep_days),
                backlog_events=rule.backlog_events,
                backlog_since_us=self._since(rule.backlog_days),
                forget_before_us=self._clock() - ID_MEMORY_US,
                after_room_id=after_room_id,
                limit=ROOMS,
            ),
            self._on_cuts,
            self._failed,
        )

    def _on_cuts(self, found: tuple[tuple[Cut, ...], str]) -> None:
        cuts, self._after = found
        self._cuts.extend(cuts)
        self._next()

    def _next(self) -> None:
        if not self._cuts:
            if self._after:
                self._look(self._after)
            else:
                self._busy = False
            return
        cut = self._cuts[0]
        self._store.write(PurgeLog(cut.room_id, cut.up_to, 0, BATCH, self._clock() - ID_MEMORY_US), self._on_purged, self._failed)

    def _on_purged(self, purged: Purged) -> None:
        self._events_purged.add(purged.removed)
        if not purged.more:
            self._cuts.popleft()
        self._next()

    def _failed(self, error: ChatdError) -> None:
        """The next pass begins anew."""
        log_failure(error, "A pass of retention ended early; the next one begins anew")
        self._cuts.clear()
        self._busy = False

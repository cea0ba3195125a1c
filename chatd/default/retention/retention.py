"""Retention: what need not be kept is removed a batch at a time, each batch a command among the
others, so that sends go on in between.

Every node looks now and then; what two of them find at once is removed once.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import structlog

from chatd.core.clock_watch import ClockWatch
from chatd.core.counter import Counter
from chatd.core.ids import topic_of
from chatd.core.online import OnlineTable
from chatd.default.dead_letters.failures import DeleteSettledFailures
from chatd.default.devices.store import ExpireDevices, FindUnusedDevices
from chatd.default.part import Part
from chatd.default.requests.store import ForgetRequests
from chatd.default.retention.audit_sweep import AuditSweep
from chatd.default.retention.clock import GetKnownTime, RecordTime
from chatd.default.retention.cuts import FindCuts
from chatd.default.retention.model import Cut, Purged
from chatd.default.retention.orphan_sweep import OrphanSweep
from chatd.default.retention.proposal_sweep import ProposalSweep
from chatd.default.retention.store import PurgeLog
from chatd.default.tokens.store import ForgetRevocations
from chatd.errors import ChatdError
from chatd.store.access import StoreAccess, log_failure

log = structlog.get_logger()

BATCH = 500
"""Events removed in one command: about as long a transaction as a busy group commit."""
ROOMS = 500
"""Rooms looked at in one query."""
ID_MEMORY_US = 7 * 86_400_000_000
"""Ids of removed events, and of other calls, are remembered this long: a retry never comes later
(DELIVERY.md, 5)."""
DAY_US = 86_400_000_000
ONLINE_KNOWN_SECONDS = 5.0
"""A node that has just started does not know yet which devices are connected."""


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """0: no limit. Ages in days."""

    keep_days: float
    keep_events: int
    backlog_days: float
    backlog_events: int
    expiry_days: float
    audit_days: float
    proposal_days: float


class Retention:
    """``begin`` starts a pass, unless one is under way; each result brings the next step.
    ``period`` is in seconds, ``clock`` gives microseconds since the Unix epoch, ``steady`` seconds.
    A pass sees one time. While that cannot be believed (``ClockWatch``) nothing is old."""

    def __init__(
        self,
        rule: RetentionRule,
        store: StoreAccess,
        online: OnlineTable,
        *,
        period: float,
        clock: Callable[[], int],
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rule = rule
        self._after = ""
        self._store = store
        self._online = online
        self._clock = clock
        self._steady = steady
        self._watch = ClockWatch()
        self._orphans = OrphanSweep(store)
        self._audit = AuditSweep(store)
        self._proposals = ProposalSweep(store)
        self._expires_at = steady() + ONLINE_KNOWN_SECONDS
        self._now_us = 0  # of the pass; 0: not to be believed
        self._cuts: deque[Cut] = deque()
        self._busy = False
        self._events_purged = Counter("events_purged", "events removed by retention")
        self._devices_expired = Counter("devices_expired", "devices that expired")
        self.part = Part(
            every=((period, self.begin),),
            counters=(self._events_purged, self._devices_expired, self._orphans.deleted),
        )

    def begin(self) -> None:
        """Start a pass: revocations, unused devices, settled failures, request ids, proposals,
        audit lines, the logs, orphans."""
        wall_us, steady = self._clock(), self._steady()
        step = self._watch.look(wall_us, steady)
        if step:
            log.warning(
                "The wall clock was stepped; nothing is removed for its age before it has gone well for a day",
                seconds=round(step),
            )
        if self._busy:
            return
        self._busy = True
        self._store.ask(GetKnownTime(), partial(self._begin_at, wall_us, steady), self._failed)

    def _begin_at(self, wall_us: int, steady: float, known_us: int) -> None:
        gap = self._watch.compare(known_us, wall_us, steady)
        if gap:
            log.warning(
                "The wall clock is far from where it was last seen; nothing is removed for its age for a day",
                seconds=round(gap),
            )
        self._now_us = wall_us if self._watch.is_settled(steady) else 0
        if self._now_us:
            self._store.tell(RecordTime(self._now_us))
            self._store.tell(ForgetRevocations(self._now_us))
        unseen_since_us = self._since(self._rule.expiry_days)
        if not unseen_since_us or steady < self._expires_at:
            self._settle()
            return
        self._store.ask(
            FindUnusedDevices(unseen_since_us, BATCH), partial(self._expire, unseen_since_us), self._failed
        )

    def _since(self, days: float) -> int:
        """Microseconds since the Unix epoch; 0 when there is no limit, or no time that can be
        believed."""
        return max(0, self._now_us - round(days * DAY_US)) if days else 0

    @property
    def _forget_before_us(self) -> int:
        """Ids of events and requests from before then are forgotten; 0: none."""
        return max(0, self._now_us - ID_MEMORY_US)

    def _expire(self, unseen_since_us: int, devices: tuple[tuple[str, str], ...]) -> None:
        if devices:
            connected = tuple(device for device in devices if topic_of(*device) in self._online)
            self._store.write(
                ExpireDevices(devices, unseen_since_us, connected), self._on_expired, self._failed
            )
        else:
            self._settle()

    def _on_expired(self, expired: int) -> None:
        if expired:
            self._devices_expired.add(expired)
            log.info("Devices that nobody has used have expired", devices=expired)
        self._settle()

    def _settle(self) -> None:
        self._store.write(DeleteSettledFailures(BATCH), lambda done: self._forget_requests(), self._failed)

    def _forget_requests(self) -> None:
        def forgotten(requests: int) -> None:
            if requests < BATCH:
                self._sweep_proposals()
            else:
                self._forget_requests()

        self._store.write(ForgetRequests(self._forget_before_us, BATCH), forgotten, self._failed)

    def _sweep_proposals(self) -> None:
        self._proposals.begin(
            self._since(self._rule.proposal_days), self._forget_before_us, self._sweep_audit, self._failed
        )

    def _sweep_audit(self) -> None:
        self._audit.begin(self._since(self._rule.audit_days), lambda: self._look(""), self._failed)

    def _look(self, after_room_id: str) -> None:
        """Ask for the cuts of the next rooms."""
        rule = self._rule
        self._store.ask(
            FindCuts(
                keep_events=rule.keep_events,
                keep_since_us=self._since(rule.keep_days),
                backlog_events=rule.backlog_events,
                backlog_since_us=self._since(rule.backlog_days),
                forget_before_us=self._forget_before_us,
                after_room_id=after_room_id,
                limit=ROOMS,
                now_us=self._now_us,
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
                self._orphans.begin(self._end, self._failed)
            return
        cut = self._cuts[0]
        self._store.write(
            PurgeLog(cut.room_id, cut.up_to, 0, BATCH, self._forget_before_us), self._on_purged, self._failed
        )

    def _end(self) -> None:
        self._busy = False

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

"""OfflineDelivery: the queue ``offline.event.delivery`` → notifiers, for devices that are owed something and are not connected.

The fan-out does nothing for it: a look each tick finds rooms that have members to notify and events nobody has looked at, which the store turns
into rows of the queue; then what is due is claimed, so that no other node sends it, and sent, kept or forgotten.
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from chatd.core.counter import Counter
from chatd.core.ids import topic_of
from chatd.core.model import ClaimedNotification, NotificationContent, PushDevice
from chatd.core.notification import Notification, Notifier, NotifyFailed, TargetGone, preview_of
from chatd.core.online import OnlineTable
from chatd.default.part import Part
from chatd.errors import ChatdError
from chatd.store.access import StoreAccess
from chatd.store.commands import ClaimNotifications, EnqueuedPage, EnqueueNotifications, NotificationOutcome, SettleNotifications
from chatd.store.notices import PAGE
from chatd.store.queries import GetNotificationContents, NotificationWork

log = structlog.get_logger()

AT_ONCE = 32
"""Notifications under way."""
CLAIMED = 4 * AT_ONCE
"""Claimed and not settled: a claim outlives the time they can take."""
LONGEST_PAUSE = 3_600.0
"""Seconds; pauses double up to this."""
NOTED_PER_SECOND = 5_000
"""Members of one room: a very large one is looked at the less often, so that it never takes more than a share of the writer."""
ERROR_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class NotifyRule:
    """Times in seconds. ``delay``: before a first notification; ``quiet``: between two to one device; ``retry``: the first pause, doubling;
    ``timeout``: the longest one try can take. ``preview``: characters."""

    delay: float
    quiet: float
    retry: float
    timeout: float
    max_retries: int
    preview: int


class OfflineDelivery:
    """``begin`` starts a pass, unless one is under way; it is called each ``tick`` seconds. ``clock`` gives microseconds since the
    Unix epoch."""

    def __init__(
        self,
        rule: NotifyRule,
        notifiers: Mapping[str, Notifier],
        store: StoreAccess,
        *,
        online: OnlineTable,
        tick: float,
        clock: Callable[[], int],
    ) -> None:
        self._rule = rule
        self._notifiers = notifiers
        self._online = online
        self._store = store
        self._clock = clock
        self._busy = False
        self._more = False
        self._stopped = False
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._sending: set[asyncio.Task[None]] = set()
        self._outcomes: list[NotificationOutcome] = []
        self._large_after_us: dict[str, int] = {}
        self._ready_at_us = clock() + round(rule.delay * 1e6)
        self.sent = Counter("notifications_sent", "notifications that a notifier took")
        self._failed = Counter("notifications_failed", "tries to notify that failed")
        self._dead = Counter("notifications_dead", "notifications tried too often")
        counters = (self.sent, self._failed, self._dead)
        self.part = Part(every=((tick, self.begin),), counters=counters, before_the_end=self.stop)

    def begin(self) -> None:
        # Who has just started does not know yet who is connected.
        if not self._busy and not self._stopped and self._clock() >= self._ready_at_us:
            self._busy = True
            self._store.ask(NotificationWork(self._clock()), self._on_work, self._stopped_short)

    def _stopped_short(self, error: ChatdError) -> None:
        """The next pass begins anew; claims run out."""
        log.error("A pass of notifications ended early; the next one begins anew", error=str(error), code=error.code)
        self._busy = False

    def _on_work(self, work: tuple[tuple[tuple[str, int], ...], bool]) -> None:
        rooms, due = work
        now = self._clock()
        self._large_after_us = {room_id: after for room_id, after in self._large_after_us.items() if after > now}
        small: list[str] = []
        total = 0
        for room_id, size in rooms:
            if size <= PAGE and total <= PAGE:
                small.append(room_id)
                total += size
        large = next((room_id for room_id, size in rooms if size > PAGE and room_id not in self._large_after_us), "")
        if small:
            self._store.write(self._noting(tuple(small)), lambda noted: self._note_large(large, now), self._stopped_short)
        elif large or due:
            self._note_large(large, now)
        else:
            self._busy = False

    def _noting(self, rooms: tuple[str, ...], **page: Any) -> EnqueueNotifications:
        return EnqueueNotifications(rooms, round(self._rule.delay * 1e6), round(self._rule.quiet * 1e6), **page)

    def _note_large(self, room_id: str, begun_us: int, noted: EnqueuedPage | None = None, pages: int = 0) -> None:
        """Page by page, each a command of its own: sends go on in between."""
        if not room_id or (noted is not None and not noted.after):
            if pages:
                self._large_after_us[room_id] = begun_us + round(pages * PAGE / NOTED_PER_SECOND * 1e6)
            self._claim()
            return
        noted = noted or EnqueuedPage()
        self._store.write(
            self._noting((room_id,), page=PAGE, after=noted.after, up_to=noted.up_to),
            lambda then: self._note_large(room_id, begun_us, then, pages + 1),
            self._stopped_short,
        )

    def _claim(self) -> None:
        room = CLAIMED - len(self._sending)
        if room <= 0 or self._stopped:
            self._busy = False
            return
        lease = 5.0 + self._rule.timeout * (1 + CLAIMED / AT_ONCE)
        self._store.write(ClaimNotifications(room, round(lease * 1e6)), lambda claims: self._on_claimed(claims, room), self._stopped_short)

    def _on_claimed(self, claims: tuple[ClaimedNotification, ...], asked: int) -> None:
        if not claims:
            self._busy = self._more = False
            return
        self._more = len(claims) == asked

        def on_notices(notices: tuple[NotificationContent, ...]) -> None:
            self._busy = False
            for claim, notice in zip(claims, notices, strict=True):
                self._decide(claim, notice)
            self._go_on()

        self._store.ask(GetNotificationContents(claims, self._clock()), on_notices, self._stopped_short)

    def _decide(self, claim: ClaimedNotification, notice: NotificationContent) -> None:
        """PUB or offline: who is connected gets it from its stream."""
        dismiss = claim.kind == "dismiss"
        if not notice.push.notifier or (not dismiss and (notice.read or not notice.owed)):
            self._settle(NotificationOutcome(claim, "forgotten"))
        elif claim.sent or (not dismiss and topic_of(claim.profile_id, claim.device_id) in self._online):
            self._settle(NotificationOutcome(claim, "postponed", round(self._rule.delay * 1e6)))
        else:
            notification = Notification(
                kind="dismiss" if dismiss else "message",
                profile_id=claim.profile_id,
                device_id=claim.device_id,
                room_id=claim.room_id,
                room_name=notice.room_name,
                seq=claim.seq,
                sender_id="" if dismiss else notice.sender_id,
                badge=notice.owed,
                preview="" if dismiss else preview_of(notice, self._rule.preview),
                sent_at_us=notice.sent_at_us,
            )
            self._start(self._send(claim, notification, notice.push), "notify")

    def _start(self, coroutine: Any, name: str) -> None:
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        self._sending.add(task)
        task.add_done_callback(self._on_done)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self._go_on()

    def _go_on(self) -> None:
        """More is due than was claimed: the next pass need not wait for its tick."""
        if self._more and len(self._sending) <= CLAIMED // 2:
            self.begin()

    async def _send(self, claim: ClaimedNotification, notification: Notification, push: PushDevice) -> None:
        try:
            async with self._slots:
                await self._try(notification, push)
        except TargetGone as exc:
            log.info("A device cannot be notified any more; it is no longer tried", notifier=push.notifier, error=str(exc))
            self._settle(NotificationOutcome(claim, "gone"))
        except NotifyFailed as exc:
            self._settle(self._failure(claim, str(exc)[:ERROR_CHARACTERS]))
        else:
            self._settle(NotificationOutcome(claim, "sent", round(self._rule.quiet * 1e6)))

    async def _try(self, notification: Notification, push: PushDevice) -> None:
        """Counted. Raises NotifyFailed, TargetGone."""
        notifier = self._notifiers.get(push.notifier)
        try:
            if notifier is None:
                raise NotifyFailed(f"this node has no notifier {push.notifier!r}")
            await notifier.notify(notification, push)
        except NotifyFailed:
            self._failed.add()
            raise
        except Exception as exc:  # a library's surprise must not take the claim with it
            self._failed.add()
            log.exception("A notifier failed in a way of its own", notifier=push.notifier)
            raise NotifyFailed(f"the notifier failed: {type(exc).__name__}") from exc
        self.sent.add()

    def _failure(self, claim: ClaimedNotification, error: str) -> NotificationOutcome:
        if claim.attempts >= self._rule.max_retries:
            self._dead.add()
            return NotificationOutcome(claim, "dead", error=error)
        pause = min(LONGEST_PAUSE, self._rule.retry * 2 ** min(claim.attempts, 30)) * random.uniform(0.75, 1.25)
        return NotificationOutcome(claim, "failed", round(pause * 1e6), error)

    def _settle(self, outcome: NotificationOutcome) -> None:
        """All outcomes of one turn of the loop are one command."""
        if not self._outcomes:
            asyncio.get_running_loop().call_soon(self._write_outcomes)
        self._outcomes.append(outcome)

    def _write_outcomes(self) -> None:
        outcomes, self._outcomes = tuple(self._outcomes), []
        self._store.write(SettleNotifications(outcomes), lambda done: None, self._stopped_short)

    def test(self, profile_id: str, device_id: str, push: PushDevice, then: Callable[[str], None]) -> None:
        """Notify a device now; ``then`` gets what went wrong, or nothing."""

        async def trying() -> None:
            error = ""
            try:
                await self._try(Notification(kind="test", profile_id=profile_id, device_id=device_id), push)
            except NotifyFailed as exc:
                error = str(exc)[:ERROR_CHARACTERS]
            then(error)

        self._start(trying(), "notify-test")

    async def stop(self, seconds: float) -> None:
        """Begin nothing more; let what is under way end, at most ``seconds``. What does not is sent again by whoever finds its claim run out."""
        self._stopped = True
        if self._sending:
            _, late = await asyncio.wait(self._sending, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        if self._outcomes:
            self._write_outcomes()
        for notifier in self._notifiers.values():
            await notifier.close()

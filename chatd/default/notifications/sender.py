"""NotificationSender: claimed notifications → notifiers, and their outcomes back to the queue."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass

import structlog

from chatd.core.counter import Counter
from chatd.core.model import PushDevice
from chatd.core.notification import Notification, NotificationRefused, Notifier, NotifyFailed, TargetGone
from chatd.default.notifications.model import ClaimedNotification, LongestPauses, NotificationOutcome
from chatd.default.notifications.settle import SettleNotifications
from chatd.store.access import StoreAccess

log = structlog.get_logger()

AT_ONCE = 32
"""Notifications under way."""
CLAIMED = 4 * AT_ONCE
"""Notifications claimed and not settled: a claim outlives the time they can take."""
LONGEST_PAUSE = 3_600.0
"""Seconds; pauses double up to this."""
ERROR_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class NotifyRule:
    """Times in seconds. ``delay``: before a first notification; ``quiet``: between two to one
    device; ``retry``: the first pause after a failure, doubling; ``timeout``: the longest that one
    try can take. ``preview``: characters."""

    delay: float
    quiet: float
    retry: float
    timeout: float
    max_retries: int
    preview: int

    @property
    def pauses(self) -> LongestPauses:
        """The longest that this node makes a notification wait."""
        return LongestPauses(
            round(max(self.delay, self.quiet) * 1e6),
            round(max(self.delay, self.quiet, 1.25 * LONGEST_PAUSE) * 1e6),
        )

    @property
    def lease_us(self) -> int:
        """Microseconds that a claim lasts: longer than CLAIMED notifications can take."""
        return round(1e6 * (5.0 + self.timeout * (1 + CLAIMED / AT_ONCE)))


class NotificationSender:
    """``on_room`` is called whenever a notification is done."""

    def __init__(
        self,
        rule: NotifyRule,
        notifiers: Mapping[str, Notifier],
        store: StoreAccess,
        on_room: Callable[[], None],
    ) -> None:
        self._rule = rule
        self._notifiers = notifiers
        self._store = store
        self._on_room = on_room
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._outcomes: list[NotificationOutcome] = []
        self._closing: asyncio.Task[None] | None = None
        self.sent = Counter("notifications_sent", "notifications that a notifier took")
        self.failed = Counter("notifications_failed", "tries to notify that failed")
        self.dead = Counter("notifications_dead", "notifications that were given up")

    @property
    def room(self) -> int:
        """Notifications that may be claimed besides those under way."""
        return CLAIMED - len(self._tasks)

    def send(self, claim: ClaimedNotification, notification: Notification, push: PushDevice) -> None:
        """Send it, and settle the claim by what came of it."""
        self._start(self._send(claim, notification, push), "notify")

    def settle(self, outcome: NotificationOutcome) -> None:
        """Record an outcome; all outcomes of one turn of the loop are one command."""
        if not self._outcomes:
            asyncio.get_running_loop().call_soon(self._write_outcomes)
        self._outcomes.append(outcome)

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

    def change(self, rule: NotifyRule, notifiers: Mapping[str, Notifier]) -> None:
        """Notify by these from now on. Those before are closed when nothing is under way by
        them."""
        before, self._notifiers, self._rule = self._notifiers, notifiers, rule
        using = set(self._tasks)

        async def close() -> None:
            if using:
                await asyncio.wait(using)
            for notifier in before.values():
                await notifier.close()

        self._closing = asyncio.get_running_loop().create_task(close(), name="notifiers-close")

    async def stop(self, seconds: float) -> None:
        """Let notifications under way end, at most ``seconds``. One that does not is sent again
        when its claim has run out."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        if self._outcomes:
            self._write_outcomes()
        for notifier in self._notifiers.values():
            await notifier.close()

    def _start(self, coroutine: Coroutine[object, object, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._on_done)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._on_room()

    async def _send(self, claim: ClaimedNotification, notification: Notification, push: PushDevice) -> None:
        try:
            async with self._slots:
                await self._try(notification, push)
        except TargetGone as exc:
            log.info(
                "A device cannot be notified any more; it is no longer tried",
                notifier=push.notifier,
                error=str(exc),
            )
            self.settle(NotificationOutcome(claim, "gone"))
        except NotifyFailed as exc:
            self.settle(self._failure(claim, exc))
        else:
            told = (notification.room_id, notification.seq)
            self.settle(NotificationOutcome(claim, "sent", round(self._rule.quiet * 1e6), told=told))

    async def _try(self, notification: Notification, push: PushDevice) -> None:
        """Counted. Raises NotifyFailed, TargetGone."""
        notifier = self._notifiers.get(push.notifier)
        try:
            if notifier is None:
                raise NotifyFailed(f"this node has no notifier '{push.notifier}'")
            await notifier.notify(notification, push)
        except NotifyFailed:
            self.failed.add()
            raise
        except Exception as exc:  # a library's surprise must not take the claim with it
            self.failed.add()
            log.exception("A notifier failed in a way of its own", notifier=push.notifier)
            raise NotifyFailed(f"the notifier failed: {type(exc).__name__}") from exc
        self.sent.add()

    def _failure(self, claim: ClaimedNotification, failure: NotifyFailed) -> NotificationOutcome:
        error = str(failure)[:ERROR_CHARACTERS]
        if claim.attempts >= self._rule.max_retries or isinstance(failure, NotificationRefused):
            self.dead.add()
            return NotificationOutcome(claim, "dead", error=error)
        pause = min(LONGEST_PAUSE, self._rule.retry * 2 ** min(claim.attempts, 30)) * random.uniform(
            0.75, 1.25
        )
        if failure.retry_after:
            # A little later by chance: all that were refused together are not to come back
            # together.
            pause = max(pause, failure.retry_after * random.uniform(1.0, 1.25))
        return NotificationOutcome(claim, "failed", round(pause * 1e6), error)

    def _write_outcomes(self) -> None:
        outcomes, self._outcomes = tuple(self._outcomes), []
        self._store.tell(SettleNotifications(outcomes))

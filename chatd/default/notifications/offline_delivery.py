"""OfflineDelivery: the queue ``offline.event.delivery`` → notifiers, for devices that are owed
something and are not connected.

The fan-out does nothing for it. Each tick a query finds rooms that have members to notify and
events that are not enqueued; these become rows of the queue. Rows that are due are claimed, so that
no other node sends them, and then sent, kept or forgotten.
"""

import time
from collections.abc import Callable, Mapping

import structlog

from chatd.core.each import each
from chatd.core.ids import signals_of, topic_of
from chatd.core.metric import Gauge
from chatd.core.model import NotificationContent
from chatd.core.notification import Notification, Notifier, preview_of
from chatd.core.online import OnlineTable
from chatd.default.notifications.content import GetNotificationContents
from chatd.default.notifications.enqueue import PAGE, EnqueueNotifications
from chatd.default.notifications.invitations import EnqueueInvitations
from chatd.default.notifications.model import ClaimedNotification, EnqueuedPage, NotificationOutcome
from chatd.default.notifications.queue import ClaimNotifications
from chatd.default.notifications.sender import CLAIMED, NotificationSender, NotifyRule
from chatd.default.notifications.work import FindNotificationWork, NotificationWork
from chatd.default.part import Part
from chatd.errors import ChatdError
from chatd.store.access import StoreAccess, log_failure
from chatd.store.polled import CountRows, Polled

log = structlog.get_logger()

ENQUEUED_PER_SECOND = 5_000
"""Members of one room: a very large room is looked at less often, so that it never takes more than
a share of the writer."""


class OfflineDelivery:
    """A pass starts each ``tick`` seconds, unless one is under way. ``online`` has the devices that
    are connected, ``signals`` those that want signals; one that lives has been heard of within
    ``silence`` seconds. ``clock`` gives microseconds since the Unix epoch, ``steady`` seconds."""

    def __init__(
        self,
        rule: NotifyRule,
        notifiers: Mapping[str, Notifier],
        store: StoreAccess,
        *,
        online: OnlineTable,
        signals: OnlineTable,
        silence: float,
        tick: float,
        clock: Callable[[], int],
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rule = rule
        self._store = store
        self._online = online
        self._signals = signals
        self._told_us = round(2 * silence * 1e6)
        self._clock = clock
        self._steady = steady
        self._busy = False
        self._more = False
        self._stopped = False
        self._inviting_after = ""  # the last room whose invitations were enqueued: each has its turn
        self._large_after: dict[str, float] = {}  # room → when its next pass may begin, on the steady clock
        self._ready_at = steady() + rule.delay
        self.sender = NotificationSender(rule, notifiers, store, self._go_on)
        waiting = Polled(store, CountRows("notification", "state = 'waiting'"))
        self.part = Part(
            every=((tick, self.begin),),
            gauges=(Gauge("notifications_waiting", "notifications that wait", waiting.read),),
            counters=(self.sender.sent, self.sender.failed, self.sender.dead),
            before_the_end=self.stop,
        )

    def change(self, rule: NotifyRule, notifiers: Mapping[str, Notifier]) -> None:
        """Other notifiers and times from now on."""
        self._rule = rule
        self.sender.change(rule, notifiers)

    def begin(self) -> None:
        """Start a pass. A node that has just started waits: it does not know yet which devices are
        connected."""
        if not self._busy and not self._stopped and self._steady() >= self._ready_at:
            self._busy = True
            self._store.ask(
                FindNotificationWork(self._clock(), self._rule.pauses, self._inviting_after),
                self._on_work,
                self._end_early,
            )

    def _end_early(self, error: ChatdError) -> None:
        """The next pass begins anew; claims run out."""
        log_failure(error, "A pass of notifications ended early; the next one begins anew")
        self._busy = False

    def _on_work(self, work: NotificationWork) -> None:
        if work.inviting:
            self._inviting_after = work.inviting[-1]
            command = EnqueueInvitations(work.inviting, *self._pauses)
            self._store.write(command, lambda done: self._enqueue_rooms(work), self._end_early)
        else:
            self._enqueue_rooms(work)

    def _enqueue_rooms(self, work: NotificationWork) -> None:
        rooms, now = work.rooms, self._steady()
        self._large_after = {room_id: after for room_id, after in self._large_after.items() if after > now}
        small: list[str] = []
        total = 0
        for room_id, size in rooms:
            if size <= PAGE and total <= PAGE:
                small.append(room_id)
                total += size
        large = next(
            (room_id for room_id, size in rooms if size > PAGE and room_id not in self._large_after), ""
        )
        if small:
            self._store.write(
                self._enqueue(tuple(small)), lambda done: self._enqueue_large(large, now), self._end_early
            )
        elif large or work.due or work.inviting:
            self._enqueue_large(large, now)
        else:
            self._busy = False

    def _enqueue(
        self, rooms: tuple[str, ...], *, page: int = 0, after: str = "", up_to: int = 0
    ) -> EnqueueNotifications:
        return EnqueueNotifications(rooms, *self._pauses, page=page, after=after, up_to=up_to)

    @property
    def _pauses(self) -> tuple[int, int]:
        """Before a first notification, and between two, in microseconds."""
        return round(self._rule.delay * 1e6), round(self._rule.quiet * 1e6)

    def _enqueue_large(
        self, room_id: str, begun: float, last: EnqueuedPage | None = None, pages: int = 0
    ) -> None:
        """Page by page, each a command of its own: sends go on in between."""
        if not room_id or (last is not None and not last.after):
            if pages:
                self._large_after[room_id] = begun + pages * PAGE / ENQUEUED_PER_SECOND
            self._claim()
            return
        last = last or EnqueuedPage()
        self._store.write(
            self._enqueue((room_id,), page=PAGE, after=last.after, up_to=last.up_to),
            lambda page: self._enqueue_large(room_id, begun, page, pages + 1),
            self._end_early,
        )

    def _claim(self) -> None:
        room = self.sender.room
        if room <= 0 or self._stopped:
            self._busy = False
            return
        command = ClaimNotifications(room, self._rule.lease_us, self._rule.pauses)
        self._store.write(command, lambda claims: self._on_claimed(claims, room), self._end_early)

    def _on_claimed(self, claims: tuple[ClaimedNotification, ...], asked: int) -> None:
        if not claims:
            self._busy = self._more = False
            return
        self._more = len(claims) == asked

        def then(contents: tuple[NotificationContent, ...]) -> None:
            self._busy = False
            notified: set[bytes] = set()
            each(
                zip(claims, contents, strict=True), lambda one: self._decide(*one, notified), self._undecided
            )
            self._go_on()

        self._store.ask(GetNotificationContents(claims, self._clock()), then, self._end_early)

    def _decide(self, claim: ClaimedNotification, content: NotificationContent, notified: set[bytes]) -> None:
        """Send, keep or forget: a device that is connected gets the events from its stream, and
        hears of an invitation there. ``notified``: devices of which this pass notifies: one is not
        notified twice at once."""
        dismiss, invitation = claim.kind == "dismiss", claim.kind == "invitation"
        device, (delay_us, quiet_us) = topic_of(claim.profile_id, claim.device_id), self._pauses
        connected = not dismiss and device in self._online
        heard = invitation and connected and self._has_heard(device, content.sent_at_us)
        if not content.push.notifier or not content.room_id or heard:
            self.sender.settle(NotificationOutcome(claim, "forgotten"))
        elif claim.sent or connected:
            pause_us = max(delay_us, quiet_us) if invitation else delay_us
            self.sender.settle(NotificationOutcome(claim, "postponed", pause_us))
        elif not dismiss and device in notified:
            self.sender.settle(NotificationOutcome(claim, "postponed", quiet_us))
        else:
            if not dismiss:
                notified.add(device)
            notification = Notification(
                kind="dismiss" if dismiss else "invitation" if invitation else "message",
                profile_id=claim.profile_id,
                device_id=claim.device_id,
                room_id=content.room_id,
                room_name=content.room_name,
                seq=0 if invitation else content.seq,
                sender_id="" if dismiss else content.sender_id,
                badge=content.badge,
                preview="" if dismiss or invitation else preview_of(content, self._rule.preview),
                sent_at_us=content.sent_at_us,
            )
            self.sender.send(claim, notification, content.push)

    def _has_heard(self, device: bytes, invited_at_us: int) -> bool:
        """The connected device has got the signal of an invitation, or has asked since. A stream
        that was dead when the signal was sent has been closed by now; one that wants no signals
        gets none."""
        return signals_of(device) in self._signals and invited_at_us + self._told_us <= self._clock()

    def _undecided(self, one: tuple[ClaimedNotification, NotificationContent], exc: Exception) -> None:
        log.exception("A notification could not be made; it is given up")
        self.sender.settle(NotificationOutcome(one[0], "dead", error=f"not made: {type(exc).__name__}"))

    def _go_on(self) -> None:
        """More is due than was claimed: the next pass need not wait for its tick."""
        if self._more and self.sender.room >= CLAIMED // 2:
            self.begin()

    async def stop(self, seconds: float) -> None:
        """Begin nothing more; let notifications under way end, at most ``seconds``."""
        self._stopped = True
        await self.sender.stop(seconds)

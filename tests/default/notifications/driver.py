"""Drives the queue of notifications from a test, one step at a time."""

from typing import Any

from chatd.core.model import StreamKey
from chatd.default.messages.model import NewEvent
from chatd.default.notifications.content import GetNotificationContents
from chatd.default.notifications.enqueue import EnqueueNotifications
from chatd.default.notifications.invitations import EnqueueInvitations
from chatd.default.notifications.model import ClaimedNotification, LongestPauses, NotificationOutcome
from chatd.default.notifications.push import SetPush
from chatd.default.notifications.queue import ClaimNotifications, ListNotifications
from chatd.default.notifications.settle import SettleNotifications
from chatd.default.notifications.work import FindNotificationWork
from chatd.default.receipts.store import SetReadMarker
from tests.store.driver import MANY, Store, send

DELAY, QUIET = 1_000, 50_000
"""Microseconds."""
PAUSES = LongestPauses(QUIET, 10 * QUIET)


def register(store: Store, profile: str, device: str, notifier: str = "log") -> StreamKey:
    """A device that has connected and is to be notified."""
    stream = store.open(profile, device)
    store.do(SetPush(profile, device, notifier, "", "", "", MANY))
    return stream


def fan_out(store: Store) -> None:
    """As the node does: mark the committed runs, then enqueue for the rooms that have a device to
    notify."""
    store.publish()
    while (work := store.ask(FindNotificationWork(store.now_us, PAUSES))).rooms or work.inviting:
        if work.inviting:
            store.do(EnqueueInvitations(work.inviting, DELAY, QUIET))
        if work.rooms:
            store.do(EnqueueNotifications(tuple(room_id for room_id, _ in work.rooms), DELAY, QUIET))


def say(store: Store, *events: NewEvent, sender: str = "alice") -> None:
    """Send and fan out."""
    store.do(send(sender, *events))
    fan_out(store)


def queued(store: Store, state: str = "") -> list[tuple[str, str, str, int]]:
    """Profile, device, room and seq of each row."""
    rows, _ = store.ask(ListNotifications(state, "", 100))
    return sorted((row.profile_id, row.device_id, row.room_id, row.seq) for row in rows)


def claim(store: Store, limit: int = 100) -> tuple[ClaimedNotification, ...]:
    claims: tuple[ClaimedNotification, ...] = store.do(ClaimNotifications(limit, 10_000, PAUSES))
    return claims


def settle(
    store: Store, *claims: ClaimedNotification, what: Any = "sent", pause_us: int = QUIET, error: str = ""
) -> None:
    """Record the same outcome for each."""
    store.do(
        SettleNotifications(
            tuple(NotificationOutcome(one, what, pause_us, error, (one.room_id, one.seq)) for one in claims)
        )
    )


def read(store: Store, profile: str, room: str, seq: int, device: str = "") -> None:
    store.do(SetReadMarker(profile, room, seq, device))


def contents(store: Store, *claims: ClaimedNotification) -> list[tuple[str, int]]:
    """Room and seq that each claim stands for now; no room: there is nothing to tell."""
    return [(one.room_id, one.seq) for one in store.ask(GetNotificationContents(claims, store.now_us))]


def send_due(store: Store) -> list[tuple[str, str, str, int]]:
    """Claim what is due, and settle it as the node does for devices that are away: kind, device,
    room and seq of what was sent."""
    sent = []
    for one in claim(store):
        ((room_id, seq),) = contents(store, one)
        if not room_id:
            settle(store, one, what="forgotten")
        elif one.sent:
            settle(store, one, what="postponed")
        else:
            store.do(SettleNotifications((NotificationOutcome(one, "sent", QUIET, told=(room_id, seq)),)))
            sent.append((one.kind, one.device_id, room_id, seq))
    return sent

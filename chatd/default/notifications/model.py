"""Values of the queue ``offline.event.delivery``. Times are microseconds since the Unix epoch."""

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["sent", "failed", "dead", "postponed", "forgotten", "gone"]


@dataclass(frozen=True, slots=True)
class ClaimedNotification:
    """A row of the queue that this node has for itself until the claim runs out."""

    profile_id: str
    device_id: str
    room_id: str
    seq: int
    kind: str
    """"message" or "dismiss"."""
    attempts: int
    sent: bool
    """It was sent; the question is whether its device has taken everything since."""
    claimed_until_us: int
    slot: str = ""
    """Empty: the device's next message. Otherwise the room that it was told of."""


@dataclass(frozen=True, slots=True)
class NotificationOutcome:
    """The outcome of a claim. ``pause_us``: until it is tried or looked at again; after "sent", until the device's next one.
    ``told``: room and seq that were sent."""

    claim: ClaimedNotification
    what: Outcome
    pause_us: int = 0
    error: str = ""
    told: tuple[str, int] = ("", 0)


@dataclass(frozen=True, slots=True)
class QueuedNotification:
    """A row of the queue, as operators see it."""

    profile_id: str
    device_id: str
    notifier: str
    state: str
    room_id: str
    seq: int
    attempts: int
    error: str
    at_us: int


@dataclass(frozen=True, slots=True)
class EnqueuedPage:
    """The end of a page of members; the room is enqueued up to ``up_to`` when ``after`` is empty."""

    up_to: int = 0
    after: str = ""

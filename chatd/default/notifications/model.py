"""Values of the queue ``offline.event.delivery``. Times are microseconds since the Unix epoch."""

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["sent", "failed", "dead", "postponed", "forgotten", "gone"]


LONGEST_LOOK_US = 86_400_000_000
"""The longest pause between two looks at a notification that was sent."""
SKEW_US = 60_000_000
"""The clocks of two nodes may differ by as much without anything being due too early."""

DUE = "due_at_us <= ?"
"""Parameter: the time."""
STRAYED = "due_at_us > ? AND (attempts = 0 OR due_at_us > ?)"
"""Due later than a row can be. Parameters: ``LongestPauses.bounds``. Asked by itself, so that each
is a range of an index."""


@dataclass(frozen=True, slots=True)
class LongestPauses:
    """The longest time that a notification waits, before its first try and between two. One that is
    due later was written when the clock was ahead: it is due now."""

    first_us: int
    retry_us: int

    def bounds(self, condition: str, state: str, now_us: int) -> tuple[int, ...]:
        """The parameters of DUE or STRAYED for rows of a state: the time, or the latest at which
        they can be due, before a first try and after."""
        if condition == DUE:
            return (now_us,)
        now_us += SKEW_US
        if state == "sent":
            return now_us + LONGEST_LOOK_US, now_us + LONGEST_LOOK_US
        return now_us + self.first_us, now_us + max(self.first_us, self.retry_us)


@dataclass(frozen=True, slots=True)
class ClaimedNotification:
    """A row of the queue that this node has for itself until the claim runs out."""

    profile_id: str
    device_id: str
    room_id: str
    seq: int
    kind: str
    """"message", "dismiss" or "invitation"."""
    attempts: int
    sent: bool
    """It was sent; the question is whether its device has taken everything since."""
    claimed_until_us: int
    slot: str = ""
    """Empty: the device's next message. Otherwise the room that it was told of, or behind a colon
    the one that it is to be told it is invited to."""


@dataclass(frozen=True, slots=True)
class NotificationOutcome:
    """The outcome of a claim. ``pause_us``: until it is tried or looked at again; after "sent",
    until the device's next one. ``told``: room and seq that were sent."""

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
    slot: str
    """As ClaimedNotification has it."""


@dataclass(frozen=True, slots=True)
class EnqueuedPage:
    """The end of a page of members; the room is enqueued up to ``up_to`` when ``after`` is
    empty."""

    up_to: int = 0
    after: str = ""

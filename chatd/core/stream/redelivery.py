"""Deliveries that a device does not acknowledge: counted as failed, sent again, and in the end sent
alone.

Only the oldest delivery in flight can be blamed: later ones may be fine and merely wait behind it.
All times are in seconds of any steady clock.
"""

from chatd.core.stream.pending_acks import PendingAcks
from chatd.core.stream.window import Window

LONGEST = 300.0
"""Seconds; the timeout doubles up to this."""


class AckTimer:
    """Times the oldest delivery in flight, by comparing at each call how far the device has
    acknowledged."""

    __slots__ = ("_acked", "_since", "_tries")

    def __init__(self) -> None:
        self._acked = -1
        self._since = 0.0
        self._tries = 0

    def is_over(self, *, acked: int, in_flight: bool, now: float, first: float) -> bool:
        """True if no ack has arrived for the current timeout: ``first``, doubled each time up to
        LONGEST."""
        if not in_flight:
            self._acked = -1
            return False
        if self._acked != acked:
            self._acked, self._since, self._tries = acked, now, 0
            return False
        if now - self._since < min(first * 2.0**self._tries, LONGEST):
            return False
        self._since = now
        self._tries = min(self._tries + 1, 20)
        return True


class Redelivery:
    """Failures of one stream: counted first, and sent again only when the database has the
    count."""

    __slots__ = ("_pending_acks", "_resends", "_timer", "_window", "again", "alone")

    def __init__(self, window: Window, pending_acks: PendingAcks) -> None:
        self._window = window
        self._pending_acks = pending_acks
        self._timer = AckTimer()
        self._resends = False
        self.again: tuple[str, int] | None = None
        """Room and seq of the delivery that the next pull asks for once more."""
        self.alone = 0
        """Deliveries that may be in flight after a suspect was sent; 0: as many as the window
        allows."""

    def overdue(self, now: float, first: float) -> bool:
        """True if the oldest delivery in flight has had its time (``AckTimer``)."""
        window = self._window
        window.drop_given_up()
        return self._timer.is_over(acked=window.acked, in_flight=not window.empty, now=now, first=first)

    def oldest_failed(self, *, send_again: bool) -> bool:
        """Count the oldest delivery in flight as failed, with the next acks. False: nothing is in
        flight."""
        oldest = self._window.oldest
        if oldest is None:
            return False
        self._pending_acks.failed(*oldest)
        self._resends = send_again
        return True

    def failure_written(self, failed: tuple[str, int]) -> bool:
        """The database has counted the failure. True: the delivery is still in flight, so pull it
        again."""
        if not self._resends or self._window.oldest != failed:
            return False
        self.again = failed
        return True

    def answered(self, asked: tuple[str, int] | None, *, suspect: bool) -> None:
        """A pull is answered. ``asked``: it asked for this once more; ``suspect``: it brought
        one."""
        if self.again == asked:  # else another one has failed meanwhile
            self.again = None
        if suspect:
            self.alone = 1

    def acked(self) -> None:
        """Open the window again by doubling, each time everything in flight has been
        acknowledged."""
        if self._window.empty:
            self.alone = self.alone * 2 if self.alone * 2 < self._window.max_messages else 0

    def caught_up(self) -> None:
        """Everything owed was sent: no suspect is left."""
        self.alone = 0

    @property
    def has_room(self) -> bool:
        """True if a pull may bring something new."""
        return self._window.empty if self.alone else self._window.half_free

    def limit(self, messages: int) -> int:
        """Deliveries that a pull may ask for, ``messages`` at most, besides the one that is sent
        again."""
        if not self.alone:
            return messages
        in_flight = self._window.sent - self._window.acked
        return min(messages, max(0, self.alone - in_flight))

"""What has arrived on a stream and waits for the application, in order, and how far the application has come. No I/O.

The place is kept here and not in a loop of the application's: who breaks off and iterates again goes on where it was. An urgent event is
given before whatever of other rooms still waits, together with what is before it in its own.
"""

from collections import deque
from typing import NamedTuple

from chatd.client.delivery import Delivery
from chatd.core.priority import URGENT


class Position(NamedTuple):
    """So many deliveries of a connection. ``size``: bytes of the frames that are complete with them."""

    connection: int
    handled: int
    size: int


class Frame(NamedTuple):
    """One frame's deliveries. ``fresh`` is what of them is to be shown; the rest were repeats."""

    total: int
    size: int
    end: Position
    """Where the connection stands with this frame handled."""
    fresh: list[Delivery]


class Arrivals:
    """A queue of frames, as long as the window allows: nothing is acknowledged before the application took it and came back."""

    def __init__(self) -> None:
        self._frames: deque[Frame] = deque()
        self._early: deque[Delivery] = deque()  # taken out of the frames; counted as given with what is left of those
        self._taken = 0  # of the first frame
        self.given = Position(0, 0, 0)
        """Handled, once the application asks for more."""

    def __bool__(self) -> bool:
        return bool(self._early or self._frames)

    def add(self, frame: Frame) -> None:
        self._frames.append(frame)
        last_urgent = {one.room_id: one.number for one in frame.fresh if one.priority >= URGENT}
        if last_urgent and (len(self._frames) > 1 or len(frame.fresh) > 1):
            self._bring_forward(last_urgent)

    def _bring_forward(self, last_urgent: dict[str, int]) -> None:
        """Take out what waits of these rooms, up to the given deliveries of the newest frame."""
        newest = self._frames[-1]
        for frame in self._frames:
            start = self._taken if frame is self._frames[0] else 0
            left = []
            for one in frame.fresh[start:]:
                if one.room_id in last_urgent and (frame is not newest or one.number <= last_urgent[one.room_id]):
                    self._early.append(one)
                else:
                    left.append(one)
            frame.fresh[start:] = left

    def take_one(self) -> Delivery | None:
        """The next delivery; None when there is none (repeats on the way to it count as given)."""
        if self._early:
            return self._early.popleft()
        while self._frames:
            frame = self._frames[0]
            if self._taken == len(frame.fresh):
                self._finish(frame)
                continue
            delivery = frame.fresh[self._taken]
            self._taken += 1
            if self._taken == len(frame.fresh):
                self._finish(frame)
            else:
                # Repeats among them are not counted before the frame's last: an ack may be late, never early.
                connection, count, size = frame.end
                self.given = Position(connection, count - frame.total + self._taken, size - frame.size)
            return delivery
        return None

    def take_batch(self) -> list[Delivery]:
        """What is urgent, or what is left of the first frame that has anything to show; empty when there is none."""
        if self._early:
            urgent = list(self._early)
            self._early.clear()
            return urgent
        while self._frames:
            frame = self._frames[0]
            fresh = frame.fresh[self._taken :]
            self._finish(frame)
            if fresh:
                return fresh
        return []

    def _finish(self, frame: Frame) -> None:
        self._frames.popleft()
        self._taken = 0
        self.given = frame.end

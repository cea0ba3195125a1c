"""What has arrived on a stream and waits for the application, in order, and how far the application has come. No I/O.

The place is kept here and not in a loop of the application's: who breaks off and iterates again goes on where it was.
"""

from collections import deque
from typing import NamedTuple

from chatd.client.delivery import Delivery


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
        self._taken = 0  # of the first frame
        self.given = Position(0, 0, 0)
        """Handled, once the application asks for more."""

    def __bool__(self) -> bool:
        return bool(self._frames)

    def add(self, frame: Frame) -> None:
        self._frames.append(frame)

    def take_one(self) -> Delivery | None:
        """The next delivery; None when there is none (repeats on the way to it count as given)."""
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
        """What is left of the first frame that has anything to show; empty when there is none."""
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

"""Deliveries that wait for the application, in order, and the application's place among them. No
I/O.

The place is kept here, so an application that leaves its loop and iterates again goes on where it
was. An urgent event, with the events before it in its room, overtakes events of other rooms that
still wait.
"""

from collections import deque
from typing import NamedTuple

from chatd.client.delivery import Delivery
from chatd.core.priority import URGENT


class Position(NamedTuple):
    """The first ``handled`` deliveries of a connection. ``size``: bytes of the frames they
    complete."""

    connection: int
    handled: int
    size: int


class Frame(NamedTuple):
    """A frame of ``total`` deliveries in ``size`` bytes. ``fresh``: those to show; the rest were
    repeats."""

    total: int
    size: int
    end: Position
    """The connection's position when this frame is handled."""
    fresh: list[Delivery]


class Arrivals:
    """A queue of frames. The window bounds it, since only deliveries that were handled are
    acknowledged."""

    def __init__(self) -> None:
        self._frames: deque[Frame] = deque()
        # Taken out of their frames; they count as given with the rest of those.
        self._early: deque[Delivery] = deque()
        self._taken = 0  # deliveries of the first frame
        self.given = Position(0, 0, 0)
        """The position that is handled once the application asks for more."""

    def __bool__(self) -> bool:
        return bool(self._early or self._frames)

    def add(self, frame: Frame) -> None:
        self._frames.append(frame)
        last_urgent = {one.room_id: one.number for one in frame.fresh if one.priority >= URGENT}
        if last_urgent and (len(self._frames) > 1 or len(frame.fresh) > 1):
            self._bring_forward(last_urgent)

    def _bring_forward(self, last_urgent: dict[str, int]) -> None:
        """Take out the waiting deliveries of these rooms, up to these numbers in the newest
        frame."""
        newest = self._frames[-1]
        for frame in self._frames:
            start = self._taken if frame is self._frames[0] else 0
            left = []
            for one in frame.fresh[start:]:
                last = last_urgent.get(one.room_id)
                if last is not None and (frame is not newest or one.number <= last):
                    self._early.append(one)
                else:
                    left.append(one)
            frame.fresh[start:] = left

    def take_one(self) -> Delivery | None:
        """The next delivery, None if there is none. Repeats before it count as given."""
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
                # The frame's repeats are counted with its last delivery: an ack may be late, never
                # early.
                connection, count, size = frame.end
                self.given = Position(connection, count - frame.total + self._taken, size - frame.size)
            return delivery
        return None

    def take_batch(self) -> list[Delivery]:
        """All urgent deliveries, or the rest of the first frame that has any; empty if nothing
        waits."""
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

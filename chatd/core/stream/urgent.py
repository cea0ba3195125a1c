"""Urgent events that reach the device while a pull is under way, ahead of the pull's answer.

They take only room that the pull has not asked for. The answer was read without them: a run of
their rooms may then repeat them, or begin too early.
"""

from enum import Enum, auto

from chatd.core.model import OwedRun
from chatd.core.stream.published import Published
from chatd.core.stream.window import Window


class Place(Enum):
    """The place of a pulled run, by the time it arrives."""

    FREE = auto()
    """It is next in its room, and there is room for it."""
    TAKEN = auto()
    """The device has it already."""
    LOST = auto()
    """It does not fit any more: it has to be pulled again."""


class Overtaking:
    """One pull, for ``messages`` deliveries of ``size`` bytes together, and the rooms that overtake
    it."""

    __slots__ = ("_messages", "_rooms", "_size", "_window")

    def __init__(self, window: Window, messages: int, size: int) -> None:
        self._window = window
        self._messages = messages
        self._size = size
        self._rooms: set[str] = set()

    def fits(self, message: Published) -> bool:
        """True if the message fits beside everything that the pull may bring."""
        window = self._window
        messages, size = message.events + self._messages, len(message.records) + self._size
        return messages <= window.free_messages and size <= window.free_bytes

    def went(self, message: Published) -> None:
        """The message was sent."""
        self._rooms.update(run.room_id for run in message.runs)

    def place_of(self, run: OwedRun, sent: int, *, alone: bool) -> Place:
        """``sent``: the position of the run's room; ``alone``: nothing else may be in flight with
        the run."""
        if not self._rooms:
            return Place.FREE
        overtaken = run.room_id in self._rooms
        if overtaken and run.last_seq <= sent:
            return Place.TAKEN
        count = 1 if run.skipped else run.last_seq - run.first_seq + 1
        # A run larger than the window, or a suspect, was asked for when nothing was in flight.
        fits = self._window.fits(count, len(run.records), urgent=True) and (self._window.empty or not alone)
        if fits and (not overtaken or run.first_seq == sent + 1):
            return Place.FREE
        self._rooms.add(run.room_id)  # the next run of this room would leave a hole
        return Place.LOST

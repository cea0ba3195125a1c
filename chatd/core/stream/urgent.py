"""Urgent events that go to the device while a pull is under way, ahead of what the pull will bring. No I/O.

They take only room that the pull has not asked for. What the answer brings of their rooms may then be a repeat, or begin too early.
"""

from collections.abc import Iterable
from enum import Enum, auto

from chatd.core.model import OwedRun
from chatd.core.stream.window import Window


class Place(Enum):
    """What has become of a run's place while it was on its way."""

    FREE = auto()
    TAKEN = auto()
    """The device has it already."""
    LOST = auto()
    """It does not fit any more: it has to be pulled again."""


class Overtaking:
    """Between ``begin`` and the next one: one pull and its answer."""

    __slots__ = ("_bytes", "_messages", "_rooms", "_window")

    def __init__(self, window: Window) -> None:
        self._window = window
        self._messages = self._bytes = 0
        self._rooms: set[str] = set()

    def begin(self, messages: int, size: int) -> None:
        """A pull for so many deliveries and bytes goes out."""
        self._messages, self._bytes = messages, size
        self._rooms.clear()

    def is_possible(self, count: int, size: int) -> bool:
        """Whether there is room for ``count`` deliveries of ``size`` bytes together beside what the pull may bring."""
        return count + self._messages <= self._window.free_messages and size + self._bytes <= self._window.free_bytes

    def went(self, rooms: Iterable[str]) -> None:
        """Events of these rooms were sent."""
        self._rooms.update(rooms)

    def place_of(self, run: OwedRun, sent: int, *, alone: bool) -> Place:
        """``sent``: how far the run's room has been sent; ``alone``: nothing else may be in flight with it."""
        if not self._rooms:
            return Place.FREE
        mine = run.room_id in self._rooms
        if mine and run.last_seq <= sent:
            return Place.TAKEN
        count = 1 if run.skipped else run.last_seq - run.first_seq + 1
        # Larger than the window, or under suspicion, it was asked for when nothing was in flight.
        fits = self._window.fits(count, len(run.records), urgent=True) and (self._window.empty or not alone)
        if fits and (not mine or run.first_seq == sent + 1):
            return Place.FREE
        self._rooms.add(run.room_id)  # what follows in this room would leave a hole
        return Place.LOST

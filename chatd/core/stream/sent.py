"""Everything that was sent on one stream: each room's position, and the window with what is in
flight."""

from collections.abc import Iterable, Mapping

from chatd.core.model import OwedRun
from chatd.core.stream.published import Published
from chatd.core.stream.window import RunKind, Window

UNKNOWN = -1
"""The position of a room that nothing is known of."""


class Sent:
    """A room's position is the last seq that was sent, or of which it is known that it needs no
    sending."""

    __slots__ = ("_positions", "window")

    def __init__(self, window: Window) -> None:
        self.window = window
        self._positions: dict[str, int] = {}

    def position(self, room_id: str) -> int:
        return self._positions.get(room_id, UNKNOWN)

    def positions(self, room_ids: Iterable[str]) -> dict[str, int]:
        """The positions of these rooms, which must be known."""
        return {room_id: self._positions[room_id] for room_id in room_ids}

    def learn(self, cursors: Mapping[str, int]) -> None:
        """``cursors``: room → seq, for rooms of which nothing is owed. Known rooms stay as they
        are."""
        for room_id, seq in cursors.items():
            self._positions.setdefault(room_id, seq)

    def accept(self, message: Published) -> bool:
        """Count a message as sent, if all its runs are next in their rooms and it fits; else return
        False."""
        runs, events, records, urgent = message
        window, positions = self.window, self._positions
        if len(runs) == 1:  # nearly always
            room_id, first_seq, last_seq = runs[0]
            if positions.get(room_id, UNKNOWN) + 1 != first_seq:
                return False
            size = len(records)
            if not window.fits(events, size, urgent=urgent):
                return False
            positions[room_id] = last_seq
            window.add(room_id, first_seq, last_seq, size)
            return True
        for room_id, first_seq, _ in runs:
            if positions.get(room_id, UNKNOWN) + 1 != first_seq:
                return False
        size = len(records)
        if not window.fits(events, size, urgent=urgent):
            return False
        last = runs[-1]
        for run in runs:
            room_id, first_seq, last_seq = run
            positions[room_id] = last_seq
            # All bytes are counted with the last run: they are freed a little late, never early.
            window.add(room_id, first_seq, last_seq, size if run is last else 0)
        return True

    def is_repeat(self, message: Published) -> bool:
        """True if every run was sent before."""
        return all(run.last_seq <= self._positions.get(run.room_id, UNKNOWN) for run in message.runs)

    def accept_run(self, run: OwedRun) -> None:
        """Count a pulled run that follows as sent."""
        self._positions[run.room_id] = run.last_seq
        self.window.add(
            run.room_id,
            run.first_seq,
            run.last_seq,
            len(run.records),
            kind=RunKind.REMOVED if run.skipped else RunKind.NEW,
        )

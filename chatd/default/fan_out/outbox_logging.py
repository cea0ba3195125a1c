"""RoomOutboxLoggingQueue: "room.outbox.logging.event" → EventBroadcast.

Outbox entries are ranges: every subscriber's device already has one that ends at the room's head,
so logging an event for everybody is the one row its commit wrote. This stage says who it is for,
and keeps the room's fan-out mark.
"""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from chatd.core.metric import StageTimes
from chatd.core.model import CommittedRun, Members


class EventBroadcast(NamedTuple):
    """Events of one room that follow each other, and everybody they are for. The in-process form of
    the protobuf message."""

    room_id: str
    first_seq: int
    last_seq: int
    records: bytes
    targets: Members
    priority: int
    """The highest of the events'."""


class RoomOutboxLoggingQueue:
    """First stage behind the writer. ``emit`` is the next one."""

    def __init__(self, emit: Callable[[Sequence[EventBroadcast]], None]) -> None:
        self._emit = emit
        self._marks: dict[str, list[tuple[str, int, int]]] = {}
        self.times = StageTimes(
            "room.outbox.logging.event", "from the commit, over the wait for the fan-out, to its first stage"
        )

    def handle(self, runs: Sequence[CommittedRun]) -> None:
        """Fan out a batch, urgent rooms first, then remember how far each room has come."""
        if runs[0].committed_at:
            self.times.observe(time.monotonic() - runs[0].committed_at)
        if len(runs) > 1:
            runs = by_priority(runs)
        self._emit(
            [
                EventBroadcast(
                    run.room_id, run.first_seq, run.last_seq, run.records, run.recipients, run.priority
                )
                for run in runs
            ]
        )
        for run in runs:
            marks = self._marks.setdefault(run.room_id, [])
            if marks and marks[-1][2] + 1 == run.first_seq:
                marks[-1] = (run.room_id, marks[-1][1], run.last_seq)
            else:
                marks.append((run.room_id, run.first_seq, run.last_seq))

    def put_back(self, runs: Sequence[tuple[str, int, int]]) -> None:
        """These marks cannot move yet: another node has not finished the events before them."""
        for run in reversed(runs):
            marks = self._marks.setdefault(run[0], [])
            if marks and run[2] + 1 == marks[0][1]:
                marks[0] = (run[0], run[1], marks[0][2])
            else:
                marks.insert(0, run)

    def take_marks(self) -> tuple[tuple[str, int, int], ...]:
        """Fan-out marks to write: room, first and last seq that were fanned out."""
        marks, self._marks = self._marks, {}
        return tuple(mark for of_room in marks.values() for mark in of_room)


def by_priority(runs: Sequence[CommittedRun]) -> Sequence[CommittedRun]:
    """Rooms with the highest priority first. A room's runs stay together and in their order: an
    event before an urgent one comes before it and counts as much."""
    rooms: dict[str, int] = {}
    for run in runs:
        known = rooms.get(run.room_id)
        if known is None or run.priority > known:
            rooms[run.room_id] = run.priority
    if len(set(rooms.values())) == 1:
        return runs
    return [
        run if run.priority == rooms[run.room_id] else run._replace(priority=rooms[run.room_id])
        for run in sorted(runs, key=lambda run: -rooms[run.room_id])
    ]

"""DeletedRooms: ends the memberships of deleted rooms, and removes what is kept for them as soon as
nothing in them is owed to a device, in batches."""

from collections.abc import Callable
from functools import partial

from chatd.default.part import Part
from chatd.default.retention.model import Purged
from chatd.default.retention.store import PurgeLog
from chatd.default.rooms.deletion import (
    ClearRoom,
    DeletedRoom,
    EndMemberships,
    FindDeletedRooms,
    ForgetMemberships,
)
from chatd.errors import ChatdError
from chatd.store.access import StoreAccess, log_failure
from chatd.store.command import Command

BATCH = 200
"""Profiles of one command, and events: some 10 ms of the writer."""
ROOMS = 20
"""Rooms looked at in one query."""


class DeletedRooms:
    """``begin`` starts a pass, or has the one that is under way followed by another. ``period`` is
    in seconds."""

    def __init__(self, store: StoreAccess, *, period: float) -> None:
        self._store = store
        self._busy = False
        self._again = False
        self.part = Part(every=((period, self.begin),))

    def begin(self) -> None:
        """Look at all deleted rooms: one has been deleted, or it is time."""
        self._again = self._busy
        if not self._busy:
            self._busy = True
            self._look("")

    def _look(self, after_room_id: str) -> None:
        self._store.ask(FindDeletedRooms(after_room_id, ROOMS, BATCH), self._found, self._failed)

    def _found(self, rooms: tuple[DeletedRoom, ...]) -> None:
        self._next(list(rooms), rooms[-1].room_id if len(rooms) == ROOMS else "")

    def _next(self, rooms: list[DeletedRoom], after_room_id: str) -> None:
        if not rooms:
            if after_room_id:
                self._look(after_room_id)
            else:
                self._end()
            return
        room, *others = rooms
        done = partial(self._next, others, after_room_id)
        if room.members:
            self._again = True
            self._write(EndMemberships(room.room_id, room.members), done)
        elif room.owed:
            done()
        else:
            self._purge(room, done)

    def _purge(self, room: DeletedRoom, done: Callable[[], None]) -> None:
        def purged(step: Purged) -> None:
            if step.more:
                self._purge(room, done)
            elif room.past:
                self._again = True
                self._write(ForgetMemberships(room.room_id, room.deleted_seq, room.past), done)
            else:
                self._clear(room, done)

        self._store.write(PurgeLog(room.room_id, room.deleted_seq, 0, BATCH, 0), purged, self._failed)

    def _clear(self, room: DeletedRoom, done: Callable[[], None]) -> None:
        def cleared(more: bool) -> None:
            if more:
                self._clear(room, done)
            else:
                done()

        self._store.write(ClearRoom(room.room_id, room.deleted_seq), cleared, self._failed)

    def _write(self, command: Command[None], done: Callable[[], None]) -> None:
        self._store.write(command, lambda result: done(), self._failed)

    def _end(self) -> None:
        self._busy = False
        if self._again:
            self.begin()

    def _failed(self, error: ChatdError) -> None:
        """The next pass begins anew."""
        log_failure(error, "A pass over deleted rooms ended early; the next one begins anew")
        self._busy = False

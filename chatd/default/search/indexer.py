"""Indexer: the rooms' logs → the index of texts, a part at a time, behind all other work.

A node indexes the rooms in which it has stored events. A sweep finds those that were left behind,
by a node that died or while search was off; so an index that is new fills itself.
"""

import asyncio
import time
from collections.abc import Callable, Sequence

import structlog

from chatd.core.counter import Counter
from chatd.core.metric import Gauge
from chatd.core.model import CommittedRun
from chatd.default.part import Part
from chatd.default.search.index import FindUnindexedRooms, IndexEvents, MakeIndex, ReadUnindexed
from chatd.default.search.model import Indexed
from chatd.errors import ChatdError, ConfigError, StoreFailed
from chatd.store.access import StoreAccess, log_failure

log = structlog.get_logger()

TICK = 1.0
"""Seconds between two passes."""
SWEEP_SECONDS = 60.0
RETRY_SECONDS = 10.0
"""Seconds until the next try after one that failed."""
SWEPT = 1_000
"""Rooms that one query of a sweep looks at."""
ROOMS = 100
"""Rooms of one part."""
EVENTS = 200
"""Events of one part: some ten milliseconds of the writer, of which others have a share."""


class Indexer:
    """A pass starts each TICK, unless one is under way; ``steady`` gives seconds."""

    def __init__(self, store: StoreAccess, *, steady: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._steady = steady
        self._rooms: dict[str, None] = {}
        self._busy = False
        self._is_behind = False
        self._next_sweep = 0.0
        self._resume_at = 0.0
        self._indexed = Counter("search_events_indexed", "messages added to the index of texts")
        self.part = Part(
            prepare=self._make,
            every=((TICK, self.begin),),
            counters=(self._indexed,),
            gauges=(
                Gauge("search_rooms_behind", "rooms with events to be indexed", lambda: len(self._rooms)),
            ),
        )

    def committed(self, runs: Sequence[CommittedRun]) -> None:
        """Events have been stored by this node."""
        self._rooms.update(dict.fromkeys(run.room_id for run in runs))

    def begin(self) -> None:
        """Start a pass, unless so much waits that the index has to."""
        if self._busy or self._store.is_busy() or self._steady() < self._resume_at:
            return
        self._busy = True
        if self._steady() >= self._next_sweep:
            self._sweep("")
        else:
            self._index()

    async def _make(self) -> None:
        """Make the index if there is none. Raises what the database answers, ConfigError if it
        cannot have one."""
        made: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._store.write(MakeIndex(), made.set_result, made.set_exception)
        try:
            await made
        except StoreFailed as exc:
            raise ConfigError(f"SEARCH: the database makes no index of texts: {exc.detail}") from exc

    def _sweep(self, after_room_id: str) -> None:
        self._store.ask(FindUnindexedRooms(after_room_id, SWEPT), self._on_swept, self._end_early)

    def _on_swept(self, found: tuple[tuple[str, ...], str]) -> None:
        rooms, last = found
        self._rooms.update(dict.fromkeys(rooms))
        if last:
            self._sweep(last)
            return
        self._next_sweep = self._steady() + SWEEP_SECONDS
        if len(self._rooms) > ROOMS and not self._is_behind:
            self._is_behind = True
            log.info("The index of texts is behind; it is brought up to date", rooms=len(self._rooms))
        self._index()

    def _index(self) -> None:
        rooms = tuple(self._rooms)[:ROOMS]
        if not rooms:
            self._busy = False
            if self._is_behind:
                self._is_behind = False
                log.info("The index of texts is up to date", indexed=self._indexed.value)
            return
        for room_id in rooms:
            del self._rooms[room_id]  # whatever is stored from here on brings it back
        self._store.ask(ReadUnindexed(rooms, EVENTS), self._on_read, self._end_early)

    def _on_read(self, part: Indexed) -> None:
        def written(done: bool) -> None:
            if done:
                self._indexed.add(len(part.documents))
                self._rooms.update(dict.fromkeys(part.more))
                self._index()
            else:  # another node is at it: the next pass goes on
                self._rooms.update(dict.fromkeys(room_id for room_id, _ in part.marks))
                self._busy = False

        if part.marks:
            self._store.write(IndexEvents(part), written, self._end_early)
        else:
            self._rooms.update(dict.fromkeys(part.more))
            self._index()

    def _end_early(self, error: ChatdError) -> None:
        """The next sweep finds what is left."""
        log_failure(error, "The index of texts was not brought up to date; the next pass begins anew")
        self._next_sweep = 0.0
        self._resume_at = self._steady() + RETRY_SECONDS
        self._busy = False

"""Fan-out as one part: events go from their commit through the stages to the queue, and the room's
mark follows them.

FanOutPacer ─▶ RoomOutboxLoggingQueue ─▶ OutboxDeliveryEventHandler ─▶
EventDeliveryQueueHandler ─▶ publisher
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

import structlog

from chatd.core.metric import Gauge
from chatd.core.model import CommittedRun
from chatd.default.fan_out.active_rooms import ROOMS_AT_ONCE, FindQuietRooms, ForgetActiveRooms
from chatd.default.fan_out.last_mile_delivery import EventDeliveryQueueHandler
from chatd.default.fan_out.marks import MarkPublished, Run
from chatd.default.fan_out.outbox_delivery import OutboxDeliveryEventHandler
from chatd.default.fan_out.outbox_logging import RoomOutboxLoggingQueue
from chatd.default.fan_out.pacer import FanOutPacer
from chatd.default.fan_out.repair import CountUnpublished, FindUnpublished, Unpublished
from chatd.default.part import Part
from chatd.errors import ChatdError
from chatd.store.access import StoreAccess, log_failure
from chatd.store.polled import Polled

log = structlog.get_logger()

MARKS_SECONDS = 1.0
"""Marks are gathered this long, and a quarter of the time between two repairs at most: a mark of
its own for each event would double what is written. After a crash the events of this time are
published again."""
MARKS_AT_ONCE = 128
"""Rooms whose marks one transaction moves."""
MARKS_PAUSE_SECONDS = 5.0
"""The longest wait for the next try while marks cannot be written, as on a full disk; it begins at
MARKS_SECONDS and doubles."""
QUIET_SECONDS = 60.0
"""Rooms are active for this long, and for as long as events of them are not published."""
REPAIR_EVENTS = 1_000
"""Events of each room that one repair publishes; the next repair takes the next."""


SendMarks = Callable[[tuple[Run, ...]], None]


def _unchanged(send: SendMarks) -> SendMarks:
    return send


class FanOut:
    """``linger`` is the longest time that events wait for more, ``repair`` the time between two
    searches for events that a dead node left unpublished; both in seconds. ``clock`` gives
    microseconds since the Unix epoch."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        store: StoreAccess,
        last_mile: EventDeliveryQueueHandler,
        *,
        linger: float,
        repair: float,
        clock: Callable[[], int],
        marks: Callable[[SendMarks], SendMarks] = _unchanged,
    ) -> None:
        self._store = store
        self._clock = clock
        self._now = loop.time
        self._marks_pause = 0.0
        self._marks_again_at = 0.0
        self._send_marks = marks(self._write)
        self._repair_us = round(repair * 1e6)
        outbox_delivery = OutboxDeliveryEventHandler(last_mile.handle)
        self._outbox_logging = RoomOutboxLoggingQueue(outbox_delivery.handle)
        self._pacer = FanOutPacer(
            self._outbox_logging.handle,
            published=lambda: last_mile.deliveries_published.value,
            now=loop.time,
            later=loop.call_later,
            longest=linger,
        )
        unpublished = Polled(store, CountUnpublished())
        self.part = Part(
            begin=(self._repair_all,),
            every=(
                (min(MARKS_SECONDS, repair / 4), self._write_marks),
                (repair, self._repair),
                (QUIET_SECONDS / 4, self._forget_quiet),
            ),
            counters=(last_mile.deliveries_published,),
            gauges=(
                Gauge("unpublished_rooms", "rooms with events that are not fanned out", unpublished.read),
            ),
            times=(self._outbox_logging.times, outbox_delivery.times),
            before_the_end=self._finish,
        )

    def handle(self, runs: Sequence[CommittedRun]) -> None:
        """Fan out the events of one transaction."""
        self._pacer.handle(runs)

    def _write_marks(self) -> None:
        if self._now() < self._marks_again_at:
            return
        marks = self._outbox_logging.take_marks()
        for start in range(0, len(marks), MARKS_AT_ONCE):
            self._send_marks(marks[start : start + MARKS_AT_ONCE])

    def _write(self, marks: tuple[Run, ...]) -> None:
        def failed(error: ChatdError) -> None:
            log_failure(error, "Fan-out marks could not be written; they are tried again")
            self._outbox_logging.put_back(marks)
            self._marks_pause = min(max(2 * self._marks_pause, MARKS_SECONDS), MARKS_PAUSE_SECONDS)
            self._marks_again_at = self._now() + self._marks_pause

        def written(waiting: Sequence[Run]) -> None:
            self._outbox_logging.put_back(waiting)
            self._marks_pause = 0.0

        self._store.write(MarkPublished(marks), written, failed)

    def _repair_all(self) -> None:
        """At start: whatever is unpublished was left by a process that is gone."""
        self._find_unpublished(before_us=self._clock())

    def _repair(self) -> None:
        self._find_unpublished(before_us=self._clock() - self._repair_us)

    def _find_unpublished(self, *, before_us: int, after: str = "") -> None:
        def found(unpublished: Unpublished) -> None:
            if unpublished.runs:
                log.info("Events that no node had fanned out are fanned out now", runs=len(unpublished.runs))
                self._outbox_logging.handle(unpublished.runs)
            if unpublished.after:
                self._find_unpublished(before_us=before_us, after=unpublished.after)

        self._store.ask(FindUnpublished(before_us=before_us, limit=REPAIR_EVENTS, after=after), found)

    def _forget_quiet(self) -> None:
        self._store.ask(FindQuietRooms(self._clock() - round(QUIET_SECONDS * 1e6)), self._on_quiet)

    def _on_quiet(self, rooms: tuple[str, ...]) -> None:
        if rooms:
            self._store.write(ForgetActiveRooms(rooms), partial(self._forgotten, len(rooms)))

    def _forgotten(self, asked: int, forgotten: int) -> None:
        if asked == forgotten == ROOMS_AT_ONCE:
            self._forget_quiet()

    async def _finish(self, seconds: float) -> None:
        self._pacer.release()
        self._marks_again_at = 0.0
        self._write_marks()

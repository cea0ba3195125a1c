"""Fan-out as one part: events go from their commit through the stages to the queue, and the room's
mark follows them.

FanOutPacer ─▶ RoomOutboxLoggingQueue ─▶ OutboxDeliveryEventHandler ─▶
EventDeliveryQueueHandler ─▶ publisher
"""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from chatd.core.metric import Gauge
from chatd.core.model import CommittedRun
from chatd.default.fan_out.last_mile_delivery import EventDeliveryQueueHandler
from chatd.default.fan_out.marks import MarkPublished, Run
from chatd.default.fan_out.outbox_delivery import OutboxDeliveryEventHandler
from chatd.default.fan_out.outbox_logging import RoomOutboxLoggingQueue
from chatd.default.fan_out.pacer import FanOutPacer
from chatd.default.fan_out.repair import FindUnpublished
from chatd.default.part import Part
from chatd.errors import ChatdError
from chatd.store.access import StoreAccess, log_failure
from chatd.store.polled import CountRows, Polled

log = structlog.get_logger()

MARKS_SECONDS = 0.05
"""Marks are gathered this long, so that they ride on a group commit."""
MARKS_PAUSE_SECONDS = 5.0
"""The longest wait for the next try while marks cannot be written, as on a full disk; it begins at
MARKS_SECONDS and doubles."""
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
        unpublished = Polled(store, CountRows("room", "published_seq < head_seq"))
        self.part = Part(
            begin=(self._repair_all,),
            every=((MARKS_SECONDS, self._write_marks), (repair, self._repair)),
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
        if marks:
            self._send_marks(marks)

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

    def _find_unpublished(self, *, before_us: int) -> None:
        self._store.ask(FindUnpublished(before_us=before_us, limit=REPAIR_EVENTS), self._on_unpublished)

    def _on_unpublished(self, runs: tuple[CommittedRun, ...]) -> None:
        if runs:
            log.info("Events that no node had fanned out are fanned out now", runs=len(runs))
            self._outbox_logging.handle(runs)

    async def _finish(self, seconds: float) -> None:
        self._pacer.release()
        self._marks_again_at = 0.0
        self._write_marks()

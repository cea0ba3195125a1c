"""FanOutPacer: between the writer and fan-out. Events that are committed while gateways still pass
on the last fan-out wait and go together with the next.

A room that talks faster than its devices can be reached then costs each device one larger message
instead of many small ones. Senders have their answers before this. An event after a quiet moment
goes at once.
"""

from collections.abc import Callable, Sequence

from chatd.core.model import CommittedRun
from chatd.core.priority import URGENT

DELIVERY_SECONDS = 4e-6
"""The next fan-out waits this long for each delivery of the last one. Found by trying (make bench
ARGS=hot-room): 1 µs changes nothing, from 4 µs on there are 40 % more deliveries; one event to 100
devices then holds up the next by 0.4 ms at most."""
JOINED_EVENTS = 128
JOINED_BYTES = 262_144
"""Limits of a joined run: it must not be larger than a device's window (WINDOW_BYTES)."""


class FanOutPacer:
    """``emit`` fans out; ``published`` counts the deliveries that came of it so far. ``longest`` is
    the longest wait in seconds (0: none), ``later`` calls back after so many seconds."""

    def __init__(
        self,
        emit: Callable[[Sequence[CommittedRun]], None],
        *,
        published: Callable[[], int],
        now: Callable[[], float],
        later: Callable[[float, Callable[[], None]], object],
        longest: float,
    ) -> None:
        self._emit = emit
        self._published = published
        self._now = now
        self._later = later
        self._longest = longest
        self._held: list[CommittedRun] = []
        self._again_at = 0.0

    def handle(self, runs: Sequence[CommittedRun]) -> None:
        """Fan out, now or soon. An urgent event goes now, and with it all that was committed
        before."""
        waits = bool(self._held)
        self._held += runs
        if any(run.priority >= URGENT for run in runs):
            self.release()
        elif not waits:
            left = self._again_at - self._now()
            if left > 0:
                self._later(left, self.release)
            else:
                self.release()

    def release(self) -> None:
        """Fan out all runs that wait."""
        if not self._held:
            return
        held, self._held = self._held, []
        before = self._published()
        for part in _join(held):
            self._emit(part)
        took = (self._published() - before) * DELIVERY_SECONDS
        self._again_at = self._now() + min(took, self._longest)


def _join(runs: Sequence[CommittedRun]) -> list[list[CommittedRun]]:
    """Parts to fan out one after the other: each holds at most one run of a room."""
    parts: list[dict[str, CommittedRun]] = [{}]
    for run in runs:
        before = parts[-1].get(run.room_id)
        if before is None:
            parts[-1][run.room_id] = run
        elif _follows(before, run):
            records, priority = before.records + run.records, max(before.priority, run.priority)
            parts[-1][run.room_id] = before._replace(
                last_seq=run.last_seq, records=records, priority=priority
            )
        else:
            parts.append({run.room_id: run})
    return [list(part.values()) for part in parts]


def _follows(before: CommittedRun, run: CommittedRun) -> bool:
    """True if both can go as one run."""
    return (
        before.recipients is run.recipients
        and before.last_seq + 1 == run.first_seq
        and run.last_seq - before.first_seq < JOINED_EVENTS
        and len(before.records) + len(run.records) <= JOINED_BYTES
    )

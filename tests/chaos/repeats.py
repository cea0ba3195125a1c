"""Events that a device was given again: none that it had acknowledged long before.

An ack waits for ACK_FLUSH_MS at a gateway, and then for a default node's commit. A gateway that is
killed takes the acks of this time with it, and no others. That can be judged where nothing else is
done to the system, and the stream that the ack was for went on: a ``Calm`` begins such a time and
the next ``Fault`` ends it. Another log (a restore) gives everything again, and an operator replays.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence

from tests.chaos.history import Acked, Shown, Skipped
from tests.chaos.stalls import RunningTime
from tests.chaos.verdict import Findings

WRITTEN_SECONDS = 2.0
"""PROTOCOL.md O11, with the default of ACK_FLUSH_MS; in the running time of ``stalls.py``."""
Span = tuple[float, float]
"""A time of calm."""
Streams = Mapping[tuple[str, str, str], Sequence[Shown | Skipped]]
"""(profile, device, room) → what was shown there."""


def check_repeats(
    found: Findings, streams: Streams, acks: Sequence[Acked], calms: Sequence[Span], time: RunningTime
) -> None:
    """Nothing is given again WRITTEN_SECONDS after its ack."""
    if not calms:
        return
    written = _written(streams, acks, calms, time)
    found.written += sum(map(len, written.values()))
    for (profile, device, room), records in streams.items():
        for record in records:
            if not isinstance(record, Shown) or not record.repeat or record.replay:
                continue
            for ack in written.get((profile, device, room, record.log), ()):
                if ack.seq >= record.seq and time.at(ack.t) + WRITTEN_SECONDS <= time.at(record.t):
                    found.add(
                        "R",
                        f"{profile}/{device} was given {room} {record.seq} again, {record.t - ack.t:.1f} s "
                        f"after it had acknowledged it",
                        ack,
                        record,
                    )
                    break


def _written(
    streams: Streams, acks: Sequence[Acked], calms: Sequence[Span], time: RunningTime
) -> dict[tuple[str, str, str, str], list[Acked]]:
    """(profile, device, room, log) → the acks that must be in the database since."""
    ends = _ends(acks, streams)
    begins = [begin for begin, _ in calms]
    found: dict[tuple[str, str, str, str], list[Acked]] = {}
    for ack in acks:
        place = bisect_right(begins, ack.t) - 1
        end = min(calms[place][1], ends[ack.profile, ack.device, ack.epoch, ack.log])
        if place >= 0 and time.at(ack.t) + WRITTEN_SECONDS <= time.at(end):
            found.setdefault((ack.profile, ack.device, ack.room, ack.log), []).append(ack)
    return found


def _ends(acks: Iterable[Acked], streams: Streams) -> dict[tuple[str, str, int, str], float]:
    """When each stream of a device that acknowledged was last heard: a newer one may take it over
    with acks under way."""
    ends: dict[tuple[str, str, int, str], float] = {}
    for one in acks:
        key = one.profile, one.device, one.epoch, one.log
        ends[key] = max(one.t, ends.get(key, one.t))
    for records in streams.values():
        for record in records:
            key = record.profile, record.device, record.epoch, record.log
            if key in ends:
                ends[key] = max(record.t, ends[key])
    return ends

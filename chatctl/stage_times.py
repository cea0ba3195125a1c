"""Times of the stages of a message's way, as percentiles of what happened lately."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

from chatd.pb.admin.v1.admin_pb2 import StageTimes

PAST = 30
"""Looks that "lately" covers."""

Counts = tuple[int, ...]


def percentile(counts: Sequence[int], bounds: Sequence[float], share: float) -> float | None:
    """The time below which this share of all times is, in the unit of ``bounds``: within a bucket
    they are taken as even. None: there are no times. A time above the longest bound counts as the
    longest bound."""
    wanted = share * sum(counts)
    if not wanted:
        return None
    for number, up_to in enumerate(accumulate(counts)):
        if up_to >= wanted:
            if number == len(bounds):
                break
            below = bounds[number - 1] if number else 0.0
            within = 1 - (up_to - wanted) / counts[number]
            return below + within * (bounds[number] - below)
    return bounds[-1]


def milliseconds(value: float | None) -> str:
    """A time for people."""
    if value is None:
        return "-"
    return f"{value:,.2f}" if value < 10 else f"{value:,.0f}"


def each_in_words(stages: Iterable[StageTimes], bounds_us: Sequence[int]) -> Iterator[tuple[str, str]]:
    """The percentiles of each stage in milliseconds: ("commit", "0.21/1.9")."""
    bounds = [bound / 1e3 for bound in bounds_us]
    for one in stages:
        p50, p99 = (percentile(one.counts, bounds, share) for share in (0.5, 0.99))
        if p50 is not None:
            yield one.stage, f"{milliseconds(p50)}/{milliseconds(p99)}"


def in_words(stages: Iterable[StageTimes], bounds_us: Sequence[int]) -> str:
    """The percentiles of several stages in a line."""
    shown = [f"{stage} {times}" for stage, times in each_in_words(stages, bounds_us)]
    return f"p50/p99 in ms: {', '.join(shown) or 'nothing yet'}"


class Lately:
    """Give it the counts at each look; a process that was started anew begins at nothing."""

    def __init__(self) -> None:
        self._past: deque[Mapping[str, Counts]] = deque(maxlen=PAST)

    def look(self, counts: Mapping[str, Counts]) -> None:
        self._past.append(counts)

    def counts(self, name: str) -> Counts:
        """Counts between the first and the last of the looks; from the process's start if
        there is but one, or nothing happened since."""
        newest = self._past[-1].get(name, ()) if self._past else ()
        for look in self._past:
            before = look.get(name)
            if before is not None and len(before) == len(newest):
                since = tuple(now - then for now, then in zip(newest, before, strict=True))
                return since if min(since, default=0) >= 0 and any(since) else newest
        return newest

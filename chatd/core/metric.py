"""Figures of a process besides its counters. Each belongs to the part that it tells of, and is read
by whoever shows it. ``name`` is a metric's, without what stands before all of them."""

from bisect import bisect_left
from collections.abc import Callable, Mapping

from chatd.core.counter import Counter
from chatd.pb.admin.v1.admin_pb2 import StageTimes as StageTimesPb

Reading = float | Mapping[tuple[str, ...], float] | None
"""None: nobody knows. With labels: the label values of each figure → the figure."""

BUCKETS = (
    0.0001,
    0.00025,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
)
"""Upper bounds in seconds: a commit takes 0.2 ms on a good disk, an ack of a phone seconds."""


class Gauge:
    """A figure that rises and falls. ``read`` is called when it is shown: it must be cheap, and the
    values of ``labels`` few."""

    __slots__ = ("labels", "meaning", "name", "read")

    def __init__(
        self, name: str, meaning: str, read: Callable[[], Reading], *, labels: tuple[str, ...] = ()
    ) -> None:
        self.name = name
        self.meaning = meaning
        self.read = read
        self.labels = labels


class StageTimes:
    """Seconds that one stage of a message's way takes: a histogram. ``stage`` is the stage's name,
    ``meaning`` says from when to when."""

    __slots__ = ("counts", "meaning", "name", "stage", "total")

    def __init__(self, stage: str, meaning: str) -> None:
        self.name = "stage_seconds"
        self.stage = stage
        self.meaning = meaning
        self.counts = [0] * (len(BUCKETS) + 1)
        """For each bucket, and for what is above all of them."""
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        """It took so long once more. Clocks of two machines may disagree: nothing is below zero."""
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.total += max(0.0, seconds)

    def told(self) -> StageTimesPb:
        """The counts so far, as operators are told them."""
        return StageTimesPb(stage=self.stage, counts=self.counts)


Metric = Counter | Gauge | StageTimes

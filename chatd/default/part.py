"""Part: all that one subject brings to a node. A node is made of parts and knows none of them by
name."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from chatd.core.counter import Counter
from chatd.core.metric import Gauge, Metric, StageTimes
from chatd.default.answer import Method

Action = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Part:
    """``prepare`` is awaited before the node takes calls. ``begin`` runs once when it serves,
    ``every`` after each so many seconds, ``before_the_end`` when the node drains: it gets the
    seconds it may take. Parts begin and end in the order in which the node lists them."""

    calls: Sequence[Method] = ()
    prepare: Callable[[], Awaitable[None]] | None = None
    begin: Sequence[Action] = ()
    every: Sequence[tuple[float, Action]] = ()
    counters: Sequence[Counter] = ()
    gauges: Sequence[Gauge] = ()
    times: Sequence[StageTimes] = ()
    before_the_end: Callable[[float], Awaitable[None]] | None = None

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """All that can be shown of it."""
        return (*self.counters, *self.gauges, *self.times)

"""QueueWatch: whether what the default nodes publish reaches this gateway. When something may not
have come, streams pull.

Messages are numbered (``core/channel_numbers.py``) and each node sends a beat every second, so a
lost message is noticed by the next one. A node that answers calls while its beats do not come is
one whose queue is down: streams live by pulls until it is back.
"""

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from chatd.core.counter import Counter
from chatd.core.metric import Gauge
from chatd.core.outage import Outage
from chatd.errors import Unavailable
from chatd.gateway.backend import Backend
from chatd.gateway.default_node import Node
from chatd.gateway.resync import Resync
from chatd.gateway.watch import Watch
from chatd.transport.queue import Subscriber

log = structlog.get_logger()

SILENT_SECONDS = 3.0
"""Beats of a node that lives are missing after so long; one comes each second."""
PULL_SECONDS = 1.5
"""Between two pulls of a stream while beats are missing."""
PAUSE_SECONDS = 1.0
"""Between two repairs, however many messages are missing: a gateway that loses some because it has
too much to do is not given as much again."""
TICK_SECONDS = 0.25


@dataclass(slots=True)
class _Publisher:
    """One process of a node, and when its last beat came, on the loop's clock."""

    node: Node
    beat_at: float
    is_silent: bool = False


class QueueWatch:
    """``subscriber`` is told of processes that publish no more; ``tick`` is to be called every
    TICK_SECONDS."""

    def __init__(
        self,
        backend: Backend,
        watch: Watch,
        resync: Resync,
        subscriber: Subscriber,
        *,
        now: Callable[[], float],
    ) -> None:
        self._backend = backend
        self._watch = watch
        self._resync = resync
        self._subscriber = subscriber
        self._now = now
        self._publishers: dict[int, _Publisher] = {}
        self._missed: set[int] = set()
        self._repair_after = 0.0
        self._pull_after = 0.0
        self._is_owed = False
        self._outage = Outage(
            log,
            "Nothing comes from the queue of a default node; streams pull instead",
            "Everything comes from the queues again",
            now=now,
        )
        self.repairs = Counter(
            "queue_repairs", "times that all streams pulled because the queue may have lost something"
        )
        self.gauges = (
            Gauge(
                "queue_beat_age_seconds",
                "seconds since the last beat of each default node's queue",
                self._ages,
                labels=("node",),
            ),
        )

    def _ages(self) -> dict[tuple[str, ...], float]:
        now = self._now()
        return {
            (one.node.uri.partition("#")[0],): max(0.0, now - one.beat_at)
            for one in self._publishers.values()
        }

    @property
    def problem(self) -> str:
        """The reason why streams live by pulls; empty if they do not."""
        if not any(publisher.is_silent for publisher in self._publishers.values()):
            return ""
        return "nothing comes from the queue of a default node; streams pull instead"

    def missed(self, started_at_us: int) -> None:
        """A message of the process that started then has not come."""
        self._missed.add(started_at_us)
        self._repair()

    def reconnected(self, started_at_us: int) -> None:
        """It says that this gateway's subscriptions have come, for the first time or again."""
        if started_at_us in self._publishers:
            self.repairs.add()
        self._watch.resync(started_at_us)

    def beat(self, started_at_us: int, watched: int) -> None:
        """A beat has come; what the process publishes later knows the Watches up to ``watched``."""
        publisher = self._publishers.get(started_at_us)
        if publisher is not None:
            publisher.beat_at = self._now()
            if publisher.is_silent:
                publisher.is_silent = False
                self._missed.add(started_at_us)
        self._watch.applied(started_at_us, watched)

    def tick(self) -> None:
        """Look for nodes whose beats are missing."""
        now = self._now()
        living = self._backend.living()
        for node in living:
            self._publishers.setdefault(node.started_at_us, _Publisher(node, node.heard_at))
        for started_at_us, publisher in list(self._publishers.items()):
            # A node that answers no calls either is not silent for its queue's sake.
            if publisher.node in living and publisher.node.started_at_us == started_at_us:
                if publisher.node.heard_at - publisher.beat_at > SILENT_SECONDS:
                    self._is_silent(publisher)
            elif now - publisher.beat_at > SILENT_SECONDS:
                self._has_gone(started_at_us, publisher)
        self._repair()
        self._pull(now)

    def _is_silent(self, publisher: _Publisher) -> None:
        problem = self._subscriber.problem
        self._outage.failed(
            Unavailable("no beat has come in 3 seconds", detail=problem), node=publisher.node.uri
        )
        # An answer to a Watch said that it is heard, and says so of the calls alone.
        self._watch.silent(publisher.node)
        if not publisher.is_silent:
            publisher.is_silent = True
            self.repairs.add()

    def _has_gone(self, started_at_us: int, publisher: _Publisher) -> None:
        """Its last messages may not have come. Where it has been started again, streams pull
        when the new process is told the topics."""
        del self._publishers[started_at_us]
        self._subscriber.forget(started_at_us)
        if publisher.node.started_at_us == started_at_us:
            self._watch.silent(publisher.node)
            self._is_owed = True

    def _repair(self) -> None:
        now = self._now()
        if not self._missed or now < self._repair_after:
            return
        self._repair_after = now + PAUSE_SECONDS
        self.repairs.add()
        missed, self._missed = self._missed, set()
        for started_at_us in missed:
            self._watch.resync(started_at_us)

    def _pull(self, now: float) -> None:
        is_down = any(publisher.is_silent for publisher in self._publishers.values())
        if not is_down:
            self._outage.worked()
        if self._is_owed and self._backend.ready:
            self._is_owed = False
            self.repairs.add()
            self._resync.topics(None)
        elif is_down and now >= self._pull_after:
            self._pull_after = now + PULL_SECONDS
            self._resync.topics(None)

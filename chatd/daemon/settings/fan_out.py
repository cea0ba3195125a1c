"""Fan-out: events on their way from the log to the queue."""

from typing import ClassVar

from chatd.daemon.settings.section import MS_PER_SECOND, Section, number


class FanOutSection(Section):
    """A default node's."""

    title: ClassVar[str] = "Fan-out"

    fanout_linger_ms: int = number(
        10,
        "Longest time in milliseconds that a committed event waits, under load, to be fanned out together "
        "with others. Its sender has "
        "the answer before that. With 0 no event waits.",
        unit="ms",
        ge=0,
        le=1_000,
    )
    fanout_repair_seconds: float = number(
        5.0,
        "Seconds between two searches of a default node for committed events that another node did not fan "
        "out before it died.",
        unit="s",
        ge=0.1,
        le=3600,
    )

    def linger(self) -> float:
        """Seconds."""
        return self.fanout_linger_ms / MS_PER_SECOND

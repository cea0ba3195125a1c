"""Typing and receipts, which are never stored."""

from typing import ClassVar

from chatd.core.rate_limit import Rate
from chatd.daemon.settings.section import MS_PER_SECOND, Section, number


class SignalsSection(Section):
    """A default node's."""

    title: ClassVar[str] = "Typing and receipts"

    signal_flush_ms: int = number(
        50,
        "Milliseconds over which a default node gathers typing and receipts before it sends them to devices together.",
        unit="ms",
        ge=1,
        le=10_000,
    )
    receipt_room_limit: int = number(
        100,
        "Number of members up to which a room's devices are sent typing and receipts; larger rooms are sent "
        "none. With 0 no room is.",
        unit="members",
        ge=0,
        le=100_000,
    )
    typing_per_second: float = number(
        2.0,
        "Number of SetTyping calls per second that one user may make in one room; more are refused. With 0 "
        "there is no limit.",
        unit="calls/s",
        ge=0,
        le=1_000,
    )
    typing_burst: int = number(
        5,
        "Number of SetTyping calls that a user who made none before may make at once in one room.",
        unit="calls",
        ge=1,
        le=1_000,
    )

    def flush(self) -> float:
        """Seconds."""
        return self.signal_flush_ms / MS_PER_SECOND

    def typing_rate(self) -> Rate:
        """Calls of each profile in each room."""
        return Rate(self.typing_per_second, self.typing_burst)

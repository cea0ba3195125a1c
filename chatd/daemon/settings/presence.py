"""Presence: when a profile counts as offline, and how often it may change."""

from typing import ClassVar

from chatd.core.rate_limit import Rate
from chatd.daemon.settings.section import MS_PER_SECOND, Section, number

SECONDS_PER_MINUTE = 60


class PresenceSection(Section):
    """Default nodes decide, gateways limit the rate."""

    title: ClassVar[str] = "Presence"

    presence_grace_seconds: float = number(
        10.0,
        "Seconds that must pass after a user's last device has disconnected until the user is shown as offline.",
        unit="s",
        ge=0,
        le=600,
    )
    presence_settle_ms: int = number(
        500,
        "Milliseconds for which a user's presence must not have changed before the watchers are told. With 0 "
        "they are told at once.",
        unit="ms",
        ge=0,
        le=60_000,
    )
    presence_changes_per_minute: int = number(
        30,
        "Number of presence changes per minute that one device may make; more are refused. With 0 there is no limit.",
        unit="changes/min",
        ge=0,
        le=10_000,
    )
    presence_burst: int = number(
        5,
        "Number of presence changes that a device which made none before may make at once.",
        unit="changes",
        ge=1,
        le=1_000,
    )

    def settle(self) -> float:
        """Seconds."""
        return self.presence_settle_ms / MS_PER_SECOND

    def change_rate(self) -> Rate:
        """Changes of each device, a second."""
        return Rate(self.presence_changes_per_minute / SECONDS_PER_MINUTE, self.presence_burst)

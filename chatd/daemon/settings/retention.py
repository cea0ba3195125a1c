"""Retention: what is removed from rooms, and which devices are forgotten."""

from typing import ClassVar

from chatd.daemon.settings.section import Section, number
from chatd.default.retention.retention import RetentionRule


class RetentionSection(Section):
    """A default node's. An event is removed when a limit of its room allows it and no device within
    the backlog limits is still owed it."""

    title: ClassVar[str] = "Retention"

    retention_days: float = number(
        0,
        "Age in days beyond which events are removed from rooms, sooner where a room's rules say so (keep_days). "
        "With 0 age is no reason to remove an event, but by these rules.",
        unit="days",
        ge=0,
        le=36_500,
    )
    retention_events: int = number(
        0,
        "Number of events that a room keeps, fewer where its rules say so (keep_events); older ones are removed. "
        "With 0 number is no reason to remove an event, but by these rules.",
        unit="events",
        ge=0,
        le=10**12,
    )
    backlog_days: float = number(
        30,
        "Days for which events are kept beyond the limits of their room because a device has not "
        "acknowledged them yet. With 0 they "
        "are kept for as long as the device takes.",
        unit="days",
        ge=0,
        le=36_500,
    )
    backlog_events: int = number(
        100_000,
        "Number of unacknowledged events of one room up to which they are kept for a device beyond the "
        "limits of the room; for a device "
        "that is owed more, none are. With 0 there is no such limit.",
        unit="events",
        ge=0,
        le=10**12,
    )
    device_expiry_days: float = number(
        90,
        "Days after which a device that has not connected is forgotten, with everything it is owed. With 0 "
        "no device is forgotten.",
        unit="days",
        ge=0,
        le=36_500,
    )
    max_devices_per_profile: int = number(
        32,
        "Number of devices that one profile may have: each costs a row for every room of the profile, and "
        "clients choose their names. A new one beyond it takes the place of the device that has been unseen for "
        "longest, is owed nothing and is not connected; if there is none, it is refused.",
        unit="devices",
        ge=1,
        le=10_000,
    )
    audit_retention_days: float = number(
        365,
        "Days for which audit lines are kept: what operators did, and who was refused. At most the newest 100,000 "
        "calls that changed nothing are kept, and as many refusals.",
        unit="days",
        ge=1,
        le=36_500,
    )
    proposal_expiry_days: float = number(
        7,
        "Days after which a proposal that nobody has approved or rejected expires. With 0 none does.",
        unit="days",
        ge=0,
        le=36_500,
    )
    retention_sweep_seconds: float = number(
        60.0,
        "Seconds between two searches of a default node for events to remove and devices to forget.",
        unit="s",
        ge=0.1,
        le=86_400,
    )

    def rule(self) -> RetentionRule:
        """Ages in days; 0 is no limit."""
        return RetentionRule(
            keep_days=self.retention_days,
            keep_events=self.retention_events,
            backlog_days=self.backlog_days,
            backlog_events=self.backlog_events,
            expiry_days=self.device_expiry_days,
            audit_days=self.audit_retention_days,
            proposal_days=self.proposal_expiry_days,
        )

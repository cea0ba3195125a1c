"""Redelivery of what a device does not acknowledge, up to the dead letter."""

from typing import ClassVar

from chatd.daemon.settings.section import MS_PER_SECOND, Section, number
from chatd.default.dead_letters.failures import RetryRule

US_PER_MS = 1_000


class RedeliverySection(Section):
    """Gateways send again, default nodes count the failures: both should have the same values."""

    title: ClassVar[str] = "Redelivery"

    delivery_retry_ms: int = number(
        10_000,
        "Milliseconds after which a gateway sends an unacknowledged delivery again. The time doubles with "
        "each retry, up to 5 minutes.",
        unit="ms",
        ge=50,
        le=300_000,
    )
    max_delivery_retries: int = number(
        5,
        "Number of retries after which an unacknowledged delivery becomes a dead letter, and the device gets "
        "a marker in its place. "
        "With 0 the first failure makes it one.",
        unit="retries",
        ge=0,
        le=1000,
    )

    def first_pause(self) -> float:
        """Seconds until the first retry."""
        return self.delivery_retry_ms / MS_PER_SECOND

    def rule(self) -> RetryRule:
        """When a delivery has failed, and when for good."""
        return RetryRule(self.max_delivery_retries, self.delivery_retry_ms * US_PER_MS)

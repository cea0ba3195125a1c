"""The operators' service that knows whose a token is."""

import ipaddress
from collections.abc import Iterator
from typing import ClassVar
from urllib.parse import urlsplit

from pydantic import Field

from chatd.daemon.settings.masking import SecretUri, mask_path
from chatd.daemon.settings.section import MS_PER_SECOND, Place, Section, number
from chatd.gateway.authentication.webhook import WebhookSettings


class AuthenticationWebhookSection(Section):
    """A gateway's."""

    title: ClassVar[str] = "Authentication webhook"

    auth_webhook_url: SecretUri = Field(
        default="",
        description="Address of the service that a gateway asks about tokens that are neither in TOKENS_FILE "
        "nor JWTs: https://, or http:// on this machine. If it is empty, none is asked.",
    )
    auth_webhook_timeout_ms: int = number(
        3_000,
        "Milliseconds that a client waits for the service; then it is refused, and may try again.",
        unit="ms",
        ge=50,
        le=60_000,
    )
    auth_webhook_cache_seconds: float = number(
        60.0,
        "Seconds for which an answer of the service is good; a refusal for 5 s at most. With 0 each token is "
        "asked about each time.",
        unit="s",
        ge=0,
        le=86_400,
    )

    def webhook(self) -> WebhookSettings | None:
        """None: no service is asked."""
        if not self.auth_webhook_url:
            return None
        return WebhookSettings(
            self.auth_webhook_url,
            timeout=self.auth_webhook_timeout_ms / MS_PER_SECOND,
            keep=self.auth_webhook_cache_seconds,
        )

    def problems(self, place: Place) -> Iterator[str]:
        if self.auth_webhook_url and not _is_private(self.auth_webhook_url):
            yield "AUTH_WEBHOOK_URL: it must begin with https://, or with http:// and an address of this machine"

    def effective(self, place: Place) -> dict[str, str]:
        return super().effective(place) | {"auth_webhook_url": mask_path(self.auth_webhook_url)}


def _is_private(url: str) -> bool:
    """True if tokens that go there cannot be read on the way."""
    try:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            return parts.scheme == "https" and bool(parts.hostname)
        return parts.hostname == "localhost" or ipaddress.ip_address(parts.hostname).is_loopback
    except ValueError:
        return False

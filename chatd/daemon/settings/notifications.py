"""Notifications of devices that are away: by which notifiers, when, and how often."""

import re
from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field, SecretStr

from chatd.core.notification import NOTIFIERS
from chatd.daemon.settings.masking import SecretUri, mask_path
from chatd.daemon.settings.section import MS_PER_SECOND, OptionalPath, Place, Section, number
from chatd.default.notifications.sender import NotifyRule
from chatd.notify.choice import NotifierSettings


class NotificationsSection(Section):
    """A default node's."""

    title: ClassVar[str] = "Notifications"

    notifiers: str = Field(
        default="log",
        description="Ways to notify a device that is away, separated by commas: log, exec, webhook, webpush. "
        "A device chooses one of "
        "them; if this is empty, none is notified. webpush needs the extra chatd[webpush].",
    )
    notify_delay_seconds: float = number(
        5.0,
        "Seconds that a default node waits before it notifies a device that is away, in case the device comes back.",
        unit="s",
        ge=0,
        le=3600,
    )
    notify_quiet_seconds: float = number(
        30.0,
        "Seconds for which a device is not notified again after a notification, whatever arrives for it. "
        "With 0 there is no such pause.",
        unit="s",
        ge=0,
        le=86_400,
    )
    notify_tick_seconds: float = number(
        1.0,
        "Seconds between two searches of a default node for notifications that are due.",
        unit="s",
        ge=0.05,
        le=60,
    )
    notify_preview_chars: int = number(
        120,
        "Number of characters of the latest event's text that a notification shows. With 0 it shows none.",
        unit="characters",
        ge=0,
        le=1000,
    )
    notify_timeout_ms: int = number(
        5_000,
        "Milliseconds that a notifier may take for one try; then the try has failed.",
        unit="ms",
        ge=50,
        le=60_000,
    )
    notify_retry_ms: int = number(
        5_000,
        "Milliseconds after which a failed notification is tried again. The time doubles with each failure, "
        "up to an hour.",
        unit="ms",
        ge=10,
        le=3_600_000,
    )
    notify_max_retries: int = number(
        8,
        "Number of retries after which a failed notification is given up, until an operator retries it or "
        "something new arrives for "
        "the device. With 0 a notification is tried once.",
        unit="retries",
        ge=0,
        le=100,
    )
    notify_exec: OptionalPath = Field(
        default=None,
        description="Program that the notifier exec starts for each notification; it reads the notification "
        "as JSON from stdin. One that takes longer than NOTIFY_TIMEOUT_MS is killed, with all that it has started.",
    )
    notify_webhook_url: SecretUri = Field(
        default="",
        description="HTTP or HTTPS address to which the notifier webhook POSTs each notification as JSON.",
    )
    notify_webhook_secret: SecretStr = Field(
        default=SecretStr(""),
        description="Secret with which the notifier webhook signs its requests, in the header X-Chatd-Signature.",
    )
    notify_vapid_key: OptionalPath = Field(
        default=None,
        description="PEM file of the VAPID private key with which the notifier webpush identifies itself to "
        "push services.",
    )
    notify_vapid_subject: str = Field(
        default="",
        description="Address of the operators, mailto: or https:, that the notifier webpush gives to push services.",
    )
    notify_webpush_hosts: str = Field(
        default="fcm.googleapis.com,push.services.mozilla.com,notify.windows.com,push.apple.com",
        description="Push services, separated by commas, to which the notifier webpush may send: a host "
        "stands for its subdomains too, "
        "over https only; an origin such as http://127.0.0.1:8000 is taken as it is.",
    )

    def names(self) -> tuple[str, ...]:
        """Names of the chosen notifiers, each once."""
        return tuple(dict.fromkeys(name.strip() for name in self.notifiers.split(",") if name.strip()))

    def webpush_hosts(self) -> tuple[str, ...]:
        """Hosts and origins that endpoints may have."""
        return tuple(self.notify_webpush_hosts.split(","))

    def notifier_settings(self) -> NotifierSettings:
        """The notifiers' own settings."""
        return NotifierSettings(
            timeout=self.notify_timeout_ms / MS_PER_SECOND,
            program=self.notify_exec,
            webhook_url=self.notify_webhook_url,
            webhook_secret=self.notify_webhook_secret.get_secret_value(),
            vapid_key=self.notify_vapid_key,
            vapid_subject=self.notify_vapid_subject,
            webpush_hosts=self.webpush_hosts(),
        )

    def rule(self) -> NotifyRule:
        """When a device is notified, and how often."""
        return NotifyRule(
            delay=self.notify_delay_seconds,
            quiet=self.notify_quiet_seconds,
            retry=self.notify_retry_ms / MS_PER_SECOND,
            timeout=self.notify_timeout_ms / MS_PER_SECOND,
            max_retries=self.notify_max_retries,
            preview=self.notify_preview_chars,
        )

    def problems(self, place: Place) -> Iterator[str]:
        if place.mode == "gateway":
            return
        names = self.names()
        for name in names:
            if name not in NOTIFIERS:
                yield f"NOTIFIERS: there is no {name[:40]!a}; there are {', '.join(NOTIFIERS)}"
        if "exec" in names and self.notify_exec is None:
            yield "NOTIFY_EXEC: the notifier exec needs a program"
        if "webhook" in names:
            yield from self._webhook_problems()
        if "webpush" in names:
            yield from self._webpush_problems()

    def _webhook_problems(self) -> Iterator[str]:
        if not re.fullmatch(r"https?://[^/\s]\S*", self.notify_webhook_url):
            yield "NOTIFY_WEBHOOK_URL: the notifier webhook needs an http:// or https:// address"
        if not self.notify_webhook_secret.get_secret_value().strip():
            yield "NOTIFY_WEBHOOK_SECRET: the notifier webhook needs a secret"

    def _webpush_problems(self) -> Iterator[str]:
        if self.notify_vapid_key is None:
            yield "NOTIFY_VAPID_KEY: the notifier webpush needs a key's file"
        if not re.match(r"(mailto:|https://).", self.notify_vapid_subject):
            yield "NOTIFY_VAPID_SUBJECT: the notifier webpush needs a mailto: or https: address"

    def effective(self, place: Place) -> dict[str, str]:
        return super().effective(place) | {"notify_webhook_url": mask_path(self.notify_webhook_url)}

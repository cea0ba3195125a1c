"""The notifiers that the operators have chosen, by name."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from chatd.core.notification import Notifier
from chatd.errors import extra
from chatd.notify.push_endpoints import PushEndpoints


@dataclass(frozen=True, slots=True)
class NotifierSettings:
    """Settings of the notifiers that are chosen. ``timeout`` is in seconds."""

    timeout: float
    program: Path | None
    webhook_url: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    vapid_key: Path | None
    vapid_subject: str
    webpush_hosts: tuple[str, ...]


def _log(settings: NotifierSettings) -> Notifier:
    from chatd.notify.log_line import LogNotifier

    return LogNotifier()


def _exec(settings: NotifierSettings) -> Notifier:
    from chatd.notify.program import ExecNotifier

    assert settings.program is not None
    return ExecNotifier(settings.program, timeout=settings.timeout)


def _webhook(settings: NotifierSettings) -> Notifier:
    from chatd.notify.webhook import WebhookNotifier

    return WebhookNotifier(settings.webhook_url, settings.webhook_secret, timeout=settings.timeout)


def _webpush(settings: NotifierSettings) -> Notifier:
    with extra("webpush", "NOTIFIERS=webpush"):
        from chatd.notify.webpush import WebPushNotifier

    assert settings.vapid_key is not None
    endpoints = PushEndpoints(settings.webpush_hosts)
    return WebPushNotifier(settings.vapid_key, settings.vapid_subject, endpoints, timeout=settings.timeout)


MAKE: dict[str, Callable[[NotifierSettings], Notifier]] = {
    "log": _log,
    "exec": _exec,
    "webhook": _webhook,
    "webpush": _webpush,
}
"""Name → the function that makes it."""


def make_notifiers(names: Iterable[str], settings: NotifierSettings) -> dict[str, Notifier]:
    """By name. Raises ConfigError."""
    return {name: MAKE[name](settings) for name in names}

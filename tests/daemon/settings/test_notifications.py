from pathlib import Path

import pytest
from pydantic import SecretStr

from chatd.core.notification import NOTIFIERS
from chatd.daemon.mode import Mode
from chatd.daemon.settings.notifications import NotificationsSection
from chatd.daemon.settings.section import Place
from chatd.default.notifications.sender import NotifyRule
from chatd.notify.choice import NotifierSettings


def problems(section: NotificationsSection, mode: Mode = "default") -> list[str]:
    """The keys that are complained of."""
    return [line.partition(":")[0] for line in section.problems(Place(mode, Path("/data"), Path("/run")))]


def test_the_rule() -> None:
    section = NotificationsSection(
        notify_delay_seconds=1,
        notify_quiet_seconds=2,
        notify_retry_ms=3_000,
        notify_timeout_ms=4_000,
        notify_max_retries=5,
        notify_preview_chars=6,
    )
    assert section.rule() == NotifyRule(delay=1, quiet=2, retry=3, timeout=4, max_retries=5, preview=6)


def test_the_notifiers_own_settings() -> None:
    section = NotificationsSection(
        notify_timeout_ms=1_500,
        notify_exec=Path("/bin/true"),
        notify_webhook_url="http://127.0.0.1/hook",
        notify_webhook_secret=SecretStr("secret"),
        notify_vapid_key=Path("/etc/vapid.pem"),
        notify_vapid_subject="mailto:ops@example.org",
        notify_webpush_hosts="push.example.org,http://127.0.0.1:8000",
    )
    assert section.notifier_settings() == NotifierSettings(
        timeout=1.5,
        program=Path("/bin/true"),
        webhook_url="http://127.0.0.1/hook",
        webhook_secret="secret",
        vapid_key=Path("/etc/vapid.pem"),
        vapid_subject="mailto:ops@example.org",
        webpush_hosts=("push.example.org", "http://127.0.0.1:8000"),
    )


def test_names_are_taken_once() -> None:
    assert NotificationsSection(notifiers=" log, exec,log,,").names() == ("log", "exec")


def test_a_notifier_needs_its_settings() -> None:
    section = NotificationsSection(notifiers=",".join(NOTIFIERS))
    wanted = [
        "NOTIFY_EXEC",
        "NOTIFY_WEBHOOK_URL",
        "NOTIFY_WEBHOOK_SECRET",
        "NOTIFY_VAPID_KEY",
        "NOTIFY_VAPID_SUBJECT",
    ]
    assert problems(section) == wanted
    assert problems(section, "gateway") == [], "a gateway notifies nobody"


@pytest.mark.parametrize(("names", "wanted"), [("log", []), ("", []), ("pigeon", ["NOTIFIERS"])])
def test_a_notifier_that_there_is_not(names: str, wanted: list[str]) -> None:
    assert problems(NotificationsSection(notifiers=names)) == wanted

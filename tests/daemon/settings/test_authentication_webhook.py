"""The address of the service: tokens are sent to it, so nobody may read along."""

from pathlib import Path

import pytest

from chatd.daemon.settings.authentication_webhook import AuthenticationWebhookSection
from chatd.daemon.settings.section import Place
from chatd.gateway.authentication.webhook import WebhookSettings

PLACE = Place("gateway", Path("/data"), Path("/run"))


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://id.example/who", True),
        ("http://127.0.0.1:8000/who", True),
        ("http://[::1]:8000/", True),
        ("http://localhost/who", True),
        ("http://id.example/who", False),
        ("http://10.0.0.1/", False),
        ("http://127.0.0.1.example/", False),
        ("http://user@10.0.0.1#127.0.0.1/", False),
        ("https:///who", False),
        ("ftp://127.0.0.1/", False),
        ("who", False),
        ("http://[::1", False),
    ],
)
def test_an_address(url: str, fine: bool) -> None:
    section = AuthenticationWebhookSection(auth_webhook_url=url)
    assert [line.partition(":")[0] for line in section.problems(PLACE)] == (
        [] if fine else ["AUTH_WEBHOOK_URL"]
    )
    assert "who" not in section.effective(PLACE)["auth_webhook_url"]


def test_none_is_asked_unless_it_is_named() -> None:
    assert AuthenticationWebhookSection().webhook() is None
    section = AuthenticationWebhookSection(
        auth_webhook_url="https://a/", auth_webhook_timeout_ms=250, auth_webhook_cache_seconds=2
    )
    assert section.webhook() == WebhookSettings("https://a/", timeout=0.25, keep=2)

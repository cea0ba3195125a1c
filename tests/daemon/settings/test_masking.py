import pytest

from chatd.daemon.settings.listing import describe
from chatd.daemon.settings.masking import mask
from chatd.daemon.settings.sources import load_settings


@pytest.mark.parametrize(
    ("uri", "masked"),
    [
        ("postgresql://chatd:secret@localhost/chatd", "postgresql://chatd:***@localhost/chatd"),
        (
            "postgresql:///chatd?host=/run&password=secret&sslpassword=secret",
            "postgresql:///chatd?host=/run&password=***&sslpassword=***",
        ),
        ("postgresql://chatd@localhost:5432/chatd", "postgresql://chatd@localhost:5432/chatd"),
    ],
)
def test_passwords_are_masked(uri: str, masked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_URI", uri)
    shown = {setting.name: setting.value for setting in describe(load_settings("all", None))}
    assert shown["DB_URI"] == masked == mask(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "postgresql://chatd:sec@ret@localhost/chatd",
        "postgresql://:sec/ret?@localhost/chatd",
        "u:secret@localhost",
    ],
)
def test_an_address_that_nobody_understands_is_not_shown(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway has no database, and so is not stopped by it."""
    monkeypatch.setenv("DB_URI", uri)
    shown = {setting.name: setting.value for setting in describe(load_settings("gateway", None))}
    assert shown["DB_URI"] == "***"
    assert "sec" not in mask(uri) or "://" not in uri


def test_secrets_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_WEBHOOK_URL", "https://user:verysecret@localhost/verysecret?verysecret")
    monkeypatch.setenv("NOTIFY_WEBHOOK_SECRET", "verysecret")
    settings = load_settings("all", None)
    shown = {setting.name: setting.value for setting in describe(settings)}
    assert shown["NOTIFY_WEBHOOK_URL"] == "https://localhost/***"
    assert not [value for value in shown.values() if "verysecret" in value]
    assert "verysecret" not in repr(settings.notifications.notify_webhook_secret)

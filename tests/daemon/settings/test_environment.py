"""Both forms of a variable's name, and those that do nothing."""

from pathlib import Path

import pytest

from chatd.daemon.settings.environment import read_environment, warnings
from chatd.daemon.settings.settings import FIELDS
from chatd.daemon.settings.sources import load_settings
from chatd.errors import ConfigError


def test_every_setting_has_both_names(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in FIELDS:
        monkeypatch.setenv(key.upper(), f"short {key}")
    monkeypatch.delenv("CHATD_DATA_DIR")
    assert read_environment() == {key: f"short {key}" for key in FIELDS}
    for key in FIELDS:
        monkeypatch.setenv(f"CHATD_{key.upper()}", f"long {key}")
    assert read_environment() == {key: f"long {key}" for key in FIELDS}


def test_the_longer_name_wins_and_the_other_is_warned_of(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACK_FLUSH_MS", "20")
    assert load_settings("all", None).streams.ack_flush_ms == 20
    monkeypatch.setenv("CHATD_ACK_FLUSH_MS", "30")
    settings = load_settings("all", None)
    assert settings.streams.ack_flush_ms == 30
    (line,) = settings.warnings
    assert line == "ACK_FLUSH_MS: it is not looked at, since CHATD_ACK_FLUSH_MS is set too and differs"
    monkeypatch.setenv("CHATD_ACK_FLUSH_MS", "20")
    assert load_settings("all", None).warnings == ()
    monkeypatch.setenv("CHATD_ACK_FLUSH_MS", "")
    assert load_settings("all", None).streams.ack_flush_ms == 20, "empty is unset"


def test_a_file_of_a_secret_has_the_longer_name_too(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "uri").write_bytes(b"\xef\xbb\xbfpostgresql://u@127.0.0.1/d\n")
    monkeypatch.setenv("CHATD_DB_URI_FILE", str(home / "uri"))
    assert load_settings("all", None).store.db_uri == "postgresql://u@127.0.0.1/d"
    monkeypatch.setenv("CHATD_DB_URI", "sqlite:////x")
    with pytest.raises(ConfigError, match=r"^DB_URI_FILE: DB_URI is in the environment too"):
        load_settings("all", None)


def test_a_name_with_a_fault_is_told_beside_what_it_leads_to(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATD_HTTP_URI", "https://127.0.0.1:7480")
    monkeypatch.setenv("CHATD_HTTP_TLS_CERT_FLE", "/a.crt")
    with pytest.raises(
        ConfigError, match=r"(?s)HTTP_TLS_CERT_FILE: .* did you mean CHATD_HTTP_TLS_CERT_FILE"
    ):
        load_settings("all", None)


def test_variables_that_no_setting_has() -> None:
    given = {
        "CHATD_DRAIN_SECOND": "c4nary",
        "CHATD_COLOUR": "c4nary",
        "CHATD_CONFIG": "x",
        "CHATD_URI": "tcp://x",
        "CHATD_DB_URI_FILE": "x",
        "CHATD_NODE_ID_FILE": "x",
        "CHATD_NODE_ID": "x",
        "PATH": "x",
    }
    assert list(warnings(given)) == [
        "'CHATD_COLOUR': there is no such setting; chatd settings lists them",
        "'CHATD_DRAIN_SECOND': there is no such setting; did you mean CHATD_DRAIN_SECONDS?",
        "'CHATD_NODE_ID_FILE': there is no such setting; did you mean CHATD_NODE_ID?",
    ]

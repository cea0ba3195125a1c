from pathlib import Path

import pytest

from chatd.daemon.settings import describe, load_settings
from chatd.errors import ConfigError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("STATE_DIRECTORY", "RUNTIME_DIRECTORY", "CHATD_CONFIG", "DB_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CHATD_DATA_DIR", str(tmp_path))
    return tmp_path


def config(folder: Path, text: str) -> Path:
    path = folder / "chatd.toml"
    path.write_text(text)
    return path


def test_environment_beats_file_beats_default(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings("all", None).ack_flush_ms == 50
    path = config(home, "ack_flush_ms = 20\nsweep_seconds = 7\n")
    assert load_settings("all", path).ack_flush_ms == 20
    monkeypatch.setenv("ACK_FLUSH_MS", "30")
    settings = load_settings("all", path)
    assert (settings.ack_flush_ms, settings.sweep_seconds) == (30, 7)


def test_the_file_may_be_named_by_the_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATD_CONFIG", str(config(home, "ack_flush_ms = 20\n")))
    assert load_settings("all", None).ack_flush_ms == 20


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("ack_flush = 1\n", "ack_flush"),
        ("ack_flush_ms = 0\n", "ACK_FLUSH_MS"),
        ("x = [", "chatd.toml"),
        ('cache_uri = "redis://x"\n', "CACHE_URI"),
    ],
)
def test_what_is_wrong_is_named(home: Path, text: str, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        load_settings("all", config(home, text))


def test_every_problem_has_a_line(home: Path) -> None:
    with pytest.raises(ConfigError) as problems:
        load_settings("all", config(home, 'ack_flush_ms = 0\nwindow_messages = "many"\nnothing = 1\n'))
    assert len(str(problems.value).splitlines()) == 3


def test_a_file_that_is_not_there(home: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        load_settings("all", home / "nowhere.toml")


def test_addresses_have_defaults_for_each_mode(home: Path) -> None:
    assert load_settings("all", None).queue_uris("all") == ("inproc://user.event.delivery",)
    assert load_settings("default", None).queue_uris("default") == (f"ipc://{home}/run/user.event.delivery",)
    assert load_settings("gateway", None).node_uris("gateway") == (f"ipc://{home}/run/default",)


@pytest.mark.parametrize(
    "uri", ["tcp://0.0.0.0:7400", "tcp://*:7400", "tcp://192.0.2.1:7400", "tcp://example.org:1", "tcp://127.0.0.1", "http://x"]
)
def test_nothing_listens_beyond_this_machine(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_URI", uri)
    with pytest.raises(ConfigError, match="GATEWAY_URI"):
        load_settings("all", None)


def test_mem_is_for_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUEUE_USER_EVENT_DELIVERY_URI", "mem://q")
    load_settings("all", None)
    with pytest.raises(ConfigError, match="mem://"):
        load_settings("gateway", None)


def test_only_gateways_have_several_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEFAULT_URI", "tcp://127.0.0.1:1,tcp://127.0.0.1:2")
    assert len(load_settings("gateway", None).node_uris("gateway")) == 2
    with pytest.raises(ConfigError, match="DEFAULT_URI"):
        load_settings("default", None)


def test_passwords_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_URI", "postgresql://chatd:secret@localhost/chatd")
    shown = describe("all", load_settings("all", None))
    assert shown["DB_URI"] == "postgresql://chatd:***@localhost/chatd"
    assert "secret" not in str(shown)

from pathlib import Path

import pytest

from chatd.daemon.mode import Mode
from chatd.daemon.settings.sources import load_settings
from chatd.errors import ConfigError


def queue_uris(mode: Mode) -> tuple[str, ...]:
    settings = load_settings(mode, None)
    return settings.queue.uris(settings.place)


def node_uris(mode: Mode) -> tuple[str, ...]:
    settings = load_settings(mode, None)
    return settings.calls.uris(settings.place)


def test_addresses_have_defaults_for_each_mode(home: Path) -> None:
    assert queue_uris("all") == ("inproc://user.event.delivery",)
    assert queue_uris("default") == (f"ipc://{home}/run/user.event.delivery",)
    assert node_uris("gateway") == (f"ipc://{home}/run/default",)


@pytest.mark.parametrize(
    "uri",
    [
        "tcp://*:7400",
        "tcp://192.0.2.1",
        "tcp://127.0.0.1",
        "http://x",
    ],
)
def test_nothing_listens_at_a_bad_address(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
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
    assert len(node_uris("gateway")) == 2
    with pytest.raises(ConfigError, match="DEFAULT_URI"):
        load_settings("default", None)


def test_a_socket_s_path_may_be_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_DIR", "/" + "x" * 90)
    load_settings("all", None)  # has no ipc sockets
    with pytest.raises(ConfigError, match="107 bytes"):
        load_settings("default", None)

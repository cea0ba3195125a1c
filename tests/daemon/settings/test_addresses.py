import re
from pathlib import Path
from typing import get_args

import pytest

from chatd.core.broker_address import SCHEMES
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


KEY = "5e31" * 16


def test_a_node_publishes_one_port_above_an_encrypted_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEFAULT_URI", "tcp://10.0.0.1:7401")
    assert queue_uris("default") == queue_uris("all") == ("tcp://10.0.0.1:7402",)
    monkeypatch.setenv("DEFAULT_URI", "tcp://127.0.0.1:7401#curve")
    assert queue_uris("default") == ("tcp://127.0.0.1:7402#curve",)
    monkeypatch.setenv("QUEUE_USER_EVENT_DELIVERY_URI", "tcp://10.0.0.1:9")
    assert queue_uris("default") == ("tcp://10.0.0.1:9",)


def test_a_port_above_the_last_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEFAULT_URI", "tcp://10.0.0.1:65535")
    with pytest.raises(ConfigError, match=r"QUEUE_USER_EVENT_DELIVERY_URI.*65536"):
        load_settings("default", None)


def test_a_gateway_with_a_key_asks_where_the_queues_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEFAULT_URI", f"ipc:///run/x, tcp://chat.example:7401#{KEY}")
    assert queue_uris("gateway") == ()
    monkeypatch.setenv("QUEUE_USER_EVENT_DELIVERY_URI", f"tcp://chat.example:9#{KEY}")
    assert queue_uris("gateway") == (f"tcp://chat.example:9#{KEY}",)


def test_a_gateway_needs_the_key_of_a_node_on_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEFAULT_URI", "tcp://chat.example:7401")
    with pytest.raises(ConfigError, match=r"DEFAULT_URI.*#KEY.*chatd keys show"):
        load_settings("gateway", None)


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]"])
def test_a_node_everywhere_needs_the_host_that_others_use(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEFAULT_URI", f"tcp://{host}:7401")
    with pytest.raises(ConfigError) as raised:
        load_settings("default", None)
    lines = str(raised.value).splitlines()
    assert [line.split(":")[0] for line in lines] == ["QUEUE_USER_EVENT_DELIVERY_URI", "DEFAULT_URI"]
    assert all("PUBLIC_HOST" in line for line in lines)
    monkeypatch.setenv("PUBLIC_HOST", "chat.example")
    load_settings("default", None)


@pytest.mark.parametrize("host", ["tcp://x", "x:1", "a b", "x#1"])
def test_a_public_host_is_a_host(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLIC_HOST", host)
    with pytest.raises(ConfigError, match="PUBLIC_HOST"):
        load_settings("default", None)


SECRET = "s3cr3t-Pa55"


def test_a_broker_is_named_by_its_scheme(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "queue"
    file.write_text(f"rediss://chatd:{SECRET}@redis.example:7/delivery\n")
    monkeypatch.setenv("QUEUE_USER_EVENT_DELIVERY_URI_FILE", str(file))
    monkeypatch.setenv("QUEUE_CA_FILE", "/etc/ca.crt")
    for mode in get_args(Mode):
        settings = load_settings(mode, None)
        broker = settings.queue.broker()
        assert broker is not None
        assert (broker.driver, broker.host, broker.port) == ("redis", "redis.example", 7)
        assert (broker.password, broker.ca_file) == (SECRET, "/etc/ca.crt")
        assert (settings.queue.uris(settings.place), settings.queue.said_name()) == ((), "delivery on redis")
        shown = settings.queue.effective(settings.place)["queue_user_event_delivery_uri"]
        assert shown == "rediss://chatd:***@redis.example:7/delivery"


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        (f"redis://chatd:{SECRET}@redis.example/q", "rediss"),
        (
            f"pulsar://chatd:{SECRET}@127.0.0.1/q",
            re.escape(f"none of mem, ipc, tcp, {', '.join(SCHEMES)}"),
        ),
        (f"kafka://chatd:{SECRET}@127.0.0.1,10.0.0.1/q", "kafka\\+ssl"),
        (f"nats://chatd:{SECRET}@127.0.0.1,nats://127.0.0.2", "at most one name"),
    ],
)
def test_a_broker_that_cannot_be_is_refused(uri: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUEUE_USER_EVENT_DELIVERY_URI", uri)
    for mode in get_args(Mode):
        with pytest.raises(ConfigError, match=f"QUEUE_USER_EVENT_DELIVERY_URI: .*{says}") as raised:
            load_settings(mode, None)
        assert SECRET not in str(raised.value)

from pathlib import Path

import pytest

from chatd.core.broker_address import BrokerAddress
from chatd.daemon.settings.sources import load_settings
from chatd.errors import ConfigError

SECRET = "s3cr3t-Pa55"


@pytest.mark.parametrize(
    ("uri", "in_memory", "address"),
    [
        ("database:", False, None),
        ("mem:", True, None),
        ("mem://", True, None),
        ("redis://localhost:6379", False, BrokerAddress("redis", "localhost", 6379, False, "chatd")),
        (
            f"rediss://u:{SECRET}@redis.example/mine",
            False,
            BrokerAddress("redis", "redis.example", 6379, True, "mine", "u", SECRET, "/ca.pem"),
        ),
    ],
)
def test_connections_are_kept_where_it_says(
    uri: str, in_memory: bool, address: BrokerAddress | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The address may come from a file, and is shown without its password."""
    file = tmp_path / "cache"
    file.write_text(f"{uri}\n")
    monkeypatch.setenv("CACHE_URI_FILE", str(file))
    if address is not None and address.ca_file:
        monkeypatch.setenv("CACHE_CA_FILE", address.ca_file)
    settings = load_settings("default", None)
    assert (settings.store.is_cache_in_memory, settings.store.cache()) == (in_memory, address)
    shown = settings.store.effective(settings.place)["cache_uri"]
    assert shown == uri.replace(SECRET, "***")


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        (f"redis://u:{SECRET}@redis.example", "must be rediss"),
        (f"redis://u:{SECRET}@localhost/a/b", "one name"),
        (f"memcached://u:{SECRET}@localhost", "none of database:, mem:, redis"),
        (f"nats://u:{SECRET}@localhost", "none of database:, mem:, redis"),
        (SECRET, "none of"),
    ],
)
def test_another_place_is_refused_and_its_password_not_shown(
    uri: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CACHE_URI", uri)
    with pytest.raises(ConfigError, match=f"CACHE_URI: .*{says}") as raised:
        load_settings("default", None)
    assert SECRET not in str(raised.value)
    gateway = load_settings("gateway", None)  # it has no cache, and does not look
    assert SECRET not in str(gateway.store.effective(gateway.place))

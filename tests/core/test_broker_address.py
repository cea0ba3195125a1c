import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.core.broker_address import SCHEMES, BrokerAddress, channel_part
from chatd.errors import ConfigError

SECRET = "s3cr3t-Pa55"


@pytest.mark.parametrize(
    ("uri", "wanted"),
    [
        ("redis://localhost", BrokerAddress("redis", "localhost", 6379, False, "q")),
        ("redis://127.0.0.1:7/delivery", BrokerAddress("redis", "127.0.0.1", 7, False, "delivery")),
        ("REDISS://a.example/a%20b", BrokerAddress("redis", "a.example", 6379, True, "a b")),
        ("nats://[::1]/", BrokerAddress("nats", "::1", 4222, False, "q")),
        ("tls://u:p%40%3A@b:1/n", BrokerAddress("nats", "b", 1, True, "n", "u", "p@:")),
        ("kafka://u:p@localhost/n", BrokerAddress("kafka", "localhost", 9092, False, "n", "u", "p")),
        (
            "kafka+ssl://u:p%2C@a,b:7,[::1]:8,c/n",
            BrokerAddress(
                "kafka", "a", 9093, True, "n", "u", "p,", others=(("b", 7), ("::1", 8), ("c", 9093))
            ),
        ),
        ("rediss://:p@b", BrokerAddress("redis", "b", 6379, True, "q", "", "p")),
        ("amqp://127.0.0.1", BrokerAddress("amqp", "127.0.0.1", 5672, False, "q")),
        ("amqps://u:p@b/n", BrokerAddress("amqp", "b", 5671, True, "n", "u", "p")),
    ],
)
def test_an_address_is_read(uri: str, wanted: BrokerAddress) -> None:
    assert BrokerAddress.parse(uri, "q") == wanted


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        (f"redis://u:{SECRET}@redis.example/q", "must be rediss"),
        (f"nats://u:{SECRET}@10.0.0.1", "must be tls"),
        (
            f"pulsar://u:{SECRET}@127.0.0.1",
            re.escape(f"none of {', '.join(SCHEMES)}"),
        ),
        (f"amqp://u:{SECRET}@10.0.0.1", "must be amqps"),
        (f"kafka://u:{SECRET}@127.0.0.1,10.0.0.1:9092", "10.0.0.1 is .* must be kafka\\+ssl"),
        (f"kafka://u:{SECRET}@127.0.0.1,", "a host"),
        (f"kafka+ssl://u:{SECRET}@a,b:x", "port"),
        (f"kafka+ssl://u:{SECRET},@a,b@c", "percent-encoded"),
        (f"redis://u:{SECRET}@127.0.0.1:x", "port"),
        (f"redis://u:{SECRET}@127.0.0.1:99999", "port"),
        (f"redis://u:{SECRET}@[::1/q", "port"),
        (f"redis://u:{SECRET}@", "a host"),
        (f"redis://u:{SECRET}@127.0.0.1/a/b", "one name"),
        (f"redis://u:{SECRET}@127.0.0.1/a%0Ab", "one name"),
        (f"redis://u:{SECRET}@127.0.0.1/a?db=1", "percent-encoded"),
        (f"redis://u:{SECRET}@127.0.0.1/a#b", "percent-encoded"),
        (f"redis://u:a@{SECRET}@127.0.0.1", "percent-encoded"),
        (f"redis://u:{SECRET}@127.0.0.1,127.0.0.2", "percent-encoded"),
        (f"redis://u:a/{SECRET}@127.0.0.1/q", "percent-encoded"),
        (f"rediss://u:7/{SECRET}@a.example", "percent-encoded"),
        (f"redis://u:a?{SECRET}@127.0.0.1", "percent-encoded"),
        (f"nats://{SECRET}@127.0.0.1/q", "user:password or :password before the @"),
        ("redis://127.0.0.1:0/q", "port"),
    ],
)
def test_a_wrong_address_is_refused_and_its_password_not_shown(uri: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as raised:
        BrokerAddress.parse(uri, "q")
    assert SECRET not in str(raised.value)
    assert SECRET not in repr(raised.value.__cause__)


def test_nothing_that_is_printed_has_the_password() -> None:
    address = BrokerAddress.parse(f"rediss://u:{SECRET}@a.example/q", "")
    assert SECRET not in repr(address)
    assert address.said_name == "q on redis"


@given(st.text(), st.text())
def test_channels_are_made_of_harmless_characters_and_do_not_collide(one: str, other: str) -> None:
    try:
        encoded = channel_part(one), channel_part(other)
    except UnicodeEncodeError:  # half a character, which no id has
        return
    assert all(letter.isascii() and (letter.isalnum() or letter in "%_-") for letter in "".join(encoded))
    assert (encoded[0] == encoded[1]) == (one == other)

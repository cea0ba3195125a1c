import pytest

from chatd.core.address import Address, Listening, is_everywhere, is_local, reached_at
from chatd.errors import ConfigError

KEY = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "text",
    [
        "tcp://127.0.0.1:7400",
        "tcp://localhost:7400",
        "tcp://[::1]:7400",
        "ipc:///run/chatd/default",
        "ipc:///run/chatd/a#b",
        "inproc://default",
        f"tcp://127.0.0.1:7400#{KEY}",
        f"tcp://chat.example:7400#{KEY}",
        f"tcp://[2001:db8::1]:7400#{KEY}",
    ],
)
def test_an_address_is_written_as_it_was_read(text: str) -> None:
    assert str(Address.parse(text)) == text


def test_a_key_stands_behind_the_endpoint() -> None:
    address = Address.parse(f"tcp://chat.example:7400#{KEY.upper()}")
    assert (address.endpoint, address.key) == ("tcp://chat.example:7400", bytes.fromhex(KEY))
    assert Address.parse("ipc:///run/a#b").key == b""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("tcp://192.0.2.1:7400", "another machine"),
        ("tcp://chat.example:7400", "#KEY"),
        (f"tcp://chat.example:7400#{KEY[1:]}", "64 hexadecimal digits"),
        (f"tcp://chat.example:7400#{KEY}#", "64 hexadecimal digits"),
        ("tcp://127.0.0.1:7400#", "64 hexadecimal digits"),
        ("tcp://127.0.0.1", "the port is missing"),
        ("tcp://[::1]", "the port is missing"),
        ("tcp://::1:7400", "no host"),
        ("tcp://:7400", "no host"),
        ("tcp://user@chat:7400", "no host"),
        ("tcp://127.0.0.1:*", "no port"),
        ("tcp://127.0.0.1:0", "no port"),
        ("tcp://127.0.0.1:65536", "no port"),
        ("tcp://127.0.0.1:\u0667", "no port"),
        ("udp://127.0.0.1:1", "scheme"),
        ("nonsense", "scheme"),
        ("ipc://", "nothing follows"),
        ("ipc://~/socket", "shell"),
    ],
)
def test_a_bad_address_is_refused(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        Address.parse(text)


def test_an_error_does_not_show_a_key_that_may_be_secret() -> None:
    with pytest.raises(ConfigError) as refused:
        Address.parse("tcp://chat.example:7400#" + "s3cret" * 10)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "is_encrypted"),
    [
        ("tcp://127.0.0.1:7400", False),
        ("tcp://127.0.0.1:*", False),
        ("tcp://127.0.0.1:7400#curve", True),
        ("tcp://192.0.2.1:7400", True),
        ("tcp://192.0.2.1:7400#curve", True),
        ("tcp://0.0.0.0:7400", True),
        ("tcp://[::]:7400", True),
        ("ipc:///run/chatd/default", False),
        ("inproc://default", False),
    ],
)
def test_beyond_this_machine_every_connection_is_encrypted(text: str, is_encrypted: bool) -> None:
    assert Listening.parse(text).is_encrypted is is_encrypted


def test_a_process_listens_with_its_own_key() -> None:
    with pytest.raises(ConfigError, match="its own key"):
        Listening.parse(f"tcp://192.0.2.1:7400#{KEY}")


def test_where_others_can_reach() -> None:
    assert is_local("tcp://127.0.0.2:1")
    assert not is_local("tcp://0.0.0.0:1")
    assert not is_local("tcp://localhost.example:1")
    assert is_everywhere("tcp://0.0.0.0:1")
    assert is_everywhere("tcp://[::]:1")
    assert not is_everywhere("tcp://192.0.2.1:1")
    assert not is_everywhere("ipc://0.0.0.0")


@pytest.mark.parametrize(
    ("endpoint", "host", "reached"),
    [
        ("tcp://10.0.0.1:7401", "chat.example", "tcp://10.0.0.1:7401"),
        ("tcp://0.0.0.0:7401", "chat.example", "tcp://chat.example:7401"),
        ("tcp://[::]:7401", "2001:db8::1", "tcp://[2001:db8::1]:7401"),
        ("tcp://[::]:7401", "[2001:db8::1]", "tcp://[2001:db8::1]:7401"),
        ("ipc:///run/x", "chat.example", "ipc:///run/x"),
    ],
)
def test_others_reach_an_address_for_all_of_a_machine_by_its_host(
    endpoint: str, host: str, reached: str
) -> None:
    assert reached_at(endpoint, host) == reached

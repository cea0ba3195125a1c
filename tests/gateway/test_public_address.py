import socket

import pytest

from chatd.core.address import Listening
from chatd.errors import ConfigError
from chatd.gateway.public_address import check_public_address, public_address

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
PLAIN = "tcp://127.0.0.1:7400"
HERE = "tcp://10.0.0.1:7400"


@pytest.mark.parametrize(
    ("given", "bound", "keys", "expected"),
    [
        ("", PLAIN, (), PLAIN),
        ("tcp://127.0.0.1:7500", PLAIN, (), "tcp://127.0.0.1:7500"),
        (f"tcp://proxy.example:7400#{OLD.hex()}", PLAIN, (), f"tcp://proxy.example:7400#{OLD.hex()}"),
        ("", HERE, (OLD,), f"{HERE}#{OLD.hex()}"),
        ("", "tcp://0.0.0.0:7400", (OLD,), f"tcp://host:7400#{OLD.hex()}"),
        ("tcp://chat.example:1", HERE, (OLD,), f"tcp://chat.example:1#{OLD.hex()}"),
        ("tcp://chat.example:1", HERE, (OLD, NEW), f"tcp://chat.example:1#{NEW.hex()}"),
        (f"tcp://chat.example:1#{OLD.hex()}", HERE, (OLD, NEW), f"tcp://chat.example:1#{NEW.hex()}"),
    ],
)
def test_an_address_has_the_newest_key(
    given: str, bound: str, keys: tuple[bytes, ...], expected: str
) -> None:
    check_public_address(given, "host", Listening(bound, bool(keys)))
    assert str(public_address(given, "host", bound, keys)) == expected


def test_anothers_key_is_refused() -> None:
    with pytest.raises(ConfigError, match="another key"):
        public_address(f"{HERE}#{NEW.hex()}", "", HERE, [OLD])


@pytest.mark.parametrize(
    ("given", "listening", "says"),
    [
        ("", "tcp://0.0.0.0:7400", f"tcp://{socket.gethostname()}:7400"),
        ("", "tcp://[::]:7400", "all addresses"),
        ("tcp://0.0.0.0:7400", "tcp://0.0.0.0:7400", "all addresses"),
        ("chat.example:7400", "tcp://0.0.0.0:7400", "scheme"),
        ("tcp://chat.example", "tcp://0.0.0.0:7400", "port"),
        ("tcp://chat.example:1#curve", "tcp://0.0.0.0:7400", "64 hexadecimal digits"),
        ("tcp://chat.example:7400", PLAIN, "another machine"),
        ("nonsense", PLAIN, "scheme"),
    ],
)
def test_an_address_that_no_device_could_use_is_refused(given: str, listening: str, says: str) -> None:
    with pytest.raises(ConfigError) as error:
        check_public_address(given, "", Listening.parse(listening))
    assert says in str(error.value)

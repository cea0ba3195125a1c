"""The fuzz target of addresses that strangers name: a gateway names others to its clients, a client
names where its notifications go, and a peer comes from somewhere. An input is UTF-8."""

from urllib.parse import urlsplit

from chatd.core.address import Address, Listening, is_local
from chatd.core.rate_limit import address_key
from chatd.errors import ConfigError
from chatd.notify.push_endpoints import PushEndpoints, is_public
from chatd.store.uri import uri_fault
from chatd.transport.sockets import usable

ALLOWED = PushEndpoints(["push.example", "http://127.0.0.1:8000", "127.0.0.1", "[::1]"])


def check(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    for kind in (Address, Listening):
        try:
            found = kind.parse(text)
        except ConfigError:
            continue
        assert kind.parse(str(found)) == found
    for uri in usable([text]):
        address = Address.parse(uri)
        assert address.key or is_local(address.endpoint)
    check_endpoint(text)
    uri_fault(text)
    address_key(text)


def check_endpoint(text: str) -> None:
    """An endpoint that passes leads to one of the hosts that are allowed."""
    if ALLOWED.fault(text):
        return
    assert text.isascii()
    assert text.isprintable()
    if ALLOWED.is_trusted(text):
        return
    host = (urlsplit(text).hostname or "").rstrip(".")
    assert host == "push.example" or host.endswith(".push.example"), host
    assert host.replace(".", "").isdigit() is False or is_public(host)


SEEDS = {
    "tcp": b"tcp://127.0.0.1:7400",
    "curve": b"tcp://chat.example:7400#" + b"5e" * 32,
    "any": b"tcp://*:*#curve",
    "ipv6": b"tcp://[::1%25lo]:7400",
    "ipc": b"ipc:///run/chatd/default",
    "inproc": b"inproc://x",
    "half-open": b"tcp://[::1:7400",
    "found-no-ipv6": b"tcp://[:1%25lo]:7400",
    "found-ipv4-in-brackets": b"tcp://[127.0.0.1]:7400",
    "no-port": b"tcp://[v1.x]:0x1",
    "endpoint": b"https://updates.push.example/wpush/v2/abc?x=y#z",
    "inside": b"https://127.0.0.1/x",
    "trusted": b"http://127.0.0.1:8000/x",
    "user": b"https://push.example@127.0.0.1/",
    "backslash": b"https://127.0.0.1\\@push.example/",
    "digits": "https://push.example:\u0664\u0664\u0663/".encode(),
    "database": b"postgresql://u:p@[::1],h2:5433/chatd?host=/run&sslmode=verify-full",
    "found-below-an-address": b"https://7.0.127.0.0.1",
    "mapped": b"::ffff:127.0.0.1",
}

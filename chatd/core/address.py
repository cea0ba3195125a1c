"""Addresses of sockets as people write them.

    tcp://127.0.0.1:7400              this machine: plain
    tcp://chat.example:7400#5e31…     any machine: encrypted, with the server's public key
    ipc:///run/chatd/default          this machine: protected by the file's permissions

The key is 64 hexadecimal digits. A client that has such a line knows whom it talks to. Where a
process listens it has its own key: ``tcp://0.0.0.0:7400`` says no more, and
``tcp://127.0.0.1:7400#curve`` asks for encryption that this machine does not need. No I/O.
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from chatd.core.key_pair import KEY_BYTES
from chatd.errors import ConfigError

CURVE = "curve"
"""Behind an address to listen at: encrypted, on this machine too."""
_KEY = re.compile(r"[0-9A-Fa-f]{64}")
_HOST = re.compile(r"\[[0-9A-Fa-f:.]+(%[A-Za-z0-9._-]+)?\]|[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Address:
    """A place to connect to. ``endpoint`` is ZeroMQ's; ``key`` the server's public key of 32
    octets, empty where connections are plain."""

    endpoint: str
    key: bytes = b""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ConfigError, for another machine without a key too."""
        endpoint, mark, fragment = split(text)
        check_endpoint(endpoint)
        if not mark:
            if not is_local(endpoint):
                raise ConfigError(
                    f"{text!r} is another machine, so the address needs the key of the server behind it, "
                    f"{endpoint}#KEY; the server says it at start, and `chatd keys show --mode MODE` there"
                )
            return cls(endpoint)
        return cls(endpoint, parse_key(fragment))

    def __str__(self) -> str:
        return f"{self.endpoint}#{self.key.hex()}" if self.key else self.endpoint


@dataclass(frozen=True, slots=True)
class Listening:
    """A place to listen at. Every connection is encrypted if ``is_encrypted``."""

    endpoint: str
    is_encrypted: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """Beyond this machine every connection is encrypted. Raises ConfigError."""
        endpoint, mark, fragment = split(text)
        check_endpoint(endpoint, any_port=True)
        if mark and fragment != CURVE:
            raise ConfigError(
                f"{text!r}: a process listens with its own key; behind # may be {CURVE}, and nothing else"
            )
        return cls(endpoint, bool(mark) or not is_local(endpoint))

    def __str__(self) -> str:
        return f"{self.endpoint}#{CURVE}" if self.is_encrypted and is_local(self.endpoint) else self.endpoint


def split(text: str) -> tuple[str, str, str]:
    """The endpoint, the mark # if there is one, and what is behind it. A path may hold the mark
    itself."""
    return text.partition("#") if text.startswith("tcp:") else (text, "", "")


def has_key(uri: str) -> bool:
    """True for an address to connect to that is encrypted."""
    return bool(split(uri)[1])


def parse_key(text: str) -> bytes:
    """A public key of 64 hexadecimal digits. Raises ConfigError, which does not show them: it may
    be a secret one, put there by mistake."""
    if not _KEY.fullmatch(text):
        raise ConfigError(
            f"a key is {2 * KEY_BYTES} hexadecimal digits, not {len(text)} characters of another kind"
        )
    return bytes.fromhex(text)


def check_endpoint(endpoint: str, *, any_port: bool = False) -> None:
    """Raise ConfigError unless ``endpoint`` is one of ZeroMQ's that chatd uses. ``any_port``: its
    port may be ``*``."""
    if endpoint.startswith(("ipc://", "inproc://")):
        if not endpoint.partition("://")[2]:
            raise ConfigError(f"{endpoint!r}: nothing follows {endpoint}")
        if endpoint.startswith("ipc://~"):
            raise ConfigError(f"{endpoint!r} begins with ~, which only a shell understands")
        return
    if not endpoint.startswith("tcp://"):
        raise ConfigError(f"{endpoint!r}: the scheme must be tcp, ipc or inproc")
    host, colon, port = endpoint.removeprefix("tcp://").rpartition(":")
    if not colon or host.startswith("[") != host.endswith("]"):
        raise ConfigError(f"{endpoint!r}: the port is missing")
    if not _HOST.fullmatch(host) or (host.startswith("[") and not _is_ipv6(host[1:-1])):
        raise ConfigError(f"{endpoint!r}: {host!r} is no host; an IPv6 address stands in brackets")
    if port == "*" and any_port:
        return
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
        raise ConfigError(f"{endpoint!r}: {port!r} is no port")


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def is_local(endpoint: str) -> bool:
    """True if nobody outside this machine can reach the endpoint, or be reached by it."""
    if not endpoint.startswith("tcp:"):
        return True
    host = urlsplit(endpoint).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def reached_at(endpoint: str, host: str) -> str:
    """The endpoint by which others reach what listens at ``endpoint``: at ``host`` if that stands
    for all addresses of the machine."""
    if not is_everywhere(endpoint):
        return endpoint
    bracketed = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"tcp://{bracketed}:{endpoint.rpartition(':')[2]}"


def is_everywhere(endpoint: str) -> bool:
    """True for an address to listen at that stands for all of the machine's, so that nobody can
    connect to it."""
    if not endpoint.startswith("tcp:"):
        return False
    try:
        return ipaddress.ip_address(urlsplit(endpoint).hostname or "").is_unspecified
    except ValueError:
        return False

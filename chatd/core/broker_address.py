"""The address of a broker that carries the queue, as people write it.

    redis://user:password@host:6379/delivery      Redis, Valkey
    nats://user:password@host:4222/delivery       NATS
    amqp://user:password@host:5672/delivery       RabbitMQ

The path is the queue's name. ``rediss``, ``tls`` and ``amqps`` are the same over TLS, which is
asked for beyond this machine. No I/O.
"""

import re
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import quote, unquote, urlsplit

from chatd.core.address import is_local
from chatd.errors import ConfigError

SCHEMES = {
    "redis": ("redis", 6379, False),
    "rediss": ("redis", 6379, True),
    "nats": ("nats", 4222, False),
    "tls": ("nats", 4222, True),
    "amqp": ("amqp", 5672, False),
    "amqps": ("amqp", 5671, True),
}
"""Scheme → the driver, its usual port, and whether connections are encrypted."""
_ENCRYPTED = {driver: scheme for scheme, (driver, _, is_tls) in SCHEMES.items() if is_tls}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


def scheme_of(uri: str) -> str:
    """The scheme of an address; empty if it has none."""
    found = _SCHEME.match(uri)
    return found[1].lower() if found else ""


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """``name`` is the queue's. ``ca_file`` names the certificates that the broker's own must lead
    to; empty: those that the system trusts."""

    driver: str
    host: str
    port: int
    is_encrypted: bool
    name: str
    user: str = ""
    password: str = field(default="", repr=False)
    ca_file: str = ""

    @classmethod
    def parse(cls, uri: str, name: str, ca_file: str = "") -> Self:
        """``name`` is the queue's if the address has no path. Raises ConfigError, which quotes
        nothing of the address but its scheme and host."""
        scheme = scheme_of(uri)
        if scheme not in SCHEMES:
            raise ConfigError(f"the scheme {scheme[:20]!r} is none of {', '.join(SCHEMES)}")
        driver, usual_port, is_tls = SCHEMES[scheme]
        try:
            parts = urlsplit(uri)
            host, port = parts.hostname or "", parts.port or usual_port
        except ValueError:
            raise ConfigError("the host or the port is none") from None  # the cause quotes them
        if parts.query or parts.fragment or parts.netloc.count("@") > 1 or "," in parts.netloc:
            raise ConfigError(
                f"{scheme}:// is followed by user:password@host:port/name and nothing else; other characters "
                "than A-Z a-z 0-9 - . _ ~ in a user's name or password must be percent-encoded"
            )
        path = unquote(parts.path.removeprefix("/"))
        if not host or "/" in path or any(ord(letter) < 32 for letter in path):
            raise ConfigError(f"{scheme}:// is followed by a host, and at most one name behind a /")
        if not is_tls and not is_local(f"tcp://{f'[{host}]' if ':' in host else host}:1"):
            raise ConfigError(f"{host} is another machine, so its scheme must be {_ENCRYPTED[driver]}")
        return cls(
            driver,
            host,
            port,
            is_tls,
            path or name,
            unquote(parts.username or ""),
            unquote(parts.password or ""),
            ca_file,
        )

    @property
    def said_name(self) -> str:
        """The queue's name and its kind, for others to compare with theirs."""
        return f"{self.name} on {self.driver}"


def channel_part(text: str) -> str:
    """``text`` with every character encoded that means something to a broker; no two texts become
    the same."""
    return quote(text, safe="").replace(".", "%2E").replace("~", "%7E")

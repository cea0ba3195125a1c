"""The address of a broker that carries the queue, as people write it.

    redis://user:password@host:6379/delivery      Redis, Valkey
    nats://user:password@host:4222/delivery       NATS; more servers of it follow behind commas
    amqp://user:password@host:5672/delivery       RabbitMQ
    kafka://user:password@host:9092/delivery      Kafka; the same

The path is the queue's name. ``rediss``, ``tls``, ``amqps`` and ``kafka+ssl`` are the same over
TLS, which is asked for beyond this machine. No I/O.
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
    "kafka": ("kafka", 9092, False),
    "kafka+ssl": ("kafka", 9093, True),
}
"""Scheme → the driver, its usual port, and whether connections are encrypted."""
_SEVERAL = ("kafka", "nats")
"""Drivers that may be given several servers: each of them knows the others."""
_ENCRYPTED = {driver: scheme for scheme, (driver, _, is_tls) in SCHEMES.items() if is_tls}
_CUT = re.compile("[/?#].*@", re.DOTALL)
"""A password with one of these characters, or a name with an @."""
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


def scheme_of(uri: str) -> str:
    """The scheme of an address; empty if it has none."""
    found = _SCHEME.match(uri)
    return found[1].lower() if found else ""


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """``name`` is the queue's. ``ca_file`` names the certificates that the broker's own must lead
    to; empty: those that the system trusts. ``others`` are more servers like ``host`` and ``port``,
    one of which is enough to begin with."""

    driver: str
    host: str
    port: int
    is_encrypted: bool
    name: str
    user: str = ""
    password: str = field(default="", repr=False)
    ca_file: str = ""
    others: tuple[tuple[str, int], ...] = ()

    @classmethod
    def parse(cls, uri: str, name: str, ca_file: str = "") -> Self:
        """``name`` is the queue's if the address has no path. Raises ConfigError, which quotes
        nothing of the address but its scheme and host."""
        scheme = scheme_of(uri)
        if scheme not in SCHEMES:
            raise ConfigError(f"the scheme {scheme[:20]!r} is none of {', '.join(SCHEMES)}")
        driver, usual_port, is_tls = SCHEMES[scheme]
        not_encoded = ConfigError(
            f"{scheme}:// is followed by user:password@host:port/name and nothing else; other characters "
            "than A-Z a-z 0-9 - . _ ~ in a user's name or password, and @ in any part, must be percent-encoded"
        )
        if _CUT.search(uri.partition("://")[2]):
            raise not_encoded  # the rest of a password would be the queue's name
        try:
            parts = urlsplit(uri)
            first, *others = _servers(parts.netloc, usual_port, driver in _SEVERAL)
        except ValueError:
            raise ConfigError("the host or the port is none") from None  # the cause quotes them
        host, port = first
        if parts.query or parts.fragment or parts.netloc.count("@") > 1 or "," in host:
            raise not_encoded
        if parts.username is not None and parts.password is None:
            # It may be a token of NATS's, and would be shown as a name.
            raise ConfigError(f"{scheme}:// has user:password or :password before the @; no token is taken")
        path = unquote(parts.path.removeprefix("/"))
        if (
            not all(one for one, _ in (first, *others))
            or "/" in path
            or any(ord(letter) < 32 for letter in path)
        ):
            raise ConfigError(f"{scheme}:// is followed by a host, and at most one name behind a /")
        for one, _ in (first, *others):
            if not is_tls and not is_this_machine(one):
                raise ConfigError(f"{one} is another machine, so its scheme must be {_ENCRYPTED[driver]}")
        return cls(
            driver,
            host,
            port,
            is_tls,
            path or name,
            unquote(parts.username or ""),
            unquote(parts.password or ""),
            ca_file,
            tuple(others),
        )

    @property
    def servers(self) -> tuple[tuple[str, int], ...]:
        """Host and port of each."""
        return ((self.host, self.port), *self.others)

    @property
    def said_name(self) -> str:
        """The queue's name and its kind, for others to compare with theirs."""
        return f"{self.name} on {self.driver}"


def _servers(netloc: str, usual_port: int, several: bool) -> list[tuple[str, int]]:
    """Host and port of each server. Raises ValueError for a port that is none."""
    hosts = netloc.rpartition("@")[2]
    parts = [urlsplit(f"//{one}") for one in (hosts.split(",") if several else [hosts])]
    ports = [usual_port if part.port is None else part.port for part in parts]
    if 0 in ports:
        raise ValueError
    return [(part.hostname or "", port) for part, port in zip(parts, ports, strict=True)]


def is_this_machine(host: str) -> bool:
    """True if what is sent to the host does not leave this machine."""
    return is_local(f"tcp://{f'[{host}]' if ':' in host else host}:1")


def channel_part(text: str) -> str:
    """``text`` with every character encoded that means something to a broker; no two texts become
    the same."""
    return quote(text, safe="").replace(".", "%2E").replace("~", "%7E")

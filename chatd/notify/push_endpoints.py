"""Addresses that chatd will POST to because a client named them: those of services the operators
allow, never one inside their network.

An entry is a host, which stands for its subdomains too, over https and only at public addresses; or
a whole origin, ``http://127.0.0.1:8000``, which is taken as it is.
"""

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

MAX_ENDPOINT = 2_048
"""Characters of an endpoint."""
_URL = re.compile(r"[!-\[\]-~]*")
"""ASCII without spaces, controls and backslashes."""

_STANDS_FOR_IPV4 = tuple(
    (ipaddress.IPv6Network(network), shift)
    for network, shift in (
        ("::/96", 0),  # IPv4-compatible, deprecated (RFC 4291, 2.5.5.1)
        ("::ffff:0:0/96", 0),  # IPv4-mapped
        ("::ffff:0:0:0/96", 0),  # IPv4-translated (RFC 2765)
        ("64:ff9b::/96", 0),  # NAT64's well-known prefix (RFC 6052)
        ("2002::/16", 80),  # 6to4
    )
)
"""Networks, and the place of the IPv4 address in theirs: bits behind it."""
_NOT_PUBLIC = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "64:ff9b:1::/48",  # NAT64 of a local network (RFC 8215)
        "100::/64",  # discarded
        "2001:2::/48",  # benchmarks
        "2001:10::/28",  # ORCHID, deprecated
        "2001:db8::/32",  # documentation
        "3fff::/20",  # documentation
        "5f00::/16",  # segment routing
        "fec0::/10",  # site-local, deprecated
    )
)
"""Those that the interpreter's own table may not know as special yet."""


class PushEndpoints:
    """``allowed``: the entries."""

    def __init__(self, allowed: Iterable[str]) -> None:
        entries = [entry.strip().lower().rstrip("/") for entry in allowed if entry.strip()]
        self._origins = frozenset(entry for entry in entries if "://" in entry)
        self._hosts = tuple(entry.lstrip(".") for entry in entries if "://" not in entry)

    def fault(self, endpoint: str) -> str:
        """The fault of an endpoint, in words; empty when there is none."""
        try:
            parts = urlsplit(endpoint)
            port = parts.port
        except ValueError:
            return "it is no URL"
        if len(endpoint) > MAX_ENDPOINT or not _URL.fullmatch(endpoint):
            return f"it is no URL of at most {MAX_ENDPOINT} characters"
        if parts.username is not None or parts.password is not None:
            return "it holds a user's name"
        if _origin(parts) in self._origins:
            return ""
        if parts.scheme != "https" or port not in (None, 443):
            return "it must be https, at the usual port"
        host = (parts.hostname or "").rstrip(".")
        if not any(host == known or _is_below(host, known) for known in self._hosts):
            return "its host is not among those allowed here"
        if _is_address(host) and not is_public(host):
            return "its address is not public"  # no resolver will be asked for it
        return ""

    def is_trusted(self, endpoint: str) -> bool:
        """True if the endpoint's whole origin was named: then it may be at any address."""
        return _origin(urlsplit(endpoint)) in self._origins


def is_public(address: str) -> bool:
    """True for an IP address of the open Internet. If an IPv6 address stands for an IPv4 address,
    to which a router or the kernel translates it, that one must be public too."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if not found.is_global or found.is_multicast:
        return False
    if isinstance(found, ipaddress.IPv4Address):
        return True
    return not any(found in network for network in _NOT_PUBLIC) and all(
        one.is_global and not one.is_multicast for one in _embedded(found)
    )


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_below(host: str, known: str) -> bool:
    """True for a subdomain. An address has none."""
    return host.endswith(f".{known}") and not _is_address(known)


def _embedded(address: ipaddress.IPv6Address) -> list[ipaddress.IPv4Address]:
    """The IPv4 addresses that traffic to an IPv6 address may end at; none for a plain one."""
    found = [
        ipaddress.IPv4Address(int(address) >> shift & 0xFFFF_FFFF)
        for network, shift in _STANDS_FOR_IPV4
        if address in network
    ]
    return [*found, *(address.teredo or ())]  # Teredo's are those of the relay and of the host


def _origin(parts: SplitResult) -> str:
    return f"{parts.scheme}://{parts.netloc}".lower()

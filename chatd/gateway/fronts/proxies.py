"""Proxies that are trusted to say whose requests they bring."""

import ipaddress
from collections.abc import Iterable, Sequence

from chatd.errors import ConfigError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def parse_networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Addresses and networks such as 10.0.0.0/8. Raises ConfigError."""
    try:
        return tuple(ipaddress.ip_network(text) for text in texts)
    except ValueError as exc:
        raise ConfigError(f"{exc}; a proxy is an IP address, or a network such as 10.0.0.0/8") from exc


class Proxies:
    """``networks`` hold the trusted ones."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = networks

    def trusts(self, address: str) -> bool:
        """True for an address of a trusted proxy."""
        found = _address(address)
        return found is not None and any(found in network for network in self._networks)

    def client(self, proxy: str, forwarded_for: Iterable[str]) -> str:
        """The address of the client, by the headers X-Forwarded-For that came from the address
        ``proxy``: the last one that is no trusted proxy's. Addresses that clients say themselves
        stand before it; some proxies add a header of their own behind a client's."""
        for text in reversed(",".join(forwarded_for).split(",")):
            found = _address(text.strip())
            if found is None:
                return proxy
            proxy = str(found)
            if not self.trusts(proxy):
                break
        return proxy


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    # At [::] a client that speaks IPv4 has ::ffff: before its address.
    return (found.ipv4_mapped or found) if isinstance(found, ipaddress.IPv6Address) else found

"""The gateway to connect to, of those the client was given and those that gateways have named. No
I/O."""

import random
from collections.abc import Iterable, Sequence

from chatd.core.address import has_key, split
from chatd.errors import ConfigError

MAX_TOLD = 64
"""Addresses named by gateways that are remembered at most."""


def unreachable(uri: str) -> str:
    """The sentence for a gateway that does not answer. With encryption the reason may be the key:
    servers do not tell those that know another one, or none."""
    endpoint, mark, _ = split(uri)
    if mark:
        return f"no gateway answers at {endpoint}, or it has another key than the address"
    encrypted = ", or it is encrypted and the address lacks its #KEY" if endpoint.startswith("tcp:") else ""
    return f"no gateway answers at {endpoint}{encrypted}"


def as_safe_as(uri: str, told: Iterable[str]) -> list[str]:
    """Those of the addresses ``told`` by the gateway at ``uri`` that are encrypted if that one is.
    A plain one is of the gateway's own machine: here it would be somebody else, who got the
    token."""
    return [one for one in told if has_key(one) or not has_key(uri)]


class Gateways:
    """The gateways a client knows, for its streams and its calls. Raises ConfigError if it is given
    none."""

    def __init__(self, given: str | Sequence[str]) -> None:
        self.given = (given,) if isinstance(given, str) else tuple(dict.fromkeys(given))
        if not self.given or not all(self.given):
            raise ConfigError("no address of a gateway was given")
        self._told: tuple[str, ...] = ()

    def learn(self, uris: Iterable[str]) -> None:
        """A gateway has named others; they replace those named before."""
        self._told = tuple(dict.fromkeys(uri for uri in uris if uri not in self.given))[:MAX_TOLD]

    def others(self, uri: str) -> list[str]:
        """All known gateways but this one."""
        return [one for one in self.given + self._told if one != uri]


class Route:
    """The gateway of one connection, and the next when it fails: all that are known, in a random
    order."""

    def __init__(self, gateways: Gateways) -> None:
        self._gateways = gateways
        self._untried: list[str] = []
        self.uri = gateways.given[0]

    @property
    def has_other(self) -> bool:
        return bool(self._gateways.others(self.uri))

    def move(self, told: Sequence[str] = ()) -> None:
        """Go to another gateway: to one of those ``told`` if there are any. Stays if none is
        known."""
        others = self._gateways.others(self.uri)
        if told:
            self.uri = random.choice(told)
            self._untried = []
            return
        self._untried = [one for one in self._untried if one in others] or random.sample(others, len(others))
        if self._untried:
            self.uri = self._untried.pop()

"""Which gateway to connect to: those the client was given, and those any gateway has told of. No I/O."""

import random
from collections.abc import Iterable, Sequence

from chatd.errors import ConfigError

MAX_TOLD = 64
"""Addresses remembered of what gateways tell."""


class Gateways:
    """A client's knowledge, shared by its streams and its calls. Raises ConfigError when it is given no address."""

    def __init__(self, given: str | Sequence[str]) -> None:
        self.given = (given,) if isinstance(given, str) else tuple(dict.fromkeys(given))
        if not self.given or not all(self.given):
            raise ConfigError("no gateway's address was given")
        self._told: tuple[str, ...] = ()

    def learn(self, uris: Iterable[str]) -> None:
        """What a gateway tells of the others replaces what was told before."""
        self._told = tuple(dict.fromkeys(uri for uri in uris if uri not in self.given))[:MAX_TOLD]

    def others(self, uri: str) -> list[str]:
        """All that are known but this one."""
        return [one for one in self.given + self._told if one != uri]


class Route:
    """Where one connection goes, and where next when it fails: round all that are known, in an order of its own."""

    def __init__(self, gateways: Gateways) -> None:
        self._gateways = gateways
        self._untried: list[str] = []
        self.uri = gateways.given[0]

    @property
    def has_other(self) -> bool:
        return bool(self._gateways.others(self.uri))

    def move(self, told: Sequence[str] = ()) -> None:
        """Go elsewhere: to one of those told, if any; stays where there is nowhere else."""
        others = self._gateways.others(self.uri)
        if told:
            self.uri = random.choice(told)
            self._untried = []
            return
        self._untried = [one for one in self._untried if one in others] or random.sample(others, len(others))
        if self._untried:
            self.uri = self._untried.pop()

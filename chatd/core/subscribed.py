"""Subscribed: which gateways' subscriptions have reached a node, and up to which fence. For drivers
whose subscriptions and calls travel apart.

A gateway makes a numbered fence after its other subscriptions. Those of one connection arrive in
their order, but for all that there are when a connection is made, which come first, in any order,
and with no fence among them. No I/O, no clock.
"""

from collections import Counter
from collections.abc import Callable

Then = Callable[[bool], None]


class Subscribed:
    """Counts connections: a gateway may have a new one before the old one is known to be dead."""

    def __init__(self) -> None:
        self._connections: Counter[str] = Counter()
        self._fences: dict[str, int] = {}
        self._wanted: dict[str, int] = {}
        self._waiting: dict[str, list[tuple[int, Then]]] = {}

    def __contains__(self, gateway: str) -> bool:
        return gateway in self._connections

    def is_complete(self, gateway: str) -> bool:
        """True if the last fence that anybody asked for has come: all subscriptions stand."""
        return self._fences.get(gateway, 0) >= self._wanted.get(gateway, 1)

    def come(self, gateway: str) -> None:
        """A connection has been made. No fence has come over it yet: callers that wait are answered
        by one that will."""
        self._connections[gateway] += 1
        self._fences.pop(gateway, None)

    def go(self, gateway: str) -> bool:
        """A connection has ended. True: it was the last one."""
        if self._connections[gateway] > 1:
            self._connections[gateway] -= 1
            return False
        del self._connections[gateway]
        self._fences.pop(gateway, None)
        self._wanted.pop(gateway, None)
        for _, then in self._waiting.pop(gateway, []):
            then(False)
        return True

    def fence(self, gateway: str, number: int) -> None:
        """A fence has come: everything that the gateway subscribed to before it is there."""
        if gateway not in self._connections or number <= self._fences.get(gateway, 0):
            return
        self._fences[gateway] = number
        waiting = self._waiting.pop(gateway, [])
        left = [one for one in waiting if one[0] > number]
        if left:
            self._waiting[gateway] = left
        for wanted, then in waiting:
            if wanted <= number:
                then(True)

    def when(self, gateway: str, number: int, then: Then) -> None:
        """Call ``then(True)`` when this fence has come, or a later one; ``then(False)`` when the
        gateway has gone."""
        if gateway not in self._connections:
            then(False)
            return
        self._wanted[gateway] = max(number, self._wanted.get(gateway, 1))
        if self._fences.get(gateway, 0) >= number:
            then(True)
        else:
            self._waiting.setdefault(gateway, []).append((number, then))

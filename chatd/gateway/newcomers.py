"""Newcomers: connections of an address, or of a profile, that come so often that they cost the
others' time. They wait for their turn. The newest and the oldest have it alternately: one who comes
among thousands of an attacker's is not behind them all, and one whom the attacker's overtake again
and again is not left behind.
"""

from collections import deque
from collections.abc import Callable
from functools import partial

from chatd.core.metric import Gauge
from chatd.core.rate_limit import Buckets, Rate
from chatd.gateway.authentication.pending import AuthenticationPending
from chatd.gateway.link import Link

COMING_SECONDS = 200e-6
"""Part of the loop's time, for a connection to be accepted, and ended again."""
STRANGERS_SHARE = 0.1
"""The share of the loop's time for one address's strangers. The cost of those who authenticate is
given back, so any number may come at once."""
STRANGERS_BURST_SECONDS = 1.0
ALL_ANEW_SECONDS = 5.0
"""A profile may open all the connections and streams that it may have anew in this time."""
AT_ONCE = 4
"""It may do so as many times at once; so long the newest take the places of the first."""
FEWEST = 64
"""It may always open so many at once."""

Later = Callable[[float, Callable[[], None]], object]


class _Turns:
    """Links that wait for room in their key's bucket."""

    def __init__(self, cost: float, rate: Rate, *, now: Callable[[], float], later: Later) -> None:
        self.buckets = Buckets(rate)
        self._cost = cost
        self._now = now
        self._later = later
        self._waiting: dict[str, deque[tuple[Link, Callable[[], None]]]] = {}  # the oldest first
        self._timed: set[str] = set()
        self._newest_next = True

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def take(self, key: str) -> bool:
        """False: there is no room now."""
        now = self._now()
        if key in self._waiting or self.buckets.wait(key, self._cost, now):
            return False
        self.buckets.charge(key, self._cost, now)
        return True

    def wait(self, key: str, link: Link, go_on: Callable[[], None]) -> None:
        """Call ``go_on`` when there is room, or the link has ended."""
        self._waiting.setdefault(key, deque()).append((link, go_on))
        self._look_later(key)

    def look(self, key: str) -> None:
        """There may be room."""
        while waiting := self._waiting.get(key):
            oldest, newest = waiting[0][0], waiting[-1][0]
            if oldest.has_ended:
                _, go_on = waiting.popleft()
            elif newest.has_ended:
                _, go_on = waiting.pop()
            elif not self.buckets.wait(key, self._cost, self._now()):
                self.buckets.charge(key, self._cost, self._now())
                _, go_on = waiting.pop() if self._newest_next else waiting.popleft()
                self._newest_next = not self._newest_next
            else:
                self._look_later(key)
                return
            if not waiting:
                del self._waiting[key]
            go_on()

    def _look_later(self, key: str) -> None:
        if key not in self._timed:
            self._timed.add(key)
            self._later(self.buckets.wait(key, self._cost, self._now()), partial(self._look_now, key))

    def _look_now(self, key: str) -> None:
        self._timed.discard(key)
        self.look(key)


class Newcomers:
    """Asked by fronts about connections that have come, and by Admission about those that
    authenticate. ``per_profile``: connections that a profile may have. Local connections have no
    address, and no limit of it."""

    def __init__(self, per_profile: int, *, now: Callable[[], float], later: Later) -> None:
        self._now = now
        strangers = Rate(STRANGERS_SHARE, STRANGERS_BURST_SECONDS)
        self._strangers = _Turns(COMING_SECONDS, strangers, now=now, later=later)  # by address
        self._profiles = _Turns(1.0, _rate(per_profile), now=now, later=later)
        self._is_turn_of: Link | None = None
        self.gauge = Gauge(
            "newcomers_waiting",
            "connections that wait because too many of their address, or of their profile, come",
            lambda: {("address",): len(self._strangers), ("profile",): len(self._profiles)},
            labels=("of",),
        )

    def change(self, per_profile: int) -> None:
        """Another limit from now on."""
        self._profiles.buckets.change(_rate(per_profile))

    def come(self, link: Link, serve: Callable[[], None]) -> None:
        """A stranger's connection has been accepted: serve it, now or when it is its turn."""
        if not link.address or self._strangers.take(link.address):
            self._serve(link, serve)
        else:
            self._strangers.wait(link.address, link, partial(self._serve, link, serve))

    def _serve(self, link: Link, serve: Callable[[], None]) -> None:
        link.stranger_cost = COMING_SECONDS
        serve()

    def cost(self, link: Link, seconds: float) -> None:
        """A stranger's words have taken so much of the loop's time."""
        if link.address:
            link.stranger_cost += seconds
            self._strangers.buckets.charge(link.address, seconds, self._now())

    def authenticated(self, link: Link) -> None:
        """It is no stranger, or was none before."""
        if link.address and link.stranger_cost:
            self._strangers.buckets.refund(link.address, link.stranger_cost)
            link.stranger_cost = 0.0
            self._strangers.look(link.address)

    def admit(self, link: Link, profile_id: str) -> None:
        """The profile's connection comes, or wants a stream. Raises AuthenticationPending if it is
        to wait for its turn, and then to be admitted."""
        if link is not self._is_turn_of and not self._profiles.take(profile_id):
            raise AuthenticationPending(partial(self._wait, link, profile_id))

    def _wait(self, link: Link, profile_id: str, go_on: Callable[[], None]) -> None:
        def its_turn() -> None:
            self._is_turn_of = link
            try:
                go_on()
            finally:
                self._is_turn_of = None

        self._profiles.wait(profile_id, link, its_turn)


def _rate(per_profile: int) -> Rate:
    return Rate(max(1.0, per_profile / ALL_ANEW_SECONDS), max(FEWEST, AT_ONCE * per_profile))

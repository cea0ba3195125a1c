"""Doorkeeper: ends the connection of a client that does not authenticate in time, guesses at
tokens, goes on when told to wait, or has too many neighbours.
"""

from collections import Counter as Tally
from dataclasses import dataclass

import structlog

from chatd.core.counter import Counter
from chatd.core.outage import Outage
from chatd.core.rate_limit import Buckets, Rate
from chatd.errors import Overloaded
from chatd.gateway.link import Link

log = structlog.get_logger()

LAST_WORD_SECONDS = 0.2
"""Between an error that ends a connection and its end: time for the error to get there."""
ADDRESS_SHARE = 10
"""When there are too many, an address that has more than one in so many of the places makes room
for its own newcomers."""
REFUSALS_PER_SECOND = 1_000
"""Refusals that a connection is told of; then it is ended. A user's connections together have four
times as many, and so have all strangers of an address. Operators' have only their own."""
REFUSAL_BURST_SECONDS = 2
REFUSAL_BYTES = 4_096
"""Bytes of a refused frame that count as one refusal more."""
PAUSES = 2
"""Pauses in accepting (50 ms) that a newcomer has to authenticate, at least, before others take its
place."""
CALM_SECONDS = 1.0
"""For so long after an address was full may others of it still be waiting to come."""
COMMANDS_PER_SECOND = 100
"""Commands of its transport, such as PING, that a connection may send: they cost as much as a small
frame, and no other limit counts them."""
COMMAND_BURST_SECONDS = 5


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """``handshake``: seconds until a connection must have authenticated, 0.0: no limit.
    ``max_unauthenticated``: connections that have not yet. ``max_failures``: wrong tokens on one
    connection, 0: no limit. ``max_connections``: all that descriptors last for;
    ``operators_reserve``: so many more may come in, and stay if they are operators'.
    ``per_profile`` and ``per_address``: authenticated connections of one profile and of one
    address, but operators; an address has its strangers within ``operators_reserve`` more."""

    handshake: float
    max_unauthenticated: int
    max_failures: int
    max_connections: int = 1 << 30
    operators_reserve: int = 1
    per_profile: int = 1 << 30
    per_address: int = 1 << 30


class Doorkeeper:
    """Told of connections by the fronts, and by the gateway of what they do. Times in seconds."""

    def __init__(self, settings: DoorSettings) -> None:
        self._settings = settings
        self._failures: dict[Link, int] = {}  # of each connection that a front has accepted
        self._waiting: dict[Link, float] = {}  # not authenticated yet, and since when; the oldest first
        self._waiting_at: dict[str, dict[Link, None]] = {}  # the same, by address
        self._at: dict[str, dict[Link, None]] = {}  # all, by address; the oldest first
        self._known_at: dict[str, dict[Link, None]] = {}  # authenticated ones, but operators; as _of
        self._of: dict[str, dict[Link, None]] = {}  # authenticated ones by profile; the longest silent first
        self._profile: dict[Link, str] = {}
        self._leaving: dict[Link, float] = {}
        self._refusals = Buckets(Rate(REFUSALS_PER_SECOND, REFUSALS_PER_SECOND * REFUSAL_BURST_SECONDS))
        self._refusals_together = Buckets(
            Rate(4 * REFUSALS_PER_SECOND, 4 * REFUSALS_PER_SECOND * REFUSAL_BURST_SECONDS)
        )
        self._commands = Buckets(Rate(COMMANDS_PER_SECOND, COMMANDS_PER_SECOND * COMMAND_BURST_SECONDS))
        self._hung_up_lately: Tally[str] = Tally()
        self._in_reserve: dict[Link, None] = {}  # came when there was no more room; the oldest first
        self._address_full_at = -CALM_SECONDS
        self._full = Outage(
            log, "Descriptors run out; connections are ended", "Descriptors last again", now=lambda: self._now
        )
        self._now = 0.0
        self._ticked_at = 0.0
        self._said_at = -1.0
        self.hung_up = Counter("connections_hung_up", "connections that the gateway ended by itself")
        self.period = min(1.0, settings.handshake / 8 or 1.0)
        """Seconds between two calls of ``tick``."""

    def change(self, settings: DoorSettings) -> None:
        """Other limits from now on, for connections that are there too. A shorter handshake may end
        them up to ``period`` late."""
        self._settings = settings

    def accepted(self, link: Link, now: float) -> None:
        """A connection has come. When too many have not authenticated, the oldest goes: of all, or
        of the newcomer's address if that has many."""
        self._now = now
        self._failures[link] = 0
        self._waiting[link] = now
        neighbours = self._waiting_at.setdefault(link.address, {})
        neighbours[link] = None
        self._at.setdefault(link.address, {})[link] = None
        most = self._settings.max_unauthenticated
        most_here = self._settings.per_address + self._settings.operators_reserve
        if link.address and len(self._at[link.address]) > most_here:
            self._address_full_at = now
            self._hang_up(next(iter(neighbours)), "address full")
        if len(self._failures) > self._settings.max_connections:
            self._make_room(link)
        while len(self._waiting) > most:
            neighbours = self._waiting_at.get(link.address, {})
            crowd = neighbours if len(neighbours) * ADDRESS_SHARE > most else self._waiting
            self._hang_up(next(iter(crowd)), "crowded")

    def _make_room(self, link: Link) -> None:
        """One more than there are descriptors for: the oldest goes that has not authenticated. If
        all have, the newcomer has the reserve."""
        self._full.failed(
            Overloaded(f"there is room for {self._settings.max_connections} connections"),
            connections=len(self._failures),
        )
        strangers = (one for one in self._waiting if one is not link and one not in self._in_reserve)
        oldest = next(strangers, None)
        if oldest is None:
            self._in_reserve[link] = None
            if len(self._in_reserve) <= self._settings.operators_reserve:
                return
            # An operator who is in keeps the place; the newcomer himself goes if all are operators.
            oldest = next((one for one in self._in_reserve if one in self._waiting), link)
        self._hang_up(oldest, "full")

    def _idlest(self, links: dict[Link, None]) -> Link:
        """The one to go: the first that has no stream, or of all. So a newcomer is sent away when
        all others have streams."""
        return next((one for one in links if not one.has_stream), None) or next(iter(links))

    def is_stranger(self, link: Link) -> bool:
        """True until it has authenticated."""
        return link in self._waiting

    def is_of(self, link: Link, profile_id: str) -> bool:
        """True if the connection has authenticated as this profile before."""
        return self._profile.get(link) == profile_id

    def newcomers(self, most: int) -> int:
        """The number of newcomers, of ``most``, that may come before a pause. When each of them
        takes another's place, only so many that each has some pauses' time to authenticate."""
        settings = self._settings
        room = min(
            settings.max_connections - len(self._failures),
            settings.max_unauthenticated - len(self._waiting),
        )
        if self._now < self._address_full_at + CALM_SECONDS:
            room = 0
        return min(most, max(1, room, settings.operators_reserve // PAUSES))

    def broke(self, link: Link, why: str) -> None:
        """A connection broke a rule of its protocol: end it, for this reason."""
        if link in self._failures:
            self._hang_up(link, why)

    def ended(self, link: Link) -> None:
        """A connection has gone."""
        self._in_reserve.pop(link, None)
        _remove(self._at, link.address, link)
        _remove(self._known_at, link.address, link)
        _remove(self._of, self._profile.pop(link, ""), link)
        self._no_longer_waiting(link)
        self._failures.pop(link, None)
        self._leaving.pop(link, None)

    def _no_longer_waiting(self, link: Link) -> None:
        if self._waiting.pop(link, None) is not None:
            _remove(self._waiting_at, link.address, link)

    def authenticated(self, link: Link, profile_id: str, *, operator: bool) -> None:
        """A token that came over the connection is good. The reserve is for operators."""
        if link not in self._failures:
            return
        self._no_longer_waiting(link)
        if not operator:
            self._count(link, profile_id)
            self._count_at(link)
        if link in self._in_reserve and not operator:
            if len(self._failures) > self._settings.max_connections:
                self._hang_up(link, "full")
            else:
                del self._in_reserve[link]

    def _count(self, link: Link, profile_id: str) -> None:
        """The connection is this profile's now. If he has too many, the one that is used least
        goes."""
        _remove(self._of, self._profile.get(link, ""), link)
        self._profile[link] = profile_id
        mine = self._of.setdefault(profile_id, {})
        mine[link] = None
        if len(mine) > self._settings.per_profile:
            self._hang_up(self._idlest(mine), "profile full")

    def _count_at(self, link: Link) -> None:
        """The connection takes a place of its address, which operators do not."""
        if link.address and link in self._failures:
            known = self._known_at.setdefault(link.address, {})
            known.pop(link, None)
            known[link] = None
            if len(known) > self._settings.per_address:
                self._address_full_at = self._now
                self._hang_up(self._idlest(known), "address full")

    def is_leaving(self, link: Link) -> bool:
        """True when the connection is about to be ended for its wrong tokens: it has no more
        guesses."""
        return link in self._leaving

    def failed(self, link: Link, now: float) -> None:
        """A token that came over the connection is none. Too often, and the connection is ended
        once it has been told."""
        if link not in self._failures:
            return
        self._failures[link] += 1
        if self._failures[link] == self._settings.max_failures:
            self._leaving[link] = now + LAST_WORD_SECONDS

    def refused(self, link: Link, size: int, now: float) -> bool:
        """A frame of so many bytes is to be refused. False: there were so many that the connection
        has been ended instead."""
        cost = 1 + size / REFUSAL_BYTES
        crowd = self._crowd(link)
        if self._refusals.wait(link, cost, now) or (crowd and self._refusals_together.wait(crowd, cost, now)):
            self._hang_up(link, "flooding")
            return False
        self._refusals.charge(link, cost, now)
        if crowd:
            self._refusals_together.charge(crowd, cost, now)
        return True

    def commanded(self, link: Link, count: int, now: float) -> None:
        """The connection has sent so many commands of its transport. Too many, and it is ended."""
        if self._commands.wait(link, count, now):
            self.broke(link, "flooding")
        else:
            self._commands.charge(link, count, now)

    def _crowd(self, link: Link) -> tuple[str, str] | None:
        """The connections whose refusals count together with this one's: the user's, or those of
        strangers at the same address. No deed of strangers ends a user's connection."""
        if link in self._waiting:
            return ("address", link.address) if link.address else None
        profile_id = self._profile.get(link)
        return ("profile", profile_id) if profile_id is not None else None

    def tick(self, now: float) -> None:
        """End the connections whose time is up."""
        gap = now - self._ticked_at if self._ticked_at else 0.0
        self._now = self._ticked_at = now
        if gap > 4 * self.period:
            # This process itself stood still: what they said meanwhile has not been read yet.
            for link in self._waiting:
                self._waiting[link] += gap
        if self._settings.handshake:
            latest = now - self._settings.handshake
            while self._waiting and (oldest := next(iter(self._waiting.items())))[1] <= latest:
                self._hang_up(oldest[0], "silent")
        for link in [link for link, at in self._leaving.items() if at <= now]:
            self._hang_up(link, "wrong tokens")
        if len(self._failures) < self._settings.max_connections * 0.95:
            self._full.worked()
        del self._hung_up_lately["full"]  # said by the outage
        if self._hung_up_lately and now >= self._said_at + 1.0:
            self._said_at = now
            log.info(
                "Connections were ended",
                **{why.replace(" ", "_"): count for why, count in self._hung_up_lately.items()},
            )
            self._hung_up_lately.clear()

    def _hang_up(self, link: Link, why: str) -> None:
        self.ended(link)
        link.hang_up()
        self.hung_up.add()
        self._hung_up_lately[why] += 1


def _remove(groups: dict[str, dict[Link, None]], key: str, link: Link) -> None:
    """Take a connection out of its group; an empty group goes."""
    group = groups.get(key)
    if group is not None:
        group.pop(link, None)
        if not group:
            del groups[key]

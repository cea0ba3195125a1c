"""A newcomer that comes too often waits, and one that comes between is not behind him."""

import heapq
import itertools
from collections.abc import Callable

import pytest

from chatd.gateway.authentication.pending import AuthenticationPending
from chatd.gateway.newcomers import (
    ALL_ANEW_SECONDS,
    AT_ONCE,
    COMING_SECONDS,
    FEWEST,
    STRANGERS_BURST_SECONDS,
    STRANGERS_SHARE,
    Newcomers,
)
from tests.gateway.links import KeptLink

BURST = round(STRANGERS_BURST_SECONDS / COMING_SECONDS)
PER_SECOND = round(STRANGERS_SHARE / COMING_SECONDS)
PER_PROFILE = 100


class Street:
    """Newcomers, and a clock that is turned by hand."""

    def __init__(self) -> None:
        self._now = 100.0
        self._actions: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self.newcomers = Newcomers(PER_PROFILE, now=lambda: self._now, later=self._later)
        self.served: list[KeptLink] = []

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._actions, (self._now + seconds, next(self._numbers), action))

    def pass_by(self, seconds: float) -> None:
        end = self._now + seconds
        while self._actions and self._actions[0][0] <= end:
            self._now, _, action = heapq.heappop(self._actions)
            action()
        self._now = end

    def come(self, address: str = "a") -> KeptLink:
        link = KeptLink(address)
        self.newcomers.come(link, lambda: self.served.append(link))
        return link

    def come_as(self, profile: str, link: KeptLink | None = None) -> KeptLink:
        """A link that is admitted as this profile's, and then counts as served."""
        link = link or KeptLink()

        def handle() -> None:
            if link.has_ended:
                return
            try:
                self.newcomers.admit(link, profile)
            except AuthenticationPending as pending:
                pending.when_known(handle)
            else:
                self.served.append(link)

        handle()
        return link

    def served_since(self, count: int) -> int:
        return len(self.served) - count


def test_strangers_of_an_address_cost_no_more_than_their_share() -> None:
    street = Street()
    for _ in range(BURST + 10 * PER_SECOND):
        street.come()
    assert len(street.served) == pytest.approx(BURST, abs=1)
    street.pass_by(1.0)
    assert street.served_since(BURST) == pytest.approx(PER_SECOND, abs=2)
    other = street.come("b")
    assert street.served[-1] is other
    local = street.come("")
    assert street.served[-1] is local


def test_the_newest_has_the_next_turn_but_one() -> None:
    street = Street()
    for _ in range(BURST + 10 * PER_SECOND):
        street.come()
    newest = street.come()
    assert newest not in street.served
    street.pass_by(3 / PER_SECOND)
    assert newest in street.served


def test_one_who_is_overtaken_again_and_again_has_a_turn() -> None:
    street = Street()
    for _ in range(BURST + 20):
        street.come()
    overtaken = street.come()
    for _ in range(60):
        before = len(street.served)
        street.come()
        while len(street.served) == before:
            street.pass_by(1 / PER_SECOND)
    assert overtaken in street.served


def test_what_a_stranger_says_is_charged_as_what_it_took() -> None:
    street = Street()
    for number in range(10):
        street.newcomers.cost(street.come(), STRANGERS_BURST_SECONDS / 10)
        assert len(street.served) == number + 1
    waits = street.come()
    street.pass_by(5 * COMING_SECONDS / STRANGERS_SHARE)
    assert waits not in street.served
    street.pass_by(20 * COMING_SECONDS / STRANGERS_SHARE)
    assert waits in street.served


def test_any_number_comes_at_once_if_they_authenticate() -> None:
    street = Street()
    for _ in range(10 * BURST):
        link = street.come()
        street.newcomers.cost(link, COMING_SECONDS)
        street.newcomers.authenticated(link)
    assert len(street.served) == 10 * BURST


def test_those_who_wait_come_when_others_authenticate() -> None:
    street = Street()
    for _ in range(2 * BURST):
        street.come()
    at_first = len(street.served)
    for link in street.served[:]:
        street.newcomers.authenticated(link)
        street.newcomers.authenticated(link)
    assert street.served_since(at_first) == at_first


def test_those_who_have_gone_take_no_turn() -> None:
    street = Street()
    for _ in range(BURST + PER_SECOND):
        street.come()
    waiting = [street.come() for _ in range(PER_SECOND)]
    for link in waiting:
        link.has_ended = True
    alive = [street.come() for _ in range(3)]
    for _ in range(3):
        street.come().has_ended = True
    street.pass_by(5 / PER_SECOND)
    assert all(link in street.served for link in alive)


def test_a_profile_may_come_anew_once_in_some_seconds() -> None:
    street = Street()
    for _ in range(10 * PER_PROFILE):
        street.come_as("ben")
    assert len(street.served) == AT_ONCE * PER_PROFILE
    street.pass_by(ALL_ANEW_SECONDS)
    assert street.served_since(AT_ONCE * PER_PROFILE) == pytest.approx(PER_PROFILE, abs=2)
    ann = street.come_as("ann")
    assert street.served[-1] is ann


def test_a_hello_that_waited_is_charged_once() -> None:
    street = Street()
    link = KeptLink()
    for _ in range(AT_ONCE * PER_PROFILE):
        street.come_as("ben", link)
    street.come_as("ben", link)
    street.pass_by(ALL_ANEW_SECONDS)
    assert len(street.served) == AT_ONCE * PER_PROFILE + 1
    for _ in range(PER_PROFILE):
        street.come_as("ben")
    assert street.served_since(AT_ONCE * PER_PROFILE + 1) == pytest.approx(PER_PROFILE - 1, abs=1)


def test_other_limits() -> None:
    street = Street()
    street.newcomers.change(1)
    for _ in range(2 * FEWEST):
        street.come_as("ben")
    assert len(street.served) == FEWEST
    street.pass_by(3.0)
    assert street.served_since(FEWEST) == pytest.approx(3, abs=1)


def test_how_many_wait_is_shown() -> None:
    street = Street()
    for _ in range(BURST + 5):
        street.come()
    for _ in range(AT_ONCE * PER_PROFILE + 3):
        street.come_as("ben")
    assert street.newcomers.gauge.read() == {("address",): 5, ("profile",): 3}

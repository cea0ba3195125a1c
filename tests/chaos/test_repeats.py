"""The checker on what is given again after an ack."""

import random
from dataclasses import replace

import pytest

from tests.chaos.healthy import Healthy
from tests.chaos.history import Acked, Calm, Fault, Shown, Stall, line, parse
from tests.chaos.planted import shown_at
from tests.chaos.repeats import WRITTEN_SECONDS
from tests.chaos.test_checker import caught, verdict_on


class GivenAgain(Healthy):
    """Behind the healthy history bob's desk acknowledges all that it was shown of room a, hears on
    for ``heard`` seconds, until a gateway is killed ``killed`` seconds after the ack, and is given
    the last event again. The machine stalled for the last ``stalled`` seconds before the kill."""

    def __init__(
        self, *, heard: float = 9.0, killed: float = 9.0, stalled: float = 0.0, calm: bool = True
    ) -> None:
        super().__init__(random.Random(1))
        last = shown_at(self, -1)
        other = shown_at(self, -1, room="b")
        began = self.now()
        if calm:
            self.records.append(Calm(began))
        self.records.append(Acked(began, "bob", "desk", last.epoch, "a", last.seq))
        self.records.append(replace(other, t=began + heard, repeat=True))
        self.records.append(Stall(began + killed, stalled))
        self.records.append(Fault(began + killed, "kill", "gateway0"))
        self.records.append(replace(last, t=began + killed + 1.0, repeat=True, epoch=2))


@pytest.mark.parametrize("stalled", [0.0, 9.0 - WRITTEN_SECONDS - 0.5])
def test_what_was_acknowledged_long_ago_is_not_given_again(stalled: float) -> None:
    verdict = verdict_on(GivenAgain(stalled=stalled))
    assert caught(verdict) == {"R": 1}
    ack, again = verdict.violations[0].examples
    assert isinstance(ack, Acked)
    assert isinstance(again, Shown)
    assert (ack.seq, again.t - ack.t) == (again.seq, 10.0)
    assert verdict.written == 1


@pytest.mark.parametrize(
    "history",
    [
        GivenAgain(killed=WRITTEN_SECONDS - 1.0),
        GivenAgain(heard=WRITTEN_SECONDS - 1.0),
        GivenAgain(stalled=9.0 - WRITTEN_SECONDS + 0.5),
        GivenAgain(calm=False),
    ],
    ids=["killed soon after", "taken over soon after", "on a machine that stalled", "among other faults"],
)
def test_an_ack_that_may_have_been_lost_excuses_it(history: GivenAgain) -> None:
    verdict = verdict_on(history)
    assert verdict.passed, verdict.violations
    assert verdict.written == 0


def test_what_an_operator_replays_is_meant_to_come_again() -> None:
    history = GivenAgain()
    again = history.records[-1]
    assert isinstance(again, Shown)
    history.records[-1] = replace(again, replay=True)
    assert verdict_on(history).passed


def test_an_ack_and_a_calm_survive_being_written_down() -> None:
    records = GivenAgain().records
    assert list(parse(map(line, records))) == records

"""A call's deadline as the gateway computes it and the node reads it: never later than meant."""

import random

from hypothesis import given
from hypothesis import strategies as st

from chatd.core.deadline import DRIFT, Deadline, NodeClock, SilenceLimit


@given(
    seed=st.integers(0, 1_000_000),
    start_us=st.integers(0, 10**12),
    speed=st.floats(1 - DRIFT, 1 + DRIFT),
    slow=st.floats(0, 30),
)
def test_a_node_s_clock_is_never_thought_to_be_ahead(
    seed: int, start_us: int, speed: float, slow: float
) -> None:
    """Answers take up to ``slow`` seconds, as when the gateway was stopped with one in its
    socket."""
    dice = random.Random(seed)

    def real(when: float) -> float:
        return start_us + when * 1e6 * speed

    clock, now = NodeClock(), dice.uniform(0, 1e6)
    for _ in range(20):
        answered_at = now
        now += dice.choice([0.0, 0.001, dice.uniform(0, slow)])
        clock.read(int(real(answered_at)), now)
        for later in (0.0, 0.1, 3.0, 10.0):
            assert clock.at(now + later) <= real(now + later) + 1
        now += dice.uniform(0, 2)


def test_an_answer_that_was_long_under_way_takes_nothing_back() -> None:
    clock = NodeClock()
    clock.read(1_000_000, 50.0)
    clock.read(2_000_000, 56.0)  # the clock showed 2 s when it was 51 here
    assert 6_900_000 < clock.at(56.0) <= 7_000_000


def test_a_quick_answer_makes_a_late_one_s_estimate_better() -> None:
    clock = NodeClock()
    clock.read(1_000_000, 55.0)
    clock.read(7_000_000, 56.0)
    assert clock.at(56.0) == 7_000_000


def test_a_call_s_time_is_up_at_its_deadline_or_at_the_gateway_s_silence() -> None:
    silence = SilenceLimit(300)
    deadline = Deadline(1_000, silence)
    assert [deadline.has_passed(now) for now in (299, 300, 1_000)] == [False, True, True]
    silence.move(2_000)
    silence.move(500)
    assert [deadline.has_passed(now) for now in (300, 999, 1_000)] == [False, False, True]

"""The wall clock beside a steady one: steps are noticed, and ages wait until the clock has gone
well for a day."""

import pytest

from chatd.core.clock_watch import SETTLE, ClockWatch

DAY = 86_400_000_000


def watch(known_us: int = 100 * DAY, wall_us: int = 100 * DAY) -> ClockWatch:
    made = ClockWatch()
    made.look(wall_us, 0.0)
    made.compare(known_us, wall_us, 0.0)
    return made


def test_a_clock_that_goes_well_is_believed() -> None:
    made = watch()
    assert made.is_settled(0.0)
    assert made.look(100 * DAY + 3_600_000_000, 3_601.0) == 0.0
    assert made.is_settled(3_601.0)


@pytest.mark.parametrize("days", [100, -100])
def test_a_step_is_noticed_and_ages_wait_for_a_day(days: int) -> None:
    made = watch()
    assert made.look(100 * DAY + days * DAY + 1_000_000, 1.0) == pytest.approx(days * 86_400.0)
    assert not made.is_settled(1.0)
    assert made.look(100 * DAY + 7_000_000, 7.0) == pytest.approx(-days * 86_400.0), (
        "back again is a step as well"
    )
    assert not made.is_settled(7.0 + SETTLE - 1)
    assert made.is_settled(7.0 + SETTLE)


@pytest.mark.parametrize("days", [0, 98, 202])
def test_a_start_far_from_the_last_known_time_waits(days: int) -> None:
    made = watch(known_us=100 * DAY, wall_us=days * DAY)
    assert not made.is_settled(SETTLE - 1)
    assert made.is_settled(SETTLE)


def test_a_new_database_and_a_short_absence_wait_for_nothing() -> None:
    assert watch(known_us=0).is_settled(0.0)
    assert watch(known_us=99 * DAY + 1).is_settled(0.0)


def test_nothing_is_believed_before_it_was_compared() -> None:
    made = ClockWatch()
    made.look(DAY, 0.0)
    assert not made.is_settled(10.0)

"""Buckets: never more than the burst and the rate, admission after the wait that was told, bounded
memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.core.rate_limit import Buckets, Rate, address_key, limited

RATES = st.builds(Rate, st.floats(0.1, 10_000), st.floats(0.1, 10_000))
STEPS = st.lists(st.tuples(st.floats(0, 30), st.floats(0.01, 20_000)), max_size=60)


def admit(buckets: Buckets, key: str, cost: float, now: float) -> float:
    """Charge if it may be; else the seconds to wait."""
    wait = buckets.wait(key, cost, now)
    if not wait:
        buckets.charge(key, cost, now)
    return wait


@given(RATES, STEPS)
def test_never_more_than_the_burst_and_what_the_time_brings(
    rate: Rate, steps: list[tuple[float, float]]
) -> None:
    """Over every stretch of time. A request that is larger than the burst goes beyond it, once."""
    buckets, now = Buckets(rate), 1000.0
    admitted: list[tuple[float, float]] = []
    for gap, cost in steps:
        now += gap
        if not admit(buckets, "k", cost, now):
            admitted.append((now, cost))
    for first, (began, _) in enumerate(admitted):
        total = 0.0
        for at, cost in admitted[first:]:
            total += cost
            assert total <= max(rate.burst, cost) + rate.per_second * (at - began + 1e-4)


@given(RATES, STEPS)
def test_who_waits_as_told_is_admitted_and_not_a_moment_too_late(
    rate: Rate, steps: list[tuple[float, float]]
) -> None:
    buckets, now = Buckets(rate), 1000.0
    for gap, cost in steps:
        now += gap
        wait = buckets.wait("k", cost, now)
        if wait > 0.01:
            assert buckets.wait("k", cost, now + 0.98 * wait - 0.001) > 0
        now += limited("too much", wait).retry_after_ms / 1e3 if wait else 0.0
        assert admit(buckets, "k", cost, now) == 0


@pytest.mark.parametrize(
    ("seconds", "milliseconds"),
    [(0.4104, 411), (0.4101, 411), (0.41, 410), (0.4100000001, 410), (2.0, 2_000), (0.0004, 1), (1e-9, 1)],
)
def test_the_time_that_is_told_is_rounded_up(seconds: float, milliseconds: int) -> None:
    assert limited("too much", seconds).retry_after_ms == milliseconds


@given(RATES)
def test_a_full_bucket_gives_its_burst_at_once_and_no_more(rate: Rate) -> None:
    buckets = Buckets(rate)
    for _ in range(10):
        assert admit(buckets, "k", rate.burst / 10, 5.0) == 0
    assert admit(buckets, "k", rate.burst / 10, 5.0) == pytest.approx(
        rate.burst / 10 / rate.per_second, rel=0.01, abs=1e-5
    )
    assert admit(buckets, "other", rate.burst, 5.0) == 0


def test_what_is_larger_than_the_burst_is_a_debt() -> None:
    buckets = Buckets(Rate(10, 20))
    assert admit(buckets, "k", 100, 0.0) == 0
    assert admit(buckets, "k", 1, 0.0) == pytest.approx(8.1)
    assert admit(buckets, "k", 100, 8.2) == pytest.approx(1.8)  # not before the bucket is full
    assert admit(buckets, "k", 100, 10.0) == 0


def test_no_limit() -> None:
    buckets = Buckets(Rate(0, 0))
    assert all(admit(buckets, "k", 1e9, 0.0) == 0 for _ in range(100))
    assert len(buckets) == 0


def test_full_buckets_are_forgotten_and_others_are_not() -> None:
    buckets = Buckets(Rate(1, 1))
    buckets.charge("debtor", 1e9, 0.0)
    for number in range(5_000):
        buckets.charge(f"k{number}", 1, 0.0)
    assert len(buckets) == 5_001
    for number in range(5_000):
        buckets.charge(f"later{number}", 1, 10.0 + number)
    assert len(buckets) < 100
    assert buckets.wait("debtor", 1, 10_000.0) > 0


def test_memory_is_bounded_though_nothing_is_full() -> None:
    buckets = Buckets(Rate(1, 1), max_keys=100)
    for number in range(10_000):
        buckets.charge(number, 1e9, 0.0)
        assert len(buckets) <= 100
    assert buckets.wait(9_999, 1, 0.0) > 0


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("localhost:0:0:1234", ""),
        ("", ""),
    ],
)
def test_what_counts_as_one_address(address: str, key: str) -> None:
    assert address_key(address) == key

"""Histograms of stages."""

from chatd.core.metric import BUCKETS, StageTimes


def test_what_is_observed_is_counted_under_the_first_bound_that_holds_it() -> None:
    times = StageTimes("commit", "")
    for seconds in (-1.0, BUCKETS[0], BUCKETS[0] * 1.001, BUCKETS[-1], 11.0):
        times.observe(seconds)
    found = {bound: count for bound, count in zip((*BUCKETS, None), times.counts, strict=True) if count}
    assert found == {BUCKETS[0]: 2, BUCKETS[1]: 1, BUCKETS[-1]: 1, None: 1}
    assert times.total == BUCKETS[0] * 2.001 + BUCKETS[-1] + 11.0, "clocks that disagree take nothing off"


def test_bounds_rise() -> None:
    assert list(BUCKETS) == sorted(set(BUCKETS))

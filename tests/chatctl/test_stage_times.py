"""Percentiles of a histogram, and of what was added to it lately."""

import pytest

from chatctl.stage_times import PAST, Lately, milliseconds, percentile

BOUNDS = (1.0, 10.0, 100.0)


@pytest.mark.parametrize(
    ("counts", "share", "time"),
    [
        ((0, 0, 0, 0), 0.5, None),
        ((), 0.5, None),
        ((4, 0, 0, 0), 0.5, 0.5),
        ((0, 10, 0, 0), 0.5, 5.5),
        ((50, 49, 1, 0), 0.5, 1.0),
        ((50, 49, 1, 0), 0.99, 10.0),
        ((0, 0, 100, 0), 0.99, 99.1),
        ((1, 0, 0, 9), 0.5, 100.0),
    ],
)
def test_a_percentile_lies_within_its_bucket(
    counts: tuple[int, ...], share: float, time: float | None
) -> None:
    found = percentile(counts, BOUNDS, share)
    assert found == (None if time is None else pytest.approx(time))


def test_lately_is_what_the_last_looks_have_seen() -> None:
    lately = Lately()
    assert lately.counts("commit") == ()
    lately.look({"commit": (5, 5)})
    assert lately.counts("commit") == (5, 5), "one look: since the start"
    lately.look({"commit": (5, 7)})
    assert lately.counts("commit") == (0, 2)
    for more in range(PAST):
        lately.look({"commit": (5, 8 + more)})
    assert lately.counts("commit") == (0, PAST - 1)
    lately.look({"commit": (1, 0)})
    assert lately.counts("commit") == (1, 0), "started anew"


def test_times_are_short() -> None:
    assert [milliseconds(one) for one in (None, 0.123, 9.9, 12.3, 10_000.0)] == [
        "-",
        "0.12",
        "9.90",
        "12",
        "10,000",
    ]

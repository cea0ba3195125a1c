"""Once a minute for each key, in bounded memory."""

from chatd.core.seldom import Seldom


def test_once_a_period_with_the_number_left_unsaid() -> None:
    seldom = Seldom(period=60)
    assert [seldom.due("a", now) for now in (0, 1, 59, 60, 61, 200, 259)] == [0, None, None, 2, None, 1, None]
    assert seldom.due("b", 1) == 0, "another key is another matter"


def test_keys_that_somebody_makes_up_count_as_one() -> None:
    seldom = Seldom(period=60, max_keys=3)
    assert [seldom.due(key, now) for now, key in enumerate("abcdefg")] == [0, 0, 0, 0, None, None, None]
    assert seldom.due("h", 60) == 0, "a has had its minute"
    assert seldom.due("b", 60.5) is None, "it is known"
    assert seldom.due("i", 64) == 0, "b has had its own"
    assert len(seldom._said) <= 4

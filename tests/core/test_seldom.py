"""Once a minute for each key, in bounded memory."""

from chatd.core.seldom import Seldom


def test_once_a_period_with_the_number_left_unsaid() -> None:
    seldom = Seldom(period=60)
    assert [seldom.due("a", now) for now in (0, 1, 59, 60, 61, 200, 259)] == [0, None, None, 2, None, 1, None]
    assert seldom.due("b", 1) == 0, "another key is another matter"


def test_keys_that_somebody_makes_up_are_bounded() -> None:
    seldom = Seldom(period=60, max_keys=3)
    assert [seldom.due(key, now) for now, key in enumerate("abcde")] == [0, 0, 0, None, None]
    assert seldom.left_out == 2
    assert seldom.due("e", 60) == 0, "a has had its minute"
    assert seldom.due("f", 60) is None, "b has not"
    assert seldom.due("a", 61) == 0
    assert len(seldom._said) == 3

from chatd.core.seldom import MOST, SECONDS, Seldom


def test_a_thing_is_told_once_a_minute() -> None:
    seldom = Seldom()
    assert seldom.is_due("a", 100.0)
    assert not seldom.is_due("a", 100.0 + SECONDS - 1)
    assert seldom.is_due("a", 100.0 + SECONDS)


def test_no_more_than_so_many_are_told_or_remembered() -> None:
    seldom = Seldom()
    assert sum(seldom.is_due(number, 1.0) for number in range(10 * MOST)) == MOST
    assert seldom.is_due("later", 2.0 + SECONDS)

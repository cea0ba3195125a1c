"""Which gateways' subscriptions have come, and when those who wait for a fence are told."""

from chatd.core.subscribed import Subscribed


def test_a_fence_tells_those_who_wait_for_it_or_an_earlier_one() -> None:
    subscribed, said = Subscribed(), list[tuple[int, bool]]()

    def wait(number: int) -> None:
        subscribed.when("g", number, lambda there: said.append((number, there)))

    subscribed.come("g")
    for number in (1, 2, 3):
        wait(number)
    subscribed.fence("h", 9)
    assert said == []
    subscribed.fence("g", 2)
    assert said == [(1, True), (2, True)]
    subscribed.fence("g", 1)
    subscribed.fence("g", 3)
    assert said[2:] == [(3, True)]


def test_what_has_come_is_said_at_once_and_of_a_stranger_that_it_has_not() -> None:
    subscribed, said = Subscribed(), list[bool]()
    subscribed.when("g", 1, said.append)
    subscribed.come("g")
    subscribed.fence("g", 5)
    subscribed.when("g", 5, said.append)
    assert said == [False, True]


def test_over_a_new_connection_no_fence_has_come_yet() -> None:
    """Also when the old one is not known to be dead; whoever waits goes on waiting."""
    subscribed, said = Subscribed(), list[bool]()
    subscribed.come("g")
    subscribed.fence("g", 5)
    subscribed.when("g", 6, said.append)
    subscribed.come("g")
    subscribed.when("g", 5, said.append)
    assert said == []
    assert not subscribed.go("g"), "the old connection"
    assert "g" in subscribed
    subscribed.fence("g", 7)
    assert said == [True, True]


def test_when_the_last_connection_goes_those_who_wait_are_told() -> None:
    subscribed, said = Subscribed(), list[bool]()
    subscribed.come("g")
    subscribed.when("g", 1, said.append)
    assert subscribed.go("g")
    assert said == [False]
    assert "g" not in subscribed


def test_subscriptions_stand_when_the_last_fence_asked_for_has_come() -> None:
    subscribed = Subscribed()
    subscribed.come("g")
    assert not subscribed.is_complete("g"), "nothing has been said of any"
    subscribed.when("g", 1, lambda there: None)
    assert not subscribed.is_complete("g")
    subscribed.fence("g", 1)
    assert subscribed.is_complete("g")
    subscribed.when("g", 3, lambda there: None)
    subscribed.fence("g", 2)
    assert not subscribed.is_complete("g")
    subscribed.fence("g", 4)
    assert subscribed.is_complete("g")
    subscribed.when("g", 2, lambda there: None)
    assert subscribed.is_complete("g")


def test_over_a_new_connection_subscriptions_are_on_their_way_again() -> None:
    subscribed = Subscribed()
    subscribed.come("g")
    subscribed.when("g", 1, lambda there: None)
    subscribed.fence("g", 1)
    subscribed.come("g")
    assert not subscribed.is_complete("g")
    subscribed.go("g")
    assert not subscribed.is_complete("g")
    subscribed.fence("g", 2)
    assert subscribed.is_complete("g")
    subscribed.go("g")
    subscribed.come("g")
    subscribed.fence("g", 1)
    assert subscribed.is_complete("g"), "what was asked for before has been forgotten"

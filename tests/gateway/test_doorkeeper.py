"""Strangers may stay for a time and in a number; tokens and how they take a refusal count, too."""

import pytest

from chatd.gateway.doorkeeper import (
    ADDRESS_SHARE,
    CALM_SECONDS,
    COMMAND_BURST_SECONDS,
    COMMANDS_PER_SECOND,
    LAST_WORD_SECONDS,
    PAUSES,
    REFUSALS_PER_SECOND,
    Doorkeeper,
    DoorSettings,
)
from tests.gateway.links import KeptLink


class Door:
    """A doorkeeper, and connections from addresses."""

    def __init__(self, *, handshake: float = 5.0, most: int = 1_000, failures: int = 3) -> None:
        self.keeper = Doorkeeper(DoorSettings(handshake, most, failures))
        self._came: list[KeptLink] = []

    @property
    def ended(self) -> list[KeptLink]:
        """Those hung up on, in the order in which they came."""
        return [link for link in self._came if link.hung_up]

    def come(self, address: str = "a", *, now: float = 100.0) -> KeptLink:
        link = KeptLink(address)
        self._came.append(link)
        self.keeper.accepted(link, now)
        return link

    def tick_until(self, now: float, *, since: float = 100.0) -> None:
        while since < now:
            self.keeper.tick(since)
            since += 0.5
        self.keeper.tick(now)


def test_time_is_up_for_those_who_have_not_authenticated() -> None:
    door = Door()
    first, second, third = door.come(), door.come(now=101.0), door.come(now=101.0)
    door.keeper.authenticated(second, "ann", operator=False)
    door.keeper.authenticated(second, "ann", operator=False)
    door.tick_until(104.9)
    assert door.ended == []
    door.tick_until(105.0, since=104.9)
    assert door.ended == [first]
    door.tick_until(200.0, since=105.0)
    assert door.ended == [first, third]


def test_time_in_which_the_gateway_stood_still_does_not_count() -> None:
    door = Door()
    one = door.come()
    door.tick_until(102.0)
    door.keeper.tick(130.0)
    assert door.ended == []
    door.tick_until(134.0, since=130.0)
    assert door.ended == [one]


def test_no_handshake_time() -> None:
    door = Door(handshake=0.0)
    door.come()
    door.tick_until(1_000.0)
    assert door.ended == []


def test_too_many_of_one_address_make_room_among_themselves() -> None:
    door = Door(most=100)
    patient = door.come("b")
    crowd = [door.come("a") for _ in range(150)]
    assert door.ended == crowd[: 151 - 100]
    assert patient not in door.ended


def test_too_many_of_many_addresses_the_oldest_goes() -> None:
    door = Door(most=10 * ADDRESS_SHARE)
    came = [door.come(f"address{number}") for number in range(10 * ADDRESS_SHARE + 7)]
    assert door.ended == came[:7]


def test_those_who_authenticated_or_went_take_no_room() -> None:
    door = Door(most=10)
    for number in range(100):
        one = door.come()
        if number % 2:
            door.keeper.authenticated(one, "ann", operator=False)
        else:
            door.keeper.ended(one)
            door.keeper.ended(one)
    assert door.ended == []
    assert (door.keeper._waiting, door.keeper._waiting_at) == ({}, {})


@pytest.mark.parametrize("authenticated", [True, False])
def test_the_third_wrong_token_ends_a_connection_once_it_has_been_told(authenticated: bool) -> None:
    door = Door()
    one, other = door.come(), door.come()
    door.keeper.authenticated(other, "ann", operator=False)
    if authenticated:
        door.keeper.authenticated(one, "ann", operator=False)
    for _ in range(2):
        door.keeper.failed(one, 100.0)
        door.keeper.failed(other, 100.0)
    door.tick_until(101.0)
    assert door.ended == []
    assert not door.keeper.is_leaving(one)
    door.keeper.failed(one, 101.0)
    assert door.keeper.is_leaving(one)
    door.keeper.tick(101.0)
    assert door.ended == []
    door.keeper.tick(101.0 + LAST_WORD_SECONDS)
    assert door.ended == [one]


def test_who_is_refused_too_often_is_not_told_but_ended() -> None:
    door = Door()
    one, other = door.come("a"), door.come("b")
    told = 0
    while door.keeper.refused(one, 0, 100.0):
        told += 1
    assert told == pytest.approx(2 * REFUSALS_PER_SECOND, abs=2)
    assert door.ended == [one]
    assert door.keeper.refused(other, 0, 100.0)
    assert not door.keeper.refused(one, 0, 100.0)


def test_large_refused_frames_count_for_more() -> None:
    door = Door()
    one = door.come("")
    told = 0
    while door.keeper.refused(one, 1_048_576, 100.0):
        told += 1
    assert told < 10


def test_an_address_has_a_limit_of_refusals_for_all_its_connections() -> None:
    door = Door()
    told = 0
    for _ in range(20):
        one = door.come("a")
        while door.keeper.refused(one, 0, 100.0):
            told += 1
    assert told == pytest.approx(8 * REFUSALS_PER_SECOND, rel=0.01)
    local = [door.come("") for _ in range(20)]
    assert all(door.keeper.refused(one, 0, 100.0) for one in local)


def flood(door: Door, *, connections: int, profile: str = "", operator: bool = False) -> int:
    """How often connections from one address are refused until they are ended."""
    told = 0
    for _ in range(connections):
        one = door.come("a")
        if profile:
            door.keeper.authenticated(one, profile, operator=operator)
        while door.keeper.refused(one, 0, 100.0):
            told += 1
    return told


def test_strangers_at_its_address_end_no_connection_that_has_authenticated() -> None:
    door = Door()
    ann, operator = door.come("a"), door.come("a")
    door.keeper.authenticated(ann, "ann", operator=False)
    door.keeper.authenticated(operator, "operator", operator=True)
    flood(door, connections=20)
    assert all(door.keeper.refused(link, 0, 100.0) for link in (ann, operator))
    assert not {ann, operator} & set(door.ended)


def test_a_user_has_a_limit_of_refusals_for_all_its_connections() -> None:
    door = Door()
    assert flood(door, connections=20, profile="ann") == pytest.approx(8 * REFUSALS_PER_SECOND, rel=0.01)
    assert flood(door, connections=1, profile="ben") == pytest.approx(2 * REFUSALS_PER_SECOND, rel=0.01)
    assert flood(door, connections=20) == pytest.approx(8 * REFUSALS_PER_SECOND, rel=0.01)
    ended = len(door.ended)
    assert flood(door, connections=20, profile="ann", operator=True) == pytest.approx(
        40 * REFUSALS_PER_SECOND, rel=0.01
    )
    assert len(door.ended) == ended + 20
    assert len(door.keeper._profile) == 0


def test_whose_refusals_are_spread_over_time_is_told_for_ever() -> None:
    door = Door()
    one = door.come()
    for number in range(10 * REFUSALS_PER_SECOND):
        assert door.keeper.refused(one, 0, 100.0 + number / (REFUSALS_PER_SECOND / 2))


def full_door() -> Door:
    """Room for three, and one place more for an operator."""
    door = Door()
    door.keeper.change(DoorSettings(5.0, 1_000, 3, max_connections=3, operators_reserve=1))
    return door


def test_when_descriptors_run_out_the_oldest_stranger_goes() -> None:
    door = full_door()
    user, stranger, other = door.come(), door.come(), door.come()
    door.keeper.authenticated(user, "ann", operator=False)
    newcomer = door.come()
    assert door.ended == [stranger]
    door.keeper.authenticated(other, "ann", operator=False)
    door.keeper.authenticated(newcomer, "ann", operator=False)
    assert door.ended == [stranger], "those who have authenticated stay"


def test_the_reserve_is_for_operators() -> None:
    door = full_door()
    for link in (door.come(), door.come(), door.come()):
        door.keeper.authenticated(link, "ann", operator=False)
    user = door.come()
    assert door.ended == [], "it may be an operator"
    door.keeper.authenticated(user, "ann", operator=False)
    assert door.ended == [user]
    operator = door.come()
    door.keeper.authenticated(operator, "ann", operator=True)
    assert door.ended == [user]
    another = door.come()
    assert door.ended == [user, another], "an operator who is in keeps the place"


def test_a_full_house_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    door = full_door()
    for _ in range(100):
        door.come()
        door.keeper.tick(101.0)
    assert (capsys.readouterr().out).count("Descriptors run out") == 1
    for link in [link for link in door._came if not link.hung_up][1:]:
        door.keeper.ended(link)
    door.keeper.tick(102.0)
    assert capsys.readouterr().out.count("Descriptors last again") == 1


def test_commands_have_a_limit_of_their_own() -> None:
    door = Door()
    one, other = door.come(), door.come()
    for second in range(100):
        door.keeper.commanded(other, COMMANDS_PER_SECOND, 100.0 + second)
    burst = COMMANDS_PER_SECOND * COMMAND_BURST_SECONDS
    door.keeper.commanded(one, burst, 100.0)
    assert door.ended == []
    door.keeper.commanded(one, 1, 100.0)
    assert door.ended == [one]


def limited_door(**limits: int) -> Door:
    door = Door()
    door.keeper.change(DoorSettings(5.0, 1_000, 3, **limits))
    return door


def known(door: Door, profile: str, *, address: str = "a", stream: bool = False) -> KeptLink:
    """A connection that has authenticated."""
    link = door.come(address)
    door.keeper.authenticated(link, profile, operator=False)
    link.has_stream = stream
    return link


def test_of_a_profiles_connections_the_one_goes_that_was_silent_longest() -> None:
    door = limited_door(per_profile=3)
    first, second, third = (known(door, "p") for _ in range(3))
    other = known(door, "q")
    door.keeper.authenticated(first, "p", operator=False)
    fourth = known(door, "p")
    assert door.ended == [second]
    door.keeper.ended(third)
    known(door, "p")
    assert door.ended == [second]
    known(door, "p")
    assert door.ended == [first, second], "and not the fourth, nor another profile's"
    assert not fourth.hung_up
    assert not other.hung_up


def test_of_a_profiles_connections_streams_stay() -> None:
    door = limited_door(per_profile=3)
    streams = [known(door, "p", stream=True) for _ in range(2)]
    idle = known(door, "p")
    newcomer = known(door, "p")
    assert door.ended == [idle]
    newcomer.has_stream = True
    late = known(door, "p")
    assert door.ended == [idle, late], "all others have streams"
    assert not any(one.hung_up for one in streams)


def test_a_connection_that_authenticates_as_another_counts_for_that_one() -> None:
    door = limited_door(per_profile=1)
    one = known(door, "p")
    door.keeper.authenticated(one, "q", operator=False)
    known(door, "p")
    assert door.ended == []
    known(door, "q")
    assert door.ended == [one]


def test_operators_have_no_limit_of_profiles_or_addresses() -> None:
    door = limited_door(per_profile=2, per_address=2, operators_reserve=4)
    for _ in range(6):
        door.keeper.authenticated(door.come(), "operator", operator=True)
    assert door.ended == []


def test_an_address_has_its_connections_and_a_few_strangers_more() -> None:
    door = limited_door(per_address=3, operators_reserve=2)
    streams = [known(door, "p", stream=True) for _ in range(2)]
    idle = known(door, "q")
    strangers = [door.come() for _ in range(2)]
    assert door.ended == []
    newcomer = door.come()
    assert door.ended == [strangers[0]], "strangers make room among themselves"
    door.keeper.authenticated(newcomer, "r", operator=False)
    assert door.ended == [idle, strangers[0]]
    newcomer.has_stream = True
    door.keeper.authenticated(strangers[1], "s", operator=False)
    assert door.ended == [idle, *strangers], "all others have streams"
    operator = door.come()
    door.keeper.authenticated(operator, "operator", operator=True)
    assert not operator.hung_up
    assert not any(one.hung_up for one in (*streams, newcomer))
    assert not door.come("b").hung_up
    assert not any(door.come("").hung_up for _ in range(20)), "local sockets have no address"


def test_newcomers_come_at_once_while_there_is_room() -> None:
    door = limited_door(max_connections=300, operators_reserve=20)
    assert door.keeper.newcomers(128) == 128
    for _ in range(200):
        known(door, "p")
    assert door.keeper.newcomers(128) == 100
    for _ in range(100):
        known(door, "p")
    assert door.keeper.newcomers(128) == 20 // PAUSES
    newest = [door.come() for _ in range(20 // PAUSES)]
    for _ in range(PAUSES - 1):
        for _ in range(door.keeper.newcomers(128)):
            door.come()
    assert door.ended == [], "each has the pauses' time"
    door.come()
    assert door.ended == [newest[0]]


def test_newcomers_wait_after_an_address_was_full() -> None:
    door = limited_door(per_address=3, operators_reserve=2)
    for _ in range(6):
        door.come("a")
    assert door.keeper.newcomers(128) == 2 // PAUSES
    door.keeper.tick(100.0 + CALM_SECONDS)
    assert door.keeper.newcomers(128) == 128


def test_those_who_were_ended_are_said_once_a_second(capsys: pytest.CaptureFixture[str]) -> None:
    door = limited_door(per_profile=1)
    for turn in range(20):
        known(door, "p")
        door.keeper.tick(101.0 + turn / 4)
    assert capsys.readouterr().out.count("Connections were ended") == 5


def test_nothing_is_left_of_those_who_have_gone() -> None:
    door = limited_door(per_profile=2, per_address=4, max_connections=6, operators_reserve=2)
    for number in range(200):
        link = door.come(f"address{number % 3}")
        if number % 2:
            door.keeper.authenticated(link, f"p{number % 5}", operator=number % 7 == 0)
    for link in door._came:
        door.keeper.ended(link)
    keeper = door.keeper
    assert not any((keeper._failures, keeper._waiting, keeper._waiting_at, keeper._at, keeper._known_at))
    assert not any((keeper._of, keeper._profile, keeper._leaving, keeper._in_reserve))

"""Where a client goes when a gateway is gone."""

import pytest

from chatd.client.route import MAX_TOLD, Gateways, Route, as_safe_as, unreachable
from chatd.errors import ConfigError


@pytest.mark.parametrize("given", ["", [], ["a", ""]])
def test_an_address_is_needed(given: str | list[str]) -> None:
    with pytest.raises(ConfigError):
        Gateways(given)


def test_it_stays_where_there_is_nowhere_else() -> None:
    route = Route(Gateways("a"))
    assert not route.has_other
    route.move()
    assert route.uri == "a"


def test_it_begins_with_the_first_and_goes_round_all() -> None:
    route = Route(Gateways(["a", "b", "c", "d"]))
    assert route.uri == "a"
    for _ in range(5):
        before, seen = route.uri, []
        for _ in range(3):
            route.move()
            seen.append(route.uri)
        assert sorted([before, *seen]) == ["a", "b", "c", "d"]


def test_what_gateways_tell_is_known_too_and_the_newest_counts() -> None:
    gateways = Gateways("a")
    route = Route(gateways)
    gateways.learn(["b", "a", "b"])
    assert gateways.others("a") == ["b"]
    route.move()
    assert route.uri == "b"
    gateways.learn(["c"])
    assert set(gateways.others("b")) == {"a", "c"}, "what was given is never forgotten"
    route.move()
    assert route.uri in ("a", "c")
    gateways.learn(str(number) for number in range(1_000))
    assert len(gateways.others("a")) == MAX_TOLD


def test_who_is_told_where_to_go_goes_there() -> None:
    route = Route(Gateways(["a", "b", "c"]))
    seen = set()
    for _ in range(100):
        route.move(["x", "y"])
        seen.add(route.uri)
    assert seen == {"x", "y"}
    route.move()
    assert route.uri in ("a", "b", "c")


def test_an_encrypted_gateway_sends_nobody_to_a_plain_address() -> None:
    """It means its own machine; elsewhere anybody may listen there, and would get the token."""
    key = "5e31" * 16
    told = ["tcp://127.0.0.1:7400", "ipc:///run/chatd/devices", f"tcp://chat.example:7400#{key}"]
    assert as_safe_as("tcp://127.0.0.1:7500", told) == told
    assert as_safe_as(f"tcp://127.0.0.1:7500#{key}", told) == told[2:]


def test_a_gateway_that_does_not_answer_may_have_another_key() -> None:
    assert unreachable("ipc:///run/chatd/gateway") == "no gateway answers at ipc:///run/chatd/gateway"
    assert unreachable("tcp://127.0.0.1:7400") == (
        "no gateway answers at tcp://127.0.0.1:7400, or it is encrypted and the address lacks its #KEY"
    )
    assert unreachable("tcp://chat.example:7400#" + "5e31" * 16) == (
        "no gateway answers at tcp://chat.example:7400, or it has another key than the address"
    )

"""Which versions of gateways and default nodes speak to each other."""

import pytest

from chatd.core import node_protocol
from chatd.core.node_protocol import refusal


@pytest.mark.parametrize(
    ("ours", "theirs", "understood"),
    [
        ((1, 1), (1, 1), True),
        ((1, 1), (0, 0), False),
        ((2, 1), (1, 1), True),
        ((1, 1), (2, 1), True),
        ((2, 2), (1, 1), False),
        ((1, 1), (2, 2), False),
        ((3, 2), (4, 3), True),
        ((3, 3), (4, 3), True),
        ((2, 1), (4, 3), False),
    ],
)
def test_two_speak_if_each_still_speaks_what_the_other_does(
    monkeypatch: pytest.MonkeyPatch, ours: tuple[int, int], theirs: tuple[int, int], understood: bool
) -> None:
    for (number, oldest), other in ((ours, theirs), (theirs, ours)):
        monkeypatch.setattr(node_protocol, "NUMBER", number)
        monkeypatch.setattr(node_protocol, "OLDEST", oldest)
        assert (refusal(*other) == "") is understood


def test_a_peer_without_a_number_is_refused() -> None:
    assert refusal(0, 0) == f"it speaks protocol 0, and this process none before {node_protocol.OLDEST}"


def test_this_version_speaks_to_itself() -> None:
    assert refusal(node_protocol.NUMBER, node_protocol.OLDEST) == ""

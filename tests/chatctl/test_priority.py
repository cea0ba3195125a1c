"""Priorities: names and numbers."""

import pytest
import typer

from chatctl.priority import parse_priority
from tests.chatctl.command import Chatctl


@pytest.mark.parametrize(
    ("given", "priority"),
    [("bulk", -1), ("normal", 0), ("urgent", 1), ("highest", 3), ("-1", -1), ("2", 2), (0, 0)],
)
def test_a_priority_is_a_name_or_a_number(given: str | int, priority: int) -> None:
    assert parse_priority(given) == priority


@pytest.mark.parametrize("given", ["4", "-2", "usual", "", "1.5"])
def test_anything_else_is_refused(given: str) -> None:
    message = "neither bulk, normal, urgent, highest nor a number from -1 to 3"
    with pytest.raises(typer.BadParameter, match=message):
        parse_priority(given)


def test_the_caller_is_told(chatctl: Chatctl) -> None:
    assert "neither bulk" in chatctl("--as", "alice", "send", "lobby", "x", "--priority", "4", code=2).stderr

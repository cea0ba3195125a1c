"""Arguments that several commands share: their limits."""

import pytest

from tests.chatctl.command import Chatctl


@pytest.mark.parametrize(
    "arguments",
    [
        ("room", "history", "show", "lobby", "--before", str(2**64)),
        ("outbox", "event", "lobby", str(2**64)),
        ("receipts", "lobby", "0"),
        ("outbox", "list", "--limit", "0"),
        ("device", "list", "--limit", "1001"),
    ],
    ids=" ".join,
)
def test_numbers_out_of_range_are_the_callers_mistake(chatctl: Chatctl, arguments: tuple[str, ...]) -> None:
    assert "Invalid value for" in chatctl("--uri", "tcp://127.0.0.1:1", *arguments, code=2).stderr

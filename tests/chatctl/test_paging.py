"""The advice under a list that was cut off works."""

import re

import pytest

from chatctl.paging import MAX_ROWS, advice, next_page
from tests.chatctl.command import Chatctl


def test_a_list_that_is_whole_needs_none() -> None:
    assert (advice(False, 10), next_page(False, "x")) == ("", "")


def test_only_what_lists_more_is_advised() -> None:
    filters = {"--profile": "", "--device": "phone"}
    assert advice(True, 10, filters) == "there are more; ask with a --limit of up to 1,000, or with --profile"
    assert advice(True, MAX_ROWS, filters) == "there are more; ask with --profile"
    assert advice(True, 10, {"--profile": "bob"}) == "there are more; ask with a --limit of up to 1,000"
    assert (
        advice(True, MAX_ROWS, {"--profile": "bob"})
        == "there are more; the list is no longer than 1,000 rows"
    )
    assert advice(True, 20, most=100) == "there are more; ask with a --limit of up to 100"
    assert next_page(True, "lobby") == "there are more; for the next ones: --after lobby"


@pytest.mark.parametrize(
    "command", ["outbox list", "outbox show bob", "notify list", "connections", "dead-letter list"]
)
def test_the_options_that_are_advised_exist(chatctl: Chatctl, command: str) -> None:
    source = advice(True, 10, {"--profile": "", "--device": "", "--room": "", "--state": ""})
    known = set(re.findall(r"--[a-z]+", source))
    offered = set(re.findall(r"--[a-z]+", chatctl(*command.split(), "--help").stdout)) & known
    chatctl(
        *command.split(),
        *(word for option in sorted(offered - {"--limit"}) for word in (option, STATE.get(option, "x"))),
    )
    assert chatctl(*command.split(), "--limit", str(MAX_ROWS), "--json").stdout.strip() == "[]"
    chatctl(*command.split(), "--limit", str(MAX_ROWS + 1), code=2)


STATE = {"--state": "dead"}


def test_help_says_how_fresh_a_connection_is(chatctl: Chatctl) -> None:
    assert "CONNECTION_TOUCH_SECONDS (60 s)" in " ".join(chatctl("connections", "--help").stdout.split())

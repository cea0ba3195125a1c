"""Global options before, inside and behind the command, against a real daemon."""

import pytest

from tests.chatctl.command import Chatctl
from tests.daemons import Daemon, operator_token

NOWHERE = ("--uri", "tcp://127.0.0.1:1")


@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_option_may_stand_anywhere(chatctl: Chatctl, daemon: Daemon, place: int) -> None:
    chatctl.environment.pop("CHATD_URI")
    token = operator_token(daemon.folder)
    words = ["room", "list"]
    words[place:place] = ["--uri", daemon.uri, "--token", token, "--token-file", "/nowhere", "-o", "json"]
    assert chatctl(*words).stdout.startswith("[")


def test_the_last_one_counts_and_comes_before_the_environment(chatctl: Chatctl, daemon: Daemon) -> None:
    chatctl(*NOWHERE, "status", "--uri", daemon.uri)
    chatctl("status", *NOWHERE, "--timeout", "0.3", code=69)


def test_a_profile_is_not_the_one_to_act_for(chatctl: Chatctl, room: str) -> None:
    """Some commands have a --profile of their own, and --as is one, too."""
    made = chatctl.json("room", "create", f"{room}-2", "--as", "zoe")
    assert made["created_by"] == "zoe"
    assert chatctl.json("device", "list", "--profile", "nobody") == []


def test_a_command_without_output_takes_no_form_of_it(chatctl: Chatctl) -> None:
    for word in ("-o", "--output", "--json"):
        assert f"No such option: {word}" in chatctl("top", word, "json", code=2).stderr


def test_two_forms_contradict_each_other(chatctl: Chatctl) -> None:
    assert "--json is --output json, and not yaml" in chatctl("nodes", "--json", "-o", "yaml", code=2).stderr
    assert chatctl("nodes", "--json", "-o", "json").stdout.startswith("[")
    assert "'xml'" in chatctl("nodes", "-o", "xml", code=2).stderr


def test_help_of_a_command_shows_its_forms_and_not_the_way_to_the_daemon(chatctl: Chatctl) -> None:
    shown = chatctl("room", "list", "--help").stdout
    assert ("--output" in shown, "--no-headers" in shown, "--uri" in shown) == (True, True, False)
    assert "--output" not in chatctl("room", "--help").stdout

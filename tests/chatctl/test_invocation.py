"""The global options, against a real daemon."""

import json

from tests.chatctl.command import Chatctl
from tests.daemons import Daemon, operator_token


def test_json_is_asked_for_before_or_after_the_command(chatctl: Chatctl) -> None:
    assert json.loads(chatctl("--json", "status").stdout)["node_id"] == "all"
    assert json.loads(chatctl("status", "--json").stdout)["node_id"] == "all"


def test_of_several_gateways_the_first_that_answers_is_used(chatctl: Chatctl, daemon: Daemon) -> None:
    assert chatctl.json("--uri", f"tcp://127.0.0.1:1, {daemon.uri}", "status")["node_id"] == "all"


def test_a_token_that_is_given_is_used_without_a_token_file(chatctl: Chatctl, daemon: Daemon) -> None:
    token = operator_token(daemon.folder)
    chatctl("--token-file", "/nowhere", "--token", token, "status")
    chatctl.environment["CHATD_TOKEN"] = token
    chatctl("--token-file", "/nowhere", "status")


def test_the_profile_is_the_one_named(chatctl: Chatctl) -> None:
    assert chatctl.json("--as", "zoe", "room", "create", "zoes")["created_by"] == "zoe"
    chatctl.environment["CHATD_PROFILE"] = "yan"
    assert chatctl.json("room", "create", "yans")["created_by"] == "yan"

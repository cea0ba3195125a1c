"""chatctl status, against a real daemon."""

from tests.chatctl.command import Chatctl


def test_status(chatctl: Chatctl) -> None:
    assert chatctl.json("status")["database"] == "sqlite"
    lines = chatctl("status").stdout.splitlines()
    assert lines[0] == "node_id\tall"
    assert [line.split("\t")[0] for line in lines] == list(chatctl.json("status"))

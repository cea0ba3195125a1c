"""chatctl block, against a real daemon."""

from tests.chatctl.command import Chatctl


def test_profiles_are_blocked_listed_and_unblocked(chatctl: Chatctl) -> None:
    alice = ("--as", "alice", "block")
    assert chatctl(*alice, "add", "eve", "mallory").stdout == "blocked\neve\nmallory\n"
    assert chatctl(*alice, "add", "eve").stderr == "blocked already: eve\n"
    assert "nobody blocks itself" in chatctl(*alice, "add", "alice", code=1).stderr
    assert [one["profile_id"] for one in chatctl.json(*alice, "list")] == ["eve", "mallory"]
    refused = chatctl("--as", "eve", "room", "direct", "alice", code=1).stderr
    assert "'eve' may not have a direct room with 'alice'" in refused
    assert chatctl(*alice, "remove", "eve", "ann").stderr == "not blocked: ann\n"
    assert chatctl.json("--as", "eve", "room", "direct", "alice")["kind"] == "direct"

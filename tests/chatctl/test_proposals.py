"""chatctl proposal, and what other commands say when a change has become one."""

from collections.abc import Iterator

import pytest

from tests.chatctl.command import Chatctl
from tests.daemons import Daemon
from tests.protocol.limited import daemon_with_users, token_of

WAITS = "nothing has changed yet: an owner of the room has to approve it\n"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    folder = tmp_path_factory.mktemp("chatd")
    with daemon_with_users(folder, ["alice", "bob"], {}) as running:
        yield running


def test_changes_are_proposed_listed_and_decided(chatctl: Chatctl) -> None:
    alice, bob = (("--token", token_of(user)) for user in ("alice", "bob"))
    made = chatctl.json(*alice, "room", "create", "lobby", "bob", "carol", "--rule", "requires_approval=yes")
    assert made["requires_approval"] is True
    chatctl(*alice, "member", "role", "lobby", "admin", "bob")
    chatctl(*alice, "member", "ban", "lobby", "eve")
    asked = (
        ("member", "add", "lobby", *(f"p{number}" for number in range(7)), "--role", "guest"),
        ("member", "remove", "lobby", "carol"),
        ("member", "role", "lobby", "guest", "carol"),
        ("member", "ban", "lobby", "fay"),
        ("member", "unban", "lobby", "eve"),
        ("room", "add", "lobby", "dan"),
        ("room", "remove", "lobby", "carol", "dan"),
        ("room", "update", "lobby", "--name", "The lobby"),
    )
    ids = []
    for words in asked:
        done = chatctl(*bob, *words)
        room, proposal = done.stdout.splitlines()
        assert (room, done.stderr) == ("room_id\tlobby", WAITS), words
        ids.append(proposal.removeprefix("proposal_id\t"))
    listed = chatctl.json(*alice, "proposal", "list", "lobby")
    assert [one["proposal_id"] for one in listed] == ids
    assert [one["change"] for one in listed] == [
        "add p0, p1, p2, p3, p4 and 2 more, role guest",
        "remove carol",
        "set role carol, role guest",
        "ban fay",
        "unban eve",
        "add dan, role member",
        "remove carol, dan",
        "update name The lobby",
    ]
    assert listed[2]["request"] == {"profile_ids": ["carol"], "role": "guest"}
    page = chatctl(*bob, "proposal", "list", "lobby", "--limit", "2")
    assert f"--after {ids[1]}" in page.stderr
    approved = chatctl(*alice, "proposal", "approve", "lobby", ids[7])
    assert approved.stdout == f"room_id\tlobby\nproposal_id\t{ids[7]}\nseq\t4\n"
    assert chatctl.json(*alice, "proposal", "reject", "lobby", ids[0])["rejected"] is True
    assert chatctl.json(*bob, "proposal", "withdraw", "lobby", ids[1])["withdrawn"] is True
    assert chatctl.json(*bob, "proposal", "withdraw", "lobby", ids[1])["withdrawn"] is False
    assert "may not approve changes" in chatctl(*bob, "proposal", "approve", "lobby", ids[2], code=1).stderr
    assert "is rejected" in chatctl(*alice, "proposal", "approve", "lobby", ids[0], code=1).stderr
    for state, of in (("executed", ids[7]), ("rejected", ids[0]), ("withdrawn", ids[1])):
        (one,) = chatctl.json(*bob, "proposal", "list", "lobby", "--state", state)
        assert (one["proposal_id"], one["state"]) == (of, state)
    assert "is no state" in chatctl("proposal", "list", "lobby", "--state", "odd", code=2).stderr


def test_the_rule_is_yes_or_no(chatctl: Chatctl) -> None:
    alice = ("--token", token_of("alice"))
    chatctl(*alice, "room", "create", "ruled", "--rule", "requires_approval=yes")
    update = (*alice, "room", "update", "ruled", "--rule")
    assert chatctl.json(*update, "requires_approval=no")["requires_approval"] is False
    assert "is yes or no" in chatctl(*update, "requires_approval=admin", code=2).stderr
    assert "is no rule" in chatctl(*update, "approval=yes", code=2).stderr

"""chatctl invitation, and member add where profiles are asked first."""

from collections.abc import Iterator

import pytest

from tests.chatctl.command import Chatctl
from tests.daemons import Daemon
from tests.protocol.limited import daemon_with_users, token_of


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    folder = tmp_path_factory.mktemp("chatd")
    with daemon_with_users(folder, ["alice", "bob", "carol", "dan"], {"ADD_CONSENT": "invite"}) as running:
        yield running


def test_invitations_are_made_listed_and_answered(chatctl: Chatctl) -> None:
    alice, bob, carol, dan = (("--token", token_of(user)) for user in ("alice", "bob", "carol", "dan"))
    chatctl.create_room("lobby")
    added = chatctl(*alice, "member", "add", "lobby", "bob", "carol", "dan", "alice", "--role", "guest")
    assert added.stdout == "invited\nbob\ncarol\ndan\n"
    assert added.stderr == "already in the room or invited: alice\n"
    (own,) = chatctl.json(*bob, "invitation", "list")
    assert (own["room_id"], own["invited_by"], own["role"]) == ("lobby", "alice", "guest")
    assert chatctl(*bob, "invitation", "accept", "lobby").stdout == "room_id\tlobby\njoined\tyes\n"
    assert chatctl.json(*bob, "invitation", "accept", "lobby")["joined"] is False
    assert chatctl.json(*carol, "invitation", "decline", "lobby")["declined"] is True
    listed = chatctl.json(*alice, "invitation", "list", "--room", "lobby")
    assert [one["profile_id"] for one in listed] == ["dan"]
    withdrawn = chatctl(*alice, "invitation", "withdraw", "lobby", "dan", "carol")
    assert (withdrawn.stdout, withdrawn.stderr) == ("withdrawn\ndan\n", "not invited: carol\n")
    assert "is not a member" in chatctl(*dan, "invitation", "accept", "lobby", code=1).stderr
    assert "--after needs --room" in chatctl("invitation", "list", "--after", "a", code=2).stderr
    shown = chatctl(*alice, "room", "history", "show", "lobby").stdout
    assert "bob, carol, dan invited" in shown
    assert "dan no longer invited" in shown

"""chatctl member add, remove, role, ban, unban, bans, against a real daemon."""

from tests.chatctl.command import Chatctl


def test_members_get_roles(chatctl: Chatctl, room: str) -> None:
    assert chatctl("--as", "alice", "member", "add", room, "gus", "--role", "guest").stdout == "added\ngus\n"
    given = chatctl("--as", "alice", "member", "role", room, "moderator", "gus", "alice", code=1)
    assert "would have no owner" in given.stderr
    assert chatctl("--as", "alice", "member", "role", room, "admin", "gus").stdout == "changed\ngus\n"
    assert chatctl("--as", "alice", "member", "role", room, "admin", "gus").stderr == "admin already: gus\n"
    assert "is no role" in chatctl("--as", "alice", "member", "role", room, "king", "gus", code=2).stderr
    shown = chatctl.json("room", "show", room)
    assert {one["profile_id"]: one["role"] for one in shown["members"]} == {
        "alice": "owner",
        "gus": "admin",
        room: "member",
    }
    history = chatctl("--as", "alice", "room", "history", "show", room).stdout
    assert "gus now admin" in history
    assert chatctl("--as", "gus", "member", "remove", room, room).stdout == f"removed\n{room}\n"


def test_members_are_listed(chatctl: Chatctl, room: str) -> None:
    chatctl("--as", "alice", "send", room, "text")
    chatctl("--as", room, "read", room, "2")
    listed = chatctl.json("--as", "alice", "member", "list", room)
    assert [(one["profile_id"], one["role"], one["read_seq"]) for one in listed] == sorted(
        [("alice", "owner", 0), (room, "member", 2)]
    )
    (own,) = chatctl.json("--as", room, "room", "mine")
    assert (own["room_id"], own["role"], own["unread"], own["head_seq"]) == (room, "member", 0, 2)
    assert chatctl.json("--as", room, "room", "mine", "--since", "1h")[0]["room_id"] == room


def test_bans(chatctl: Chatctl, room: str) -> None:
    alice = ("--as", "alice", "member")
    assert chatctl(*alice, "ban", room, "eve", room).stdout == f"banned\neve\n{room}\n"
    assert chatctl(*alice, "ban", room, "eve").stderr == "banned already: eve\n"
    assert "take the bans back first" in chatctl(*alice, "add", room, "eve", code=1).stderr
    banned = chatctl.json(*alice, "bans", room)
    assert [one["profile_id"] for one in banned] == sorted(["eve", room])
    assert chatctl(*alice, "unban", room, "eve", "ann").stderr == "not banned: ann\n"
    assert chatctl(*alice, "add", room, "eve").stdout == "added\neve\n"

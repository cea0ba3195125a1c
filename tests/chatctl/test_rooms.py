"""chatctl room create, list, show, add, remove, against a real daemon."""

from tests.chatctl.command import Chatctl


def test_rooms(chatctl: Chatctl, room: str) -> None:
    assert chatctl("--as", "alice", "room", "add", room, "carol", "dave").stdout == "added\ncarol\ndave\n"
    removed = chatctl("--as", "alice", "room", "remove", room, "dave", "erin", "--json")
    assert (removed.stdout, removed.stderr) == ('[{"removed": "dave"}]\n', "not in the room: erin\n")
    assert (
        chatctl("--as", "alice", "room", "add", room, "carol").stderr
        == "already in the room or invited: carol\n"
    )
    assert room in chatctl("room", "list").stdout
    shown = chatctl.json("room", "show", room)
    assert [one["profile_id"] for one in shown["members"]] == sorted(["alice", "carol", room])
    assert shown["head_seq"] == 3
    assert "dave left" in chatctl("--as", "alice", "room", "history", "show", room).stdout


def test_a_room_is_changed_by_its_owner(chatctl: Chatctl, room: str) -> None:
    assert "nothing to change" in chatctl("--as", "alice", "room", "update", room, code=2).stderr
    changed = chatctl.json("--as", "alice", "room", "update", room, "--name", "A new name", "--hide-previews")
    assert (changed["name"], changed["hide_previews"], changed["head_seq"]) == ("A new name", True, 2)
    assert chatctl.json("--as", "alice", "room", "update", room, "--show-previews")["hide_previews"] is False
    assert chatctl.json("room", "show", room)["name"] == "A new name"


def test_a_room_as_people_see_it(chatctl: Chatctl, room: str) -> None:
    rows = [line.split("\t") for line in chatctl("room", "list").stdout.splitlines()]
    (made,) = [row[-1] for row in rows if row[:-1] == [room, "", "2", "1", "alice"]]
    thing, devices = chatctl("room", "show", room, "--no-headers").stdout.split("alice\towner\t1\t")
    facts = dict(line.split("\t") for line in thing.splitlines())
    assert facts.pop("published_seq") in ("0", "1"), "the mark is written once a second"
    assert facts == {
        "room_id": room,
        "name": "",
        "members": "2",
        "head_seq": "1",
        "created_by": "alice",
        "created_at": made,
        "hide_previews": "no",
        "kind": "group",
        "public": "no",
        "may_add": "member",
        "may_send": "member",
        "may_urgent": "member",
        "may_mention_all": "moderator",
        "requires_approval": "no",
        "keep_days": "0",
        "keep_events": "0",
        "description": "",
        "metadata": "",
        "settings_version": "0",
        "deleted_seq": "0",
        "membership_version": "1",
    }
    assert devices == f"0\n{room}\tmember\t1\t1\n"


def test_rules_and_metadata(chatctl: Chatctl, room: str) -> None:
    update = ("--as", "alice", "room", "update", room)
    changed = chatctl.json(*update, "--rule", "add=admin", "--rule", "urgent=owner", "--meta", "team=a=b")
    assert (changed["may_add"], changed["may_send"], changed["may_urgent"]) == ("admin", "member", "owner")
    assert (changed["metadata"], changed["settings_version"]) == ({"team": "a=b"}, 1)
    assert chatctl.json(*update, "--meta", "team=", "--public")["metadata"] == {}
    kept = chatctl.json(*update, "--rule", "keep_days=30", "--rule", "keep_events=1000")
    assert (kept["keep_days"], kept["keep_events"], kept["may_add"]) == (30, 1000, "admin")
    assert "is a number" in chatctl(*update, "--rule", "keep_days=-1", code=2).stderr
    assert "at most 36500" in chatctl(*update, "--rule", "keep_days=36501", code=1).stderr
    for wrong in (("--rule", "add"), ("--rule", "shout=owner"), ("--rule", "add=king"), ("--meta", "=a")):
        assert "is no" in chatctl(*update, *wrong, code=2).stderr


def test_a_public_room_is_joined_left_and_deleted(chatctl: Chatctl, room: str) -> None:
    chatctl("--as", "alice", "room", "update", room, "--public")
    assert chatctl.json("--as", "dave", "room", "join", room)["joined"] is True
    assert chatctl.json("--as", "dave", "room", "join", room)["joined"] is False
    left = chatctl.json("--as", "dave", "room", "leave", room)["left_seq"]
    assert "give --yes" in chatctl("--as", "alice", "room", "delete", room, code=2).stderr
    deleted = chatctl.json("--as", "alice", "room", "delete", room, "--yes")
    assert deleted == {"room_id": room, "deleted_seq": left + 1}
    assert chatctl("--as", "alice", "send", room, "text", code=1).stderr


def test_rooms_are_found(chatctl: Chatctl, room: str) -> None:
    update = ("--as", "alice", "room", "update", room, "--name", "The Gärtner", "--meta", f"tag={room}")
    chatctl(*update)
    (found,) = chatctl.json("room", "find", "GART", "--meta", f"tag={room}")
    assert (found["room_id"], found["name"]) == (room, "The Gärtner")
    assert chatctl.json("room", "find", "--meta", "tag=")
    assert chatctl.json("room", "find", "hunter", "--meta", "tag=") == []
    assert "is no" in chatctl("room", "find", "--meta", "tag", code=2).stderr


def test_a_direct_room_is_made_once(chatctl: Chatctl) -> None:
    made = chatctl.json("--as", "carol", "room", "direct", "dan")
    assert (made["kind"], made["members"]) == ("direct", 2)
    assert chatctl.json("--as", "dan", "room", "direct", "carol")["room_id"] == made["room_id"]

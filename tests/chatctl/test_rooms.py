"""chatctl room create, list, show, add, remove, against a real daemon."""

from tests.chatctl.command import Chatctl


def test_rooms(chatctl: Chatctl, room: str) -> None:
    assert chatctl("--as", "alice", "room", "add", room, "carol", "dave").stdout == "added\ncarol\ndave\n"
    removed = chatctl("--as", "alice", "room", "remove", room, "dave", "erin", "--json")
    assert (removed.stdout, removed.stderr) == ('[{"removed": "dave"}]\n', "not in the room: erin\n")
    assert chatctl("--as", "alice", "room", "add", room, "carol").stderr == "already in the room: carol\n"
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
    thing, devices = chatctl("room", "show", room, "--no-headers").stdout.split("alice\tyes\t1\t")
    assert dict(line.split("\t") for line in thing.splitlines()) == {
        "room_id": room,
        "name": "",
        "members": "2",
        "head_seq": "1",
        "created_by": "alice",
        "created_at": made,
        "hide_previews": "no",
        "published_seq": "1",
        "membership_version": "1",
    }
    assert devices == f"0\n{room}\tno\t1\t1\n"

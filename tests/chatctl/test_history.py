"""chatctl room history show, purge, against a real daemon."""

import pytest

from tests.chatctl.command import Chatctl


def seqs(chatctl: Chatctl, room: str, *options: str) -> list[int]:
    return [row["seq"] for row in chatctl.json("--as", "alice", "room", "history", "show", room, *options)]


def test_a_page_of_the_log(chatctl: Chatctl, filled: str) -> None:
    shown = chatctl("--as", "alice", "room", "history", "show", filled, "--limit", "2", "--no-headers")
    lines = [line.split("\t") for line in shown.stdout.splitlines()]
    assert [(seq, sender, text) for seq, _, sender, text in lines] == [
        ("10", "alice", "line 8"),
        ("11", "alice", "line 9"),
    ]
    assert shown.stderr == "for older events: --before 10\n"
    assert seqs(chatctl, filled, "--limit", "2", "--before", "10") == [8, 9]
    assert seqs(chatctl, filled, "--before", "3") == [1, 2]
    assert seqs(chatctl, filled, "--limit", "2", "--after", "0") == [1, 2]
    assert seqs(chatctl, filled, "--since", "1h", "--after", "9") == [10, 11]
    assert seqs(chatctl, filled, "--until", "1h") == []
    around = chatctl("--as", "alice", "room", "history", "show", filled, "--around", "5", "--limit", "4")
    assert [line.split("\t")[0] for line in around.stdout.splitlines()[1:]] == ["4", "5", "6", "7"]
    assert around.stderr == "for older events: --before 4\nfor newer events: --after 7\n"
    refused = chatctl("room", "history", "show", filled, "--around", "5", "--since", "1h", code=2)
    assert "give --around" in refused.stderr
    absent = chatctl("--as", "alice", "room", "history", "show", "nowhere", code=1)
    assert "ROOM_NOT_FOUND" in absent.stderr


def test_a_rooms_history_is_purged_and_devices_are_told(chatctl: Chatctl, filled: str) -> None:
    purge = ("room", "history", "purge", filled, "--yes")
    assert chatctl.json(*purge, "--up-to", "6") == {"room_id": filled, "removed": 6, "first_seq": 7}
    assert seqs(chatctl, filled) == [7, 8, 9, 10, 11]
    shown = chatctl(
        "--as", filled, "tail", "--take-over", "--device", "d", "--until-caught-up"
    ).stdout.splitlines()
    assert shown[0] == f"{filled}\t6\t-\t-\t1 to 6 will not come: no longer kept"
    assert len(shown) == 6
    assert chatctl.json(*purge, "--older-than", "1h")["removed"] == 0
    assert chatctl.json(*purge, "--all") == {"room_id": filled, "removed": 5, "first_seq": 12}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--yes",), "give one of"),
        (("--all", "--up-to", "3", "--yes"), "give one of"),
        (("--older-than", "soon", "--yes"), "is not an age"),
    ],
)
def test_usage_of_purge(chatctl: Chatctl, arguments: tuple[str, ...], complaint: str) -> None:
    assert complaint in chatctl("room", "history", "purge", "r", *arguments, code=2).stderr


@pytest.mark.parametrize(
    ("option", "question"),
    [
        (("--all",), "Remove all events from room"),
        (("--up-to", "3"), "Remove all events up to 3 from room"),
        (("--older-than", "30d"), "Remove all events older than 30d from room"),
    ],
)
def test_nothing_is_removed_without_a_yes(
    chatctl: Chatctl,
    filled: str,
    option: tuple[str, ...],
    question: str,
) -> None:
    assert "give --yes" in chatctl("room", "history", "purge", filled, *option, stdin="y\n", code=2).stderr
    refused = chatctl.on_terminal("room", "history", "purge", filled, *option, typed="n\n", code=1)
    assert question in refused
    assert "Aborted" in refused
    assert len(seqs(chatctl, filled)) == 11


def test_an_unknown_room_cannot_be_purged(chatctl: Chatctl) -> None:
    assert "ROOM_NOT_FOUND" in chatctl("room", "history", "purge", "nowhere", "--all", "-y", code=1).stderr

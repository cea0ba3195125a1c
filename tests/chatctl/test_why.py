import json

import pytest

from tests.chatctl.command import Chatctl
from tests.protocol.limited import token_of


def test_a_device_that_is_away_is_owed_it(chatctl: Chatctl, room: str) -> None:
    chatctl.send_texts(room, "hello")
    says, *steps = chatctl("why", f"{room}:2", f"{room}/d").stdout.splitlines()
    assert says.startswith(f"{room}/d has been owed it for ")
    assert "; not connected, last seen " in says
    assert any(line.endswith(f"stored as event 2 of {room}") for line in steps)
    assert any(line.endswith("joined the room, with event 1") for line in steps)


def test_what_was_taken_is_acknowledged(chatctl: Chatctl, room: str) -> None:
    chatctl.send_texts(room, "hello")
    chatctl("--as", room, "tail", "--device", "d", "--take-over", "--count", "2")
    story = json.loads(chatctl("why", f"{room}:2", room, "--json").stdout)
    (device,) = story["devices"]
    assert (device["state"], device["why"]) == ("acknowledged", f"{room}/d has acknowledged it")


def test_an_event_is_found_by_its_id(chatctl: Chatctl, room: str) -> None:
    chatctl("--as", "alice", "send", room, "hello", "--id", f"id-{room}")
    for sender in ((), ("--sender", "alice")):
        found = json.loads(chatctl("why", f"id-{room}", *sender, "--json").stdout)
        assert (found["room_id"], found["seq"], found["sender_id"]) == (room, 2, "alice")
    chatctl("why", f"id-{room}", "--sender", "bob", code=1)
    assert "EVENT_NOT_FOUND" in chatctl("why", "no-such-id", code=1).stderr


def test_without_a_recipient_those_that_lack_it_are_listed(chatctl: Chatctl, room: str) -> None:
    chatctl.send_texts(room, "hello")
    says, *rows = chatctl("why", f"{room}:2", "--no-headers").stdout.splitlines()
    assert says.endswith("is for 1 device: 1 owed")
    assert [row.split("\t")[:3] for row in rows] == [[room, "d", "owed"]]


def test_strangers_and_late_devices_are_told_apart(chatctl: Chatctl, room: str) -> None:
    chatctl.send_texts(room, "hello")
    assert chatctl("why", f"{room}:2", "eve").stdout == f"eve was never a member of {room}\n"
    chatctl("--as", "alice", "room", "add", room, "carol")
    assert "joined later, with event 3" in chatctl("why", f"{room}:2", "carol").stdout
    assert chatctl("why", f"{room}:2", "alice").stdout.startswith("alice has no device")
    chatctl.make_device(room, "late")
    assert "registered after it" in chatctl("why", f"{room}:2", f"{room}/late").stdout


@pytest.mark.parametrize(
    "words", [("r:0",), (":1",), ("r:1", "/d"), ("r:1", "bob/"), ("r:1", "--sender", "a")]
)
def test_words_that_name_nothing(chatctl: Chatctl, words: tuple[str, ...]) -> None:
    chatctl("why", *words, code=2)


def test_only_operators_may_ask(limited: Chatctl) -> None:
    assert "PERMISSION_DENIED" in limited("--token", token_of("ben"), "why", "lobby:1", "ann", code=1).stderr

"""chatctl room notifications, against a real daemon."""

import time

import pytest

from tests.chatctl.command import Chatctl


def test_what_a_room_tells(chatctl: Chatctl) -> None:
    chatctl.create_room("quiet", "bob")
    options = ("--level", "mentions", "--mute-for", "8h")
    set_to = chatctl.json("--as", "bob", "room", "notifications", "quiet", *options)
    assert set_to["level"] == "mentions"
    assert 7.9 * 3_600 < set_to["muted_until_us"] / 1e6 - time.time() < 8.1 * 3_600
    show = ("--as", "bob", "room", "notifications", "quiet")
    assert chatctl.json(*show) == set_to, "looking changes nothing"
    assert chatctl.json(*show, "--level", "none") == {**set_to, "level": "none"}, (
        "one option leaves the other"
    )
    assert chatctl.json(*show, "--mute-for", "0s")["level"] == "none"
    assert chatctl(*show).stdout == "room_id\tquiet\nlevel\tnone\nmuted_until\tnot muted\n"
    assert chatctl.json("--as", "alice", "room", "notifications", "quiet") == {
        "room_id": "quiet",
        "level": "all",
        "muted_until_us": 0,
    }
    assert "NOT_A_MEMBER" in chatctl("--as", "eve", "room", "notifications", "quiet", code=1).stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [(("--level", "some"), "must be one of"), (("--mute-for", "long"), "is not an age")],
)
def test_usage(chatctl: Chatctl, arguments: tuple[str, ...], complaint: str) -> None:
    assert complaint in chatctl("room", "notifications", "r", *arguments, code=2).stderr

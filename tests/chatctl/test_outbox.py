"""chatctl outbox list, show, event, against a real daemon."""

import pytest

from tests.chatctl.command import Chatctl


def test_outbox(chatctl: Chatctl, room: str) -> None:
    chatctl.send_texts(room, "owed")
    (row,) = chatctl.json("outbox", "list", "--profile", room)
    assert (row["owed"], row["acked_seq"], row["online"]) == (2, 0, False)
    listed = chatctl("outbox", "list", "--profile", room, "--no-headers").stdout
    assert listed.split("\t")[:5] == [room, "d", room, "2", "1-2"]
    assert [entry["seq"] for entry in chatctl.json("outbox", "show", room)] == [1, 2]
    device, shown_room, seq, *_, attempts = chatctl("outbox", "show", room).stdout.splitlines()[2].split("\t")
    assert (device, shown_room, seq, attempts) == ("d", room, "2", "0")
    assert chatctl.json("outbox", "event", room, "2") == [
        {
            "profile_id": room,
            "device_id": "d",
            "acked": False,
            "state": "owed",
            "attempts": 0,
            "owed_for_us": pytest.approx(1e6, abs=20e6),
        }
    ]
    chatctl("--as", room, "tail", "--take-over", "--device", "d", "--until-caught-up")
    assert chatctl.json("outbox", "list", "--profile", room) == []
    assert chatctl.json("outbox", "event", room, "2")[0]["acked"]
    assert chatctl("outbox", "event", room, "2", "--no-headers").stdout == f"{room}\td\tacknowledged\t0\t\n"

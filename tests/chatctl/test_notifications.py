"""chatctl notify and room notifications, against a real daemon whose notifier fails when the test says so."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chatctl.test_chatctl import Chatctl
from tests.daemons import Daemon


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Takes every notification unless there is a file "fail" beside it."""
    program = tmp_path_factory.mktemp("program") / "notify.sh"
    program.write_text(f"#!/bin/sh\n[ ! -e {program.parent}/fail ]\n")
    program.chmod(0o755)
    return program


@pytest.fixture(scope="module")
def chatctl(tmp_path_factory: pytest.TempPathFactory, program: Path) -> Iterator[Chatctl]:
    settings = {
        "NOTIFIERS": "log,exec",
        "NOTIFY_EXEC": program,
        "NOTIFY_DELAY_SECONDS": 0.2,
        "NOTIFY_TICK_SECONDS": 0.1,
        "NOTIFY_MAX_RETRIES": 0,
    }
    with Daemon("all", tmp_path_factory.mktemp("chatd"), settings) as running:
        yield Chatctl(running)


def test_notifications(chatctl: Chatctl, program: Path) -> None:
    chatctl("--as", "bob", "tail", "--device", "phone", "--count", "0")
    assert "INVALID_ARGUMENT" in chatctl("--as", "bob", "notify", "register", "phone", "--notifier", "webhook", code=1).stderr
    assert chatctl("--as", "bob", "notify", "register", "phone", "--notifier", "exec").stdout == "device_id\tphone\nnotifier\texec\n"
    assert chatctl.json("device", "show", "bob", "phone")["notifier"] == "exec"
    assert chatctl.json("notify", "test", "bob", "phone") == {"notifier": "exec", "sent": True, "error": ""}
    assert "EVENT_NOT_FOUND" in chatctl("notify", "test", "bob", "tablet", code=1).stderr
    (program.parent / "fail").touch()
    assert "the program ended with 1" in chatctl("notify", "test", "bob", "phone", code=1).stdout

    assert chatctl.json("--as", "alice", "room", "create", "lobby", "bob", "--hide-previews")["hide_previews"] is True
    chatctl("--as", "alice", "send", "lobby", "hello")
    end = time.monotonic() + 20
    while not (rows := chatctl.json("notify", "list", "--state", "dead")):
        assert time.monotonic() < end
    (row,) = rows
    assert (row["device_id"], row["room_id"], row["seq"], row["attempts"], row["error"]) == (
        "phone",
        "lobby",
        2,
        1,
        "the program ended with 1",
    )
    assert chatctl("notify", "list", "--profile", "bob").stdout.startswith("bob\tphone\texec\tdead\tlobby\t2\t1\t")
    (program.parent / "fail").unlink()
    assert chatctl("notify", "retry").stdout == "retried\t1\n"
    while not chatctl.json("notify", "list", "--state", "sent"):
        assert time.monotonic() < end + 20
    assert chatctl.json("notify", "drop", "--profile", "bob") == {"dropped": 0}
    found = chatctl.json("status")
    assert (found["notifications_sent"], found["notifications_failed"], found["notifications_dead"]) == (2, 2, 1)


def test_what_a_room_tells(chatctl: Chatctl) -> None:
    chatctl("--as", "alice", "room", "create", "quiet", "bob")
    set_to = chatctl.json("--as", "bob", "room", "notifications", "quiet", "--level", "mentions", "--mute-for", "8h")
    assert set_to["level"] == "mentions"
    assert 7.9 * 3_600 < set_to["muted_until_us"] / 1e6 - time.time() < 8.1 * 3_600
    assert "NOT_A_MEMBER" in chatctl("--as", "eve", "room", "notifications", "quiet", code=1).stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("notify", "list", "--state", "lost"), "must be one of"),
        (("room", "notifications", "r", "--level", "some"), "must be one of"),
        (("room", "notifications", "r", "--mute-for", "long"), "is not an age"),
        (("notify", "register", "phone"), "Missing option"),
    ],
)
def test_usage(chatctl: Chatctl, arguments: tuple[str, ...], complaint: str) -> None:
    assert complaint in chatctl(*arguments, code=2).stderr

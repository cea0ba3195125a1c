"""chatctl notify, against a real daemon whose notifier fails when the test says so."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from google.protobuf.message import Message

from chatctl.columns import cells
from chatctl.notifications import COLUMNS, drop_dead, retry_dead, state_name
from chatctl.times import now_us
from chatd.client import Client
from chatd.pb.admin.v1.admin_pb2 import (
    DropNotificationsRequest,
    Notification,
    RetryNotificationsRequest,
)
from tests.chatctl.command import Chatctl
from tests.daemons import Daemon


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Takes every notification unless there is a file "fail" beside it."""
    program = tmp_path_factory.mktemp("program") / "notify.sh"
    program.write_text(f"#!/bin/sh\n[ ! -e {program.parent}/fail ]\n")
    program.chmod(0o755)
    return program


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, program: Path) -> Iterator[Daemon]:
    settings = {
        "NOTIFIERS": "log,exec",
        "NOTIFY_EXEC": program,
        "NOTIFY_DELAY_SECONDS": 0.2,
        "NOTIFY_TICK_SECONDS": 0.1,
        "NOTIFY_MAX_RETRIES": 0,
    }
    with Daemon("all", tmp_path_factory.mktemp("chatd"), settings) as running:
        yield running


def test_notifications(chatctl: Chatctl, program: Path) -> None:
    register = ("--as", "bob", "notify", "register", "phone", "--notifier")
    chatctl.make_device("bob", "phone")
    assert "INVALID_ARGUMENT" in chatctl(*register, "webhook", code=1).stderr
    assert chatctl(*register, "exec").stdout == "device_id\tphone\nnotifier\texec\n"
    assert chatctl.json("device", "show", "bob", "phone")["notifier"] == "exec"
    assert chatctl.json("notify", "test", "bob", "phone") == {"notifier": "exec", "sent": True, "error": ""}
    refused = chatctl("notify", "test", "bob", "tablet", code=1).stderr
    assert refused == "chatctl: no device 'tablet' of 'bob' (DEVICE_NOT_FOUND)\n"
    chatctl.make_device("bob", "laptop")
    refused = chatctl("notify", "test", "bob", "laptop", code=1).stderr
    assert refused == "chatctl: device 'laptop' of 'bob' has no notifier (INVALID_ARGUMENT)\n"
    (program.parent / "fail").touch()
    assert "the program ended with 1" in chatctl("notify", "test", "bob", "phone", code=1).stdout

    made = chatctl.json("--as", "alice", "room", "create", "lobby", "bob", "--hide-previews")
    assert made["hide_previews"] is True
    chatctl.send_texts("lobby", "hello")
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
    listed = chatctl("notify", "list", "--profile", "bob", "--no-headers").stdout
    assert listed.startswith("bob\tphone\texec\tdead\tlobby\t2\t1\t")
    (program.parent / "fail").unlink()
    for action in ("retry", "drop"):
        assert "give --yes" in chatctl("notify", action, stdin="y\n", code=2).stderr
        assert "of all profiles" in chatctl.on_terminal("notify", action, typed="n\n", code=1)
        assert chatctl.json("notify", "list", "--state", "dead") == rows
    assert chatctl("notify", "retry", "--yes").stdout == "retried\t1\n"
    while not chatctl.json("notify", "list", "--state", "sent"):
        assert time.monotonic() < end + 20
    assert chatctl.json("notify", "drop", "--profile", "bob") == {"dropped": 0}
    assert "dropped: 0" in chatctl.on_terminal("notify", "drop", typed="y\n")
    found = chatctl.json("status")
    counted = (found["notifications_sent"], found["notifications_failed"], found["notifications_dead"])
    assert counted == (2, 2, 1)


class Paging:
    """A client whose node retries and drops two at a time."""

    def __init__(self, dead: int) -> None:
        self.dead = dead

    async def call(self, method: str, request: Message, response: type[Message]) -> Message:
        done = min(2, self.dead)
        self.dead -= done
        (count,) = {"retried", "dropped"} & set(response.DESCRIPTOR.fields_by_name)
        return response(**{count: done, "more": done == 2})


async def test_all_pages_are_retried_and_dropped() -> None:
    client = Paging(5)
    assert await retry_dead(cast(Client, client), RetryNotificationsRequest()) == 5
    client.dead = 4
    assert await drop_dead(cast(Client, client), DropNotificationsRequest()) == 4


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("list", "--state", "lost"), "must be one of"),
        (("register", "phone"), "Missing option"),
    ],
)
def test_usage(chatctl: Chatctl, arguments: tuple[str, ...], complaint: str) -> None:
    assert complaint in chatctl("notify", *arguments, code=2).stderr


def test_a_notification_is_due_or_was_sent() -> None:
    assert cells(Notification(at_us=now_us() + 90_500_000), COLUMNS)[-2:] == ["in 1m30s", "-"]
    assert cells(Notification(at_us=now_us() - 90_000_000, error="no"), COLUMNS)[-2:] == ["1m30s ago", "no"]


def test_states_have_names_unless_they_are_of_a_later_version() -> None:
    assert [state_name(state) for state in (1, 2, 3, 9)] == ["waiting", "sent", "dead", "9"]

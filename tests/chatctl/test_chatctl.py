"""chatctl as a person and as a script uses it, against a real daemon."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.daemons import Daemon

Result = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with Daemon("all", tmp_path_factory.mktemp("chatd")) as running:
        yield running


class Chatctl:
    def __init__(self, daemon: Daemon) -> None:
        self.environment = {**os.environ, "CHATD_URI": daemon.uri, "CHATD_DATA_DIR": str(daemon.folder), "COLUMNS": "200"}

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "chatctl", *arguments]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.environment, **options)

    def __call__(self, *arguments: str, stdin: str | None = None, code: int = 0) -> Result:
        command = [sys.executable, "-m", "chatctl", *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, env=self.environment, timeout=60, check=False)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        assert "\x1b" not in done.stdout
        return done

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json").stdout)


@pytest.fixture
def chatctl(daemon: Daemon) -> Chatctl:
    return Chatctl(daemon)


@pytest.fixture
def room(chatctl: Chatctl, request: pytest.FixtureRequest) -> str:
    """A room of alice, and a profile named as the room with a device "d" that is owed everything said in it."""
    name = str(request.node.name).replace("_", "-")[:60]
    chatctl("--as", name, "tail", "--device", "d", "--count", "0")
    chatctl("--as", "alice", "room", "create", name, name)
    return name


def test_rooms(chatctl: Chatctl, room: str) -> None:
    assert chatctl("--as", "alice", "room", "add", room, "carol", "dave").stdout == "carol\ndave\n"
    assert chatctl.json("--as", "alice", "room", "remove", room, "dave") == [{"removed": "dave"}]
    assert room in chatctl("room", "list").stdout
    shown = chatctl.json("room", "show", room)
    assert [one["profile_id"] for one in shown["members"]] == sorted(["alice", "carol", room])
    assert shown["head_seq"] == 3
    assert "dave left" in chatctl("--as", "alice", "room", "history", "show", room).stdout
    assert [row["seq"] for row in chatctl.json("--as", "alice", "room", "history", "show", room, "--limit", "2")] == [2, 3]


def test_send_and_tail(chatctl: Chatctl, room: str) -> None:
    assert chatctl("--as", "alice", "send", room, "hello").stdout.split("\t")[:2] == [room, "2"]
    first = json.loads(chatctl("--as", "alice", "send", room, "once", "--id", f"{room}-1", "--json").stdout)
    again = json.loads(chatctl("--as", "alice", "send", room, "once", "--id", f"{room}-1", "--json").stdout)
    assert (first["seq"], again["seq"], again["duplicate"]) == (3, 3, True)
    sent = chatctl("--as", "alice", "send", room, stdin="a\n\nb\nc")
    assert (sent.stdout, "3 sent" in sent.stderr, "1 blank" in sent.stderr) == ("", True, True)
    assert len(chatctl("--as", "alice", "send", room, "-", "--json", stdin="d\n" * 200).stdout.splitlines()) == 200

    tailed = chatctl("--as", room, "tail", "--device", "d", "--count", "3").stdout.splitlines()
    assert [line.split("\t")[1] for line in tailed] == ["1", "2", "3"]
    rest = chatctl("--as", room, "tail", "--device", "d", "--until-caught-up", "--json").stdout.splitlines()
    assert [json.loads(line)["text"] for line in rest][:4] == ["a", "b", "c", "d"]
    assert len(rest) == 203
    assert chatctl("--as", room, "tail", "--device", "d", "--until-caught-up").stdout == ""


def test_priorities_and_mentions(chatctl: Chatctl, room: str) -> None:
    chatctl("--as", "alice", "send", room, "@ not you", "--priority", "-1", "--mention", "carol")
    chatctl("--as", "alice", "send", room, "lunch?", "--mention", room, "--mention", "carol")
    chatctl("--as", "alice", "send", room, "ring", "--priority", "urgent")
    chatctl("--as", "alice", "send", room, "--priority", "bulk", stdin="line\n")
    assert "neither bulk" in chatctl("--as", "alice", "send", room, "x", "--priority", "4", code=2).stderr
    chatctl("--as", "alice", "send", room, "x", "--mention", "a b", code=1)
    listed = [json.loads(line) for line in chatctl("--as", room, "tail", "--device", "d", "--json", "--count", "5").stdout.splitlines()]
    assert [(one["priority"], one["mentions"]) for one in listed] == [(0, []), (1, ["carol"]), (1, [room, "carol"]), (1, []), (-1, [])]
    chatctl("--as", "alice", "send", room, "bye", "--mention", room)
    chatctl("--as", "alice", "send", room, "bye", "--mention", "carol")
    marked = chatctl("--as", room, "tail", "--device", "d", "--until-caught-up").stdout.splitlines()
    assert [line.split("\t")[2].startswith("@ ") for line in marked] == [True, False]


def test_tail_shows_only_the_rooms_named(chatctl: Chatctl, room: str) -> None:
    chatctl("--as", "alice", "room", "create", f"{room}-2", room)
    chatctl("--as", "alice", "send", f"{room}-2", "shown")
    shown = chatctl("--as", room, "tail", f"{room}-2", "--device", "d", "--until-caught-up").stdout
    assert {line.split("\t")[0] for line in shown.splitlines()} == {f"{room}-2"}


def test_outbox(chatctl: Chatctl, room: str) -> None:
    chatctl("--as", "alice", "send", room, "owed")
    (row,) = chatctl.json("outbox", "list", "--profile", room)
    assert (row["owed"], row["acked_seq"], row["online"]) == (2, 0, False)
    assert chatctl("outbox", "list", "--profile", room).stdout.split("\t")[:5] == [room, "d", room, "2", "1-2"]
    assert [entry["seq"] for entry in chatctl.json("outbox", "show", room)] == [1, 2]
    assert chatctl.json("outbox", "event", room, "2") == [
        {"profile_id": room, "device_id": "d", "acked": False, "attempts": 0, "owed_for_us": pytest.approx(1e6, abs=20e6)}
    ]
    chatctl("--as", room, "tail", "--device", "d", "--until-caught-up")
    assert chatctl.json("outbox", "list", "--profile", room) == []
    assert chatctl.json("outbox", "event", room, "2")[0]["acked"]


def test_interrupted_tail_acknowledges_what_it_showed(chatctl: Chatctl, room: str) -> None:
    chatctl("--as", "alice", "send", room, "hello")
    tail = chatctl.start("--as", room, "tail", "--device", "d")
    assert tail.stdout is not None
    assert [tail.stdout.readline().split("\t")[1] for _ in range(2)] == ["1", "2"]
    assert chatctl.json("connections", "--profile", room)[0]["client"] == "chatctl"
    tail.send_signal(signal.SIGINT)
    assert tail.wait(10) == 0
    tail.communicate()
    assert chatctl.json("outbox", "list", "--profile", room) == []
    assert chatctl.json("connections", "--profile", room) == []


def test_a_reader_that_has_enough(chatctl: Chatctl, room: str) -> None:
    chatctl("--as", "alice", "send", room, stdin="line\n" * 2000)
    command = f"{sys.executable} -m chatctl --as {room} tail --device d --until-caught-up | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=chatctl.environment, timeout=60, check=False)
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_hostile_text_is_shown_escaped(chatctl: Chatctl, room: str) -> None:
    chatctl("--as", "alice", "send", room, "\x1b[2J\x07evil")
    assert "\\x1b[2J\\x07evil" in chatctl("--as", room, "tail", "--device", "d", "--until-caught-up").stdout


def test_status(chatctl: Chatctl) -> None:
    assert chatctl.json("status")["database"] == "sqlite"
    assert json.loads(chatctl("--json", "status").stdout)["node_id"] == "all"


def test_exit_codes(chatctl: Chatctl, room: str) -> None:
    assert "NOT_A_MEMBER" in chatctl("--as", "eve", "send", room, "x", code=1).stderr
    assert "line 2" in chatctl("--as", "alice", "send", room, stdin="\nbad " + "x" * 70_000 + "\n", code=1).stderr
    assert "UNAUTHENTICATED" in chatctl("--token", "wrong", "status", code=1).stderr
    chatctl("send", code=2)
    chatctl("--token-file", "/nowhere", "status", code=2)
    chatctl("--as", "alice", "send", room, "--id", "x", "-", stdin="a\n", code=2)
    assert "UNAVAILABLE" in chatctl("--uri", "tcp://127.0.0.1:1", "--timeout", "0.5", "status", code=69).stderr
    chatctl("--uri", "tcp://127.0.0.1:1", "--timeout", "0.5", "tail", code=69)


def test_help_teaches(chatctl: Chatctl) -> None:
    for command in (["room", "create"], ["send"], ["tail"], ["outbox", "list"], ["status"]):
        assert "Example: chatctl" in chatctl(*command, "--help").stdout

"""chatctl send from a pipe, and what is wrong with the caller's own words, against a real daemon."""

import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.chatctl.test_chatctl import Chatctl
from tests.daemons import Daemon

ROOM = "lobby"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with Daemon("all", tmp_path_factory.mktemp("chatd")) as running:
        yield running


@pytest.fixture
def alice(daemon: Daemon, request: pytest.FixtureRequest) -> "Room":
    return Room(Chatctl(daemon), str(request.node.name).partition("[")[0].replace("_", "-")[:60])


class Room:
    """A room of alice's."""

    def __init__(self, chatctl: Chatctl, name: str) -> None:
        self.chatctl = chatctl
        self.name = name
        chatctl("--as", "alice", "room", "create", name)

    def texts(self) -> list[str]:
        """What was said, without the membership event; a page holds only so many bytes."""
        rows: list[dict[str, Any]] = []
        while not rows or rows[0]["seq"] > 1:
            before = str(rows[0]["seq"] if rows else 0)
            rows = self.chatctl.json("--as", "alice", "room", "history", "show", self.name, "--limit", "500", "--before", before) + rows
        return [row["text"] for row in rows[1:]]

    def wait_for(self, *texts: str) -> None:
        deadline = time.monotonic() + 10
        while self.texts() != list(texts):
            assert time.monotonic() < deadline, f"{self.texts()}, not {texts}"

    def send_from_pipe(self) -> subprocess.Popen[str]:
        return self.chatctl.start("--as", "alice", "send", self.name, "-", stdin=subprocess.PIPE)


def test_a_slow_source_is_sent_line_by_line(alice: Room) -> None:
    sending = alice.send_from_pipe()
    assert sending.stdin is not None
    for said in (["one"], ["one", "two"]):
        sending.stdin.write(said[-1] + "\n")
        sending.stdin.flush()
        alice.wait_for(*said)
    assert "2 sent" in sending.communicate(timeout=10)[1]


def test_the_first_interrupt_ends_a_send_that_waits(alice: Room) -> None:
    sending = alice.send_from_pipe()
    assert sending.stdin is not None
    sending.stdin.write("one\n")
    sending.stdin.flush()
    alice.wait_for("one")
    sending.send_signal(signal.SIGINT)
    assert sending.wait(5) == 130
    assert sending.communicate()[1] == ""


def test_the_refused_line_is_named_and_those_before_it_are_sent(alice: Room) -> None:
    lines = [f"line {number}" for number in range(1, 101)]
    lines[39] = "x" * 70_000
    refused = alice.chatctl("--as", "alice", "send", alice.name, "-", stdin="\n".join(lines), code=1).stderr
    assert "line 40: " in refused
    assert "39 sent before" in refused
    assert alice.texts() == lines[:39]


def test_large_lines_do_not_add_up_to_too_large_a_request(alice: Room) -> None:
    lines = [f"{number} " + "y" * 60_000 for number in range(40)]
    assert "40 sent" in alice.chatctl("--as", "alice", "send", alice.name, "-", stdin="\n".join(lines)).stderr
    assert alice.texts() == lines


def test_json_shows_every_event_alike(alice: Room) -> None:
    single = alice.chatctl("--as", "alice", "--json", "send", alice.name, "a").stdout
    piped = alice.chatctl("--as", "alice", "send", alice.name, "--json", stdin="b\n").stdout
    assert ('"duplicate": false' in single, '"duplicate": false' in piped) == (True, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--uri", "nonsense", "status"),
        ("--uri", "tcp://192.0.2.1:7400", "status"),
        ("room", "history", "show", ROOM, "--before", str(2**64)),
        ("outbox", "event", ROOM, str(2**64)),
        ("--as", "alice", "send", ROOM, "\udcff"),
    ],
    ids=["no uri", "not loopback", "no seq", "no seq to look at", "not UTF-8"],
)
def test_bad_words_are_the_callers(daemon: Daemon, arguments: tuple[str, ...]) -> None:
    assert Chatctl(daemon)(*arguments, code=2).stderr


def test_a_terminal_that_cannot_show_a_character_gets_it_escaped(alice: Room) -> None:
    alice.chatctl("--as", "alice", "send", alice.name, "日本")
    alice.chatctl.environment |= {"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    assert "\\u65e5\\u672c" in alice.chatctl("--as", "alice", "room", "history", "show", alice.name).stdout

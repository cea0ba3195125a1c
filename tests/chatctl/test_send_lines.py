"""chatctl send from a pipe, against a real daemon."""

import os
import signal
import subprocess
import time
from typing import Any

import pytest

from tests.chatctl.command import Chatctl
from tests.daemons import Daemon
from tests.protocol.limited import token_of


class Room:
    """A room of alice's."""

    def __init__(self, chatctl: Chatctl, name: str) -> None:
        self.chatctl = chatctl
        self.name = name
        chatctl("--as", "alice", "room", "create", name)

    def texts(self) -> list[str]:
        """Its messages, without the membership event; a page holds only so many bytes."""
        show = ("--as", "alice", "room", "history", "show", self.name, "--limit", "500", "--before")
        rows: list[dict[str, Any]] = []
        while not rows or rows[0]["seq"] > 1:
            rows = self.chatctl.json(*show, str(rows[0]["seq"] if rows else 0)) + rows
        return [row["text"] for row in rows[1:]]

    def wait_for(self, *texts: str) -> None:
        deadline = time.monotonic() + 10
        while self.texts() != list(texts):
            assert time.monotonic() < deadline, f"{self.texts()}, not {texts}"

    def send_from_pipe(self) -> subprocess.Popen[str]:
        return self.chatctl.start("--as", "alice", "send", self.name, "-", stdin=subprocess.PIPE)


@pytest.fixture
def alice(chatctl: Chatctl, request: pytest.FixtureRequest) -> Room:
    return Room(chatctl, str(request.node.name).partition("[")[0].replace("_", "-")[:60])


def test_lines_are_sent_and_blank_ones_skipped(alice: Room) -> None:
    sent = alice.chatctl("--as", "alice", "send", alice.name, stdin="a\n\nb\nc")
    assert (sent.stdout, "3 sent" in sent.stderr, "1 blank" in sent.stderr) == ("", True, True)
    acks = alice.chatctl("--as", "alice", "send", alice.name, "-", "--json", stdin="d\n" * 200).stdout
    assert len(acks.splitlines()) == 200
    assert alice.texts() == ["a", "b", "c", *"d" * 200]


def test_a_slow_source_is_sent_line_by_line(alice: Room) -> None:
    sending = alice.send_from_pipe()
    assert sending.stdin is not None
    for lines in (["one"], ["one", "two"]):
        sending.stdin.write(lines[-1] + "\n")
        sending.stdin.flush()
        alice.wait_for(*lines)
    assert "2 sent" in sending.communicate(timeout=10)[1]


def test_the_first_interrupt_ends_a_send_that_waits(alice: Room) -> None:
    sending = alice.send_from_pipe()
    assert sending.stdin is not None
    sending.stdin.write("one\n")
    sending.stdin.flush()
    alice.wait_for("one")
    sending.send_signal(signal.SIGINT)
    assert sending.wait(20) == 130
    assert sending.communicate()[1] == "interrupted: 1 line stored\n"


def test_an_interrupt_tells_which_lines_may_be_stored_too(alice: Room, daemon: Daemon) -> None:
    sending = alice.send_from_pipe()
    assert sending.stdin is not None
    sending.stdin.write("one\n")
    sending.stdin.flush()
    alice.wait_for("one")
    os.kill(daemon.pid, signal.SIGSTOP)
    try:
        sending.stdin.write("two\nthree\n")
        sending.stdin.flush()
        time.sleep(0.5)  # there is no answer to wait for
        sending.send_signal(signal.SIGINT)
        assert sending.wait(20) == 130
    finally:
        os.kill(daemon.pid, signal.SIGCONT)
    assert sending.communicate()[1] == "interrupted: 1 line stored; lines 2-3 not answered yet\n"


def test_the_refused_line_is_named_and_those_before_it_are_sent(alice: Room) -> None:
    lines = [f"line {number}" for number in range(1, 101)]
    lines[39] = "x" * 70_000
    refused = alice.chatctl("--as", "alice", "send", alice.name, "-", stdin="\n".join(lines), code=1).stderr
    assert "line 40: " in refused
    assert "39 sent before" in refused
    assert alice.texts() == lines[:39]


def test_input_that_is_not_utf_8_is_refused_and_the_lines_stored_before_it_are_counted(alice: Room) -> None:
    lines = [f"line {number}" for number in range(1, 71)]
    latin = ("\n".join(lines) + "\ncafé\nmore\n").encode("latin-1")
    refused = alice.chatctl.in_shell(f"--as alice send {alice.name} -", f"< <(printf '{octal(latin)}')")
    assert refused.returncode == 1
    assert "line 71: not UTF-8: byte 0xe9 in column 4" in refused.stderr
    assert f"({len(alice.texts())} sent before)" in refused.stderr
    assert alice.texts() == lines[:64]


def octal(content: bytes) -> str:
    """The bytes as printf of a shell writes them."""
    return "".join(f"\\{byte:03o}" for byte in content)


def test_blank_lines_count_for_the_number_of_the_refused_line(alice: Room) -> None:
    stdin = "\nbad " + "x" * 70_000 + "\n"
    assert "line 2" in alice.chatctl("--as", "alice", "send", alice.name, stdin=stdin, code=1).stderr


def test_large_lines_do_not_add_up_to_too_large_a_request(alice: Room) -> None:
    lines = [f"{number} " + "y" * 60_000 for number in range(40)]
    sent = alice.chatctl("--as", "alice", "send", alice.name, "-", stdin="\n".join(lines)).stderr
    assert "40 sent" in sent
    assert alice.texts() == lines


def test_json_shows_every_event_alike(alice: Room) -> None:
    single = alice.chatctl("--as", "alice", "--json", "send", alice.name, "a").stdout
    piped = alice.chatctl("--as", "alice", "send", alice.name, "--json", stdin="b\n").stdout
    assert ('"duplicate": false' in single, '"duplicate": false' in piped) == (True, True)


def test_lines_are_sent_as_fast_as_is_allowed(limited: Chatctl) -> None:
    lines = [f"line {number}" for number in range(150)]
    ann = ("--token", token_of("ann"))
    done = limited(*ann, "--timeout", "0.5", "send", "lobby", stdin="\n".join(lines))
    assert "150 sent" in done.stderr
    assert done.stderr.count("slowing down: this profile may send") == 1
    shown = limited.json(*ann, "room", "history", "show", "lobby", "--limit", "150")
    assert [row["text"] for row in shown] == lines

"""What chatctl does while chatd is away: a real one that is killed and comes back."""

import signal
import subprocess
import time
from pathlib import Path
from typing import IO

from tests.chatctl.command import Chatctl
from tests.daemons import Daemon

SEND = ("--timeout", "0.5", "--as", "alice", "send", "r")


def line_of(stream: IO[str] | None) -> str:
    assert stream is not None
    return stream.readline()


def write(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdin is not None
    process.stdin.write(text)
    process.stdin.flush()


def test_send_and_tail_survive_an_outage(tmp_path: Path) -> None:
    with Daemon("all", tmp_path) as daemon:
        chatctl = Chatctl(daemon)
        chatctl("--as", "alice", "room", "create", "r", "bob")
        tail = chatctl.start("--as", "bob", "tail", "--device", "d")
        assert "is new" in line_of(tail.stderr)
        lines = chatctl.start(*SEND, "-", "--wait", stdin=subprocess.PIPE)
        write(lines, "before\n")
        assert line_of(tail.stdout).endswith("\tbefore\n")
        daemon.kill()
        assert line_of(tail.stderr).startswith("reconnecting: ")
        write(lines, "during\n")
        assert line_of(lines.stderr).startswith("waiting: ")
        single = chatctl.start(*SEND, "single", "--wait")
        assert line_of(single.stderr).startswith("waiting: ")
        assert "UNAVAILABLE" in chatctl(*SEND, "gives up", code=69).stderr
        daemon.start()
        assert line_of(single.stderr).startswith("it answers again, after ")
        assert (single.wait(20), line_of(single.stdout).split("\t")[0]) == (0, "r")
        write(lines, "after\n")
        assert "3 sent" in lines.communicate(timeout=20)[1]
        texts = sorted(line_of(tail.stdout).split("\t")[-1] for _ in range(3))
        assert texts == ["after\n", "during\n", "single\n"]
        tail.send_signal(signal.SIGINT)
        said = tail.communicate(timeout=20)[1].splitlines()
        assert said[-1] == "connected again"
        single.communicate()


def test_a_send_that_waits_can_be_interrupted(tmp_path: Path) -> None:
    with Daemon("all", tmp_path) as daemon:
        chatctl = Chatctl(daemon)
        chatctl("--as", "alice", "room", "create", "r")
        lines = chatctl.start(*SEND, "-", "--wait", stdin=subprocess.PIPE)
        write(lines, "".join(f"{number}\n" for number in range(3)))
        deadline = time.monotonic() + 20
        while len(chatctl.json("--as", "alice", "room", "history", "show", "r")) < 4:
            assert time.monotonic() < deadline
        daemon.kill()
        write(lines, "more\n")
        assert line_of(lines.stderr).startswith("waiting: ")
        lines.send_signal(signal.SIGINT)
        assert lines.wait(10) == 130
        assert lines.communicate()[1] == "interrupted: 3 lines stored; line 4 not answered yet\n"

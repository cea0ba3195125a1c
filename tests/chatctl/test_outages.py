"""chatctl while chatd is away: a real one that is killed and comes back."""

import signal
import subprocess
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


def test_what_waits_survives_an_outage(tmp_path: Path) -> None:
    with Daemon("all", tmp_path) as daemon:
        chatctl = Chatctl(daemon)
        chatctl("--as", "alice", "room", "create", "r", "bob")
        tail = chatctl.start("--as", "bob", "tail", "--device", "d", "--start", "head")
        assert "is new" in line_of(tail.stderr)
        lines, ended = (chatctl.start(*SEND, "-", "--wait", stdin=subprocess.PIPE) for _ in range(2))
        looks = chatctl.start("connections", "--watch", "--every", "0.1", "--timeout", "0.3")
        assert line_of(looks.stdout)
        for sending in (lines, ended):
            write(sending, "before\n")
            assert line_of(tail.stdout).endswith("\tbefore\n")
        daemon.kill()
        assert line_of(tail.stderr).startswith("reconnecting: ")
        for sending in (lines, ended):
            write(sending, "during\n")
            assert line_of(sending.stderr).startswith("waiting: ")
        ended.send_signal(signal.SIGINT)
        assert ended.wait(20) == 130
        assert ended.communicate()[1] == "interrupted: 1 line stored; line 2 not answered yet\n"
        single = chatctl.start(*SEND, "single", "--wait")
        assert line_of(single.stderr).startswith("waiting: ")
        until(looks, "no answer: ")
        assert "UNAVAILABLE" in chatctl(*SEND, "gives up", code=69).stderr
        daemon.start()
        assert line_of(single.stderr).startswith("it answers again, after ")
        assert (single.wait(20), line_of(single.stdout).split("\t")[0]) == (0, "r")
        write(lines, "after\n")
        assert "3 sent" in lines.communicate(timeout=20)[1]
        texts = sorted(line_of(tail.stdout).split("\t")[-1] for _ in range(3))
        assert texts == ["after\n", "during\n", "single\n"]
        until(looks, "profile\t")
        for going in (tail, looks):
            going.send_signal(signal.SIGINT)
        assert tail.communicate(timeout=20)[1].splitlines()[-1] == "connected again"
        looks.communicate(timeout=20)
        single.communicate()


def until(looks: subprocess.Popen[str], beginning: str) -> None:
    while not line_of(looks.stdout).startswith(beginning):
        assert looks.poll() is None

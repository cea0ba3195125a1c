"""Lists that are shown again and again."""

import json
import os
import pty
import re
import signal
import subprocess
import sys

from tests.chatctl.command import Chatctl

WATCH = ("--watch", "--every", "0.1")
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\n")


def end(process: subprocess.Popen[str]) -> str:
    process.send_signal(signal.SIGINT)
    error = process.communicate(timeout=20)[1]
    assert process.returncode == 130
    return error


def test_a_pipe_gets_each_look_under_a_line_with_the_time(chatctl: Chatctl) -> None:
    watch = chatctl.start("connections", *WATCH)
    assert watch.stdout is not None
    for _ in range(2):
        assert TIME.fullmatch(watch.stdout.readline())
        assert watch.stdout.readline().startswith("profile\tdevice\t")
    assert end(watch) == ""


def test_json_is_a_line_for_each_look(chatctl: Chatctl) -> None:
    chatctl("--as", "alice", "room", "create", "one")
    chatctl("--as", "alice", "room", "create", "two")
    watch = chatctl.start("room", "list", *WATCH, "--json", "--limit", "1")
    assert watch.stdout is not None
    for _ in range(2):
        assert len(json.loads(watch.stdout.readline())) == 1
    assert "there are more" in end(watch)


def test_no_form_with_one_heading_for_all_is_repeated(chatctl: Chatctl) -> None:
    for form in ("csv", "yaml"):
        assert f"and no {form}" in chatctl("nodes", *WATCH, "-o", form, code=2).stderr


def test_a_refusal_ends_it(chatctl: Chatctl) -> None:
    """An outage does not: test_outages.py."""
    assert "UNAUTHENTICATED" in chatctl("nodes", *WATCH, "--token", "wrong", code=1).stderr


def test_a_terminal_is_drawn_anew_and_not_scrolled(chatctl: Chatctl) -> None:
    for number in range(3):
        chatctl.create_room(f"drawn-{number}")
    ours, theirs = pty.openpty()
    environment = {**chatctl.environment, "TERM": "xterm", "LINES": "3", "COLUMNS": "100"}
    watch = subprocess.Popen(
        [sys.executable, "-m", "chatctl", "room", "list", *WATCH],
        stdout=theirs,
        stderr=theirs,
        env=environment,
    )
    os.close(theirs)
    written = b""
    while written.count(b"\x1b[H\x1b[J") < 3:
        written += os.read(ours, 65_536)
    watch.send_signal(signal.SIGINT)
    assert watch.wait(20) == 130
    os.close(ours)
    frame = written.split(b"\x1b[H\x1b[J")[1].decode().splitlines()
    assert frame[0].startswith("every 0.1 s, ")
    assert re.fullmatch(r"and \d+ lines more; take a smaller --limit", frame[1])
    assert len(frame) == 2

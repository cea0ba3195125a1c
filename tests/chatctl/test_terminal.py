"""chatctl on a terminal (a real pseudo-terminal), on a broken pipe, without standard input: against a real daemon."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chatctl.test_chatctl import Chatctl
from tests.daemons import Daemon

HOSTILE = "\x1b]0;owned\x07\x1b[2J[red]red[/red]\u202eevil"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with Daemon("all", tmp_path_factory.mktemp("chatd")) as running:
        chatctl = Chatctl(running)
        chatctl("--as", "bob", "tail", "--device", "phone", "--count", "0")
        chatctl("--as", "alice", "room", "create", "lobby", "bob", "--name", HOSTILE)
        chatctl("--as", "alice", "send", "lobby", HOSTILE)
        yield running


@pytest.fixture
def chatctl(daemon: Daemon) -> Chatctl:
    return Chatctl(daemon)


def on_terminal(chatctl: Chatctl, *arguments: str, **environment: str) -> str:
    """What a terminal is sent."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "chatctl", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**chatctl.environment, "TERM": "xterm", **environment},
    )
    os.close(theirs)
    written = b""
    deadline = time.monotonic() + 20
    while (time.monotonic() < deadline and select.select([ours], [], [], 1)[0]) or process.poll() is None:
        try:
            chunk = os.read(ours, 65536)
        except OSError:
            break  # the terminal's other end is closed
        if not chunk:
            break
        written += chunk
    os.close(ours)
    assert process.wait(10) == 0, written
    return written.decode()


def test_a_terminal_gets_a_table(chatctl: Chatctl) -> None:
    lines = on_terminal(chatctl, "room", "list").splitlines()
    assert "\x1b[1m" in lines[0], "a bold heading"
    assert "room" in lines[0]
    assert "lobby" in lines[1]


@pytest.mark.parametrize(
    "arguments",
    [
        ("room", "list"),
        ("room", "show", "lobby"),
        ("--as", "bob", "room", "history", "show", "lobby"),
        ("--as", "bob", "tail", "--device", "phone", "--count", "2"),
        ("--json", "room", "show", "lobby"),
    ],
    ids=" ".join,
)
def test_a_terminal_is_not_steered(chatctl: Chatctl, arguments: tuple[str, ...]) -> None:
    written = on_terminal(chatctl, *arguments, NO_COLOR="1")
    for steering in ("\x1b]", "\x07", "\x1b[2J", "\u202e"):
        assert steering not in written
    assert "evil" in written
    assert "[red]red[/red]" in written


def test_a_reader_that_has_enough_is_no_failure(chatctl: Chatctl) -> None:
    chatctl("--as", "alice", "room", "create", "long")
    chatctl("--as", "alice", "send", "long", stdin="line\n" * 400)
    command = f"set -o pipefail; {sys.executable} -m chatctl --as alice room history show long --limit 500 | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=chatctl.environment, timeout=60, check=False)
    assert (done.returncode, done.stdout.count("\n"), done.stderr) == (0, 1, "")


def test_json_tells_of_more_on_stderr(chatctl: Chatctl) -> None:
    chatctl("--as", "alice", "room", "create", "another")
    done = chatctl("room", "list", "--limit", "1", "--json")
    assert done.stdout.count("room_id") == 1
    assert "there are more" in done.stderr


def test_no_standard_input_is_the_callers_mistake(chatctl: Chatctl) -> None:
    for what in ("", "-"):
        command = f"{sys.executable} -m chatctl --as alice send lobby {what} <&-"
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=chatctl.environment, timeout=60, check=False)
        assert (done.returncode, "nothing to send" in done.stderr) == (2, True), done.stderr


def test_a_token_file_that_is_none_is_the_callers_mistake(chatctl: Chatctl, tmp_path: Path) -> None:
    chatctl("--token-file", str(tmp_path), "status", code=2)
    (tmp_path / "tokens.toml").write_text("[tokens]\n")
    chatctl("--token-file", str(tmp_path / "tokens.toml"), "status", code=2)


def test_superseded_by_another_tail(chatctl: Chatctl) -> None:
    first = chatctl.start("--as", "carol", "tail", "--device", "phone")
    deadline = time.monotonic() + 10
    while not chatctl.json("connections", "--profile", "carol"):
        assert time.monotonic() < deadline
    second = chatctl.start("--as", "carol", "tail", "--device", "phone")
    assert first.wait(10) == 1
    assert "SUPERSEDED" in first.communicate()[1]
    assert second.poll() is None
    second.send_signal(signal.SIGTERM)
    assert second.wait(10) == 0
    assert second.communicate() == ("", "")

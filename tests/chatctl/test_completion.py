"""Completion as the shells ask for it, with a real daemon."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from tests import fork_server
from tests.chatctl.command import Chatctl
from tests.daemons import Daemon
from tests.protocol.limited import token_of

PROGRAM = str(Path(sys.executable).with_name("chatctl"))
T = TypeVar("T")


def completed(chatctl: Chatctl, line: str) -> list[str]:
    """The words that bash is told for the end of the line. Nothing may be said besides."""
    words = line.split(" ")
    asked = {"_CHATCTL_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    return run(chatctl, asked).split()


def soon(ask: Callable[[], T], wanted: T) -> None:
    """Ask until it is as wanted: on a busy machine the service may take longer than a completion
    waits for it."""
    deadline = time.monotonic() + 30
    while (found := ask()) != wanted:
        assert time.monotonic() < deadline, found


def run(chatctl: Chatctl, asked: dict[str, str]) -> str:
    done = fork_server.run([sys.executable, "-m", "chatctl"], env={**chatctl.environment, **asked})
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


@pytest.fixture(scope="module")
def people(daemon: Daemon) -> Chatctl:
    """Rooms lab and lobby of alice, with bob, who has a phone; strangers' ids among them."""
    chatctl = Chatctl(daemon)
    chatctl("--as", "bob", "tail", "--device", "phone", "--count", "0")
    for room in ("lobby", "lab", "lob'$(id)", "lob\\$(id)"):
        chatctl("--as", "alice", "room", "create", room, "bob")
    chatctl("--as", "eve", "room", "create", "lonely")
    # A gateway takes its lease soon after it is ready.
    chatctl.json_when(lambda nodes: {one["kind"] for one in nodes} == {"default", "gateway"}, "nodes")
    return chatctl


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("chatctl send lo", ["lobby", "lonely"]),
        ("chatctl send lobby", ["lobby"]),
        ("chatctl send no", []),
        ("chatctl --as alice send lo", ["lobby"]),
        ("chatctl send --as alice lo", ["lobby"]),
        ("chatctl room history show la", ["lab"]),
        ("chatctl tail lab l", ["lab", "lobby", "lonely"]),
        ("chatctl --as b", ["bob"]),
        ("chatctl room add lobby b", ["bob"]),
        ("chatctl device show bob ", ["phone"]),
        ("chatctl outbox list --profile bob --device p", ["phone"]),
        ("chatctl why lobby:1 bob/", ["bob/phone"]),
        ("chatctl gateway drain a", ["all"]),
        ("chatctl log-level debug --node ", ["all"]),
        ("chatctl dead-l", ["dead-letter"]),
        ("chatctl outbox sh", ["show"]),
        ("chatctl room list --out", ["--output"]),
    ],
)
def test_words_of_the_service_are_completed(people: Chatctl, line: str, words: list[str]) -> None:
    """Ids that a shell would take for more than a word are left out."""
    soon(lambda: completed(people, line), words)


def test_all_shells_are_told(people: Chatctl) -> None:
    line = {"_TYPER_COMPLETE_ARGS": "chatctl send lo"}
    zsh = {"_CHATCTL_COMPLETE": "complete_zsh", **line}
    soon(lambda: run(people, zsh), """_arguments '*: :(("lobby"\n"lonely"))'""")
    fish = {"_CHATCTL_COMPLETE": "complete_fish", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    soon(lambda: run(people, {**fish, **line}).split(), ["lobby", "lonely"])
    bash = 'eval "$(_CHATCTL_COMPLETE=source_bash chatctl)"; COMP_WORDS=(chatctl send la); COMP_CWORD=2; '

    def in_bash() -> tuple[str, str]:
        done = subprocess.run(
            ["bash", "-c", f"{bash} _chatctl_completion chatctl; echo ${{COMPREPLY[@]}}"],
            capture_output=True,
            text=True,
            check=True,
            env={**people.environment, "PATH": f"{Path(PROGRAM).parent}:{os.environ['PATH']}"},
        )
        return done.stdout, done.stderr

    soon(in_bash, ("lab\n", ""))


def test_contexts_are_completed(people: Chatctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(people.environment, "XDG_CONFIG_HOME", str(tmp_path))
    people("context", "add", "here")
    for line in ("chatctl --context h", "chatctl context use h", "chatctl context show h"):
        assert completed(people, line) == ["here"]
    (tmp_path / "chatd/contexts.toml").write_text("no")
    assert completed(people, "chatctl --context h") == []


def test_users_are_told_of_their_own_rooms(limited: Chatctl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(limited.environment, "CHATD_TOKEN", token_of("ann"))
    soon(lambda: completed(limited, "chatctl send lo"), ["lobby"])
    assert completed(limited, "chatctl room add lobby b") == []


def test_who_cannot_be_asked_soon_is_let_be(chatctl: Chatctl) -> None:
    """A service that takes the connection and says nothing, one that is not there, no token."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        before = time.monotonic()
        assert completed(chatctl, f"chatctl --uri {uri} send lo") == []
        assert time.monotonic() - before < 5
    assert completed(chatctl, "chatctl --uri tcp://127.0.0.1:1 send lo") == []
    assert completed(chatctl, "chatctl --uri nonsense send lo") == []
    assert completed(chatctl, "chatctl --token-file /nowhere send lo") == []

"""The command line as a whole: help, exit codes, errors, permissions."""

import random
import re
import string
import subprocess
import sys

import pytest
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from chatctl.app import COMMANDS, app, register
from tests.chatctl.command import Chatctl
from tests.protocol.limited import token_of

OPERATORS = [
    ("connections",),
    ("nodes",),
    ("status",),
    ("room", "list"),
    ("report", "rooms"),
    ("report", "laggards"),
    ("room", "show", "lobby"),
    ("room", "history", "purge", "lobby", "--all", "-y"),
    ("outbox", "list"),
    ("outbox", "show", "ann"),
    ("outbox", "event", "lobby", "1"),
    ("dead-letter", "list"),
    ("dead-letter", "drop", "x"),
    ("dead-letter", "replay", "x"),
    ("device", "list"),
    ("device", "show", "bob", "phone"),
    ("device", "forget", "bob", "phone", "-y"),
    ("profile", "erase", "alice", "-y"),
    ("notify", "list"),
    ("notify", "test", "bob", "phone"),
    ("notify", "retry", "--yes"),
    ("notify", "drop", "--yes"),
]


def commands(group: TyperGroup, *path: str) -> list[tuple[str, TyperCommand]]:
    """All commands below a group, with the words that call them."""
    found: list[tuple[str, TyperCommand]] = []
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            found += commands(command, *path, name)
        elif isinstance(command, TyperCommand):
            found.append((" ".join((*path, name)), command))
    return found


def test_help_teaches_each_command_by_an_example() -> None:
    register(COMMANDS)
    root = get_command(app)
    assert isinstance(root, TyperGroup)
    listed = commands(root)
    assert len(listed) > 30
    for words, command in listed:
        example = re.search(r"Example: .*chatctl (--as \w+ )?(.+)", command.help or "")
        assert example is not None, words
        assert example[2].startswith(words), words


def imported_by(chatctl: Chatctl, *words: str) -> set[str]:
    """The modules that a run of chatctl imports."""
    show = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr))"
    done = subprocess.run(
        [sys.executable, "-c", f"{show}; from chatctl.app import main; main()", *words],
        capture_output=True,
        text=True,
        check=True,
        env=chatctl.environment,
    )
    return set(done.stderr.split())


def test_a_start_imports_what_it_needs(chatctl: Chatctl) -> None:
    """Each of these takes a fifth of the 0.15 s that a start may take, or more."""
    dear = {"structlog", "pydantic", "rich", "textual", "regex", "pygments", "aiohttp", "peewee"}
    network = {"zmq", "google.protobuf.message", "asyncio", "chatd.client"}
    words: tuple[str, ...]
    for words in (("--help",), ("--version",)):
        modules = imported_by(chatctl, *words)
        assert modules & (dear | network) == set(), words
        assert "chatctl.rooms" not in modules
    for words in (("status", "-o", "json"), ("room", "list", "--limit", "7"), ("--timeout", "5.5", "nodes")):
        modules = imported_by(chatctl, *words)
        assert (modules & dear, network - modules) == (set(), set()), words
        assert len(modules) < 400, "364 in November 2026"
    assert ("chatctl.nodes" in modules, "chatctl.rooms" in modules) == (True, False)


def test_what_pydantic_would_refuse_is_refused_in_its_words(chatctl: Chatctl) -> None:
    for words in (("--limit", "x"), ("--limit", "0"), ("--limit", "1001"), ("--limit", "1.5")):
        assert (
            "Invalid value for '--limit': Input should be" in chatctl("room", "list", *words, code=2).stderr
        )
    assert "greater than or equal to 0.1" in chatctl("--timeout", "0", "status", code=2).stderr
    assert "Input should be a valid number" in chatctl("--timeout", "soon", "status", code=2).stderr


def test_help_lists_all_commands(chatctl: Chatctl) -> None:
    shown = chatctl("--help").stdout
    assert [name for name in COMMANDS if f" {name} " not in shown] == []
    assert "No such command 'nonsense'" in chatctl("nonsense", code=2).stderr


def test_help_is_printed(chatctl: Chatctl) -> None:
    for command in (["room", "create"], ["send"], ["outbox", "list"]):
        assert "Example: chatctl" in chatctl(*command, "--help").stdout
    assert "bulk|normal|urgent|highest|-1…3" in chatctl("send", "--help").stdout


def test_exit_codes(chatctl: Chatctl, room: str) -> None:
    assert "NOT_A_MEMBER" in chatctl("--as", "eve", "send", room, "x", code=1).stderr
    assert "UNAUTHENTICATED" in chatctl("--token", "wrong", "status", code=1).stderr
    chatctl("send", code=2)
    unreachable = ("--uri", "tcp://127.0.0.1:1", "--timeout", "0.5")
    assert "UNAVAILABLE" in chatctl(*unreachable, "status", code=69).stderr
    stderr = chatctl(*unreachable, "tail", code=69).stderr
    assert stderr == "chatctl: no stream was opened in 0.5 s: no gateway answers\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--uri", "nonsense", "status"),
        ("--uri", "tcp://192.0.2.1:7400", "status"),
        ("--as", "alice", "send", "lobby", "\udcff"),
    ],
    ids=["no uri", "not loopback", "not UTF-8"],
)
def test_bad_words_are_the_callers(chatctl: Chatctl, arguments: tuple[str, ...]) -> None:
    assert chatctl(*arguments, code=2).stderr


def test_a_refusal_for_the_rate_says_when_to_try_again(limited: Chatctl) -> None:
    text = "".join(random.Random(1).choices(string.ascii_letters, k=60_000))
    limited("--token", token_of("ben"), "send", "lobby", text)
    stderr = limited("--token", token_of("ben"), "--timeout", "0.2", "send", "lobby", "hello", code=1).stderr
    before, later = stderr.split("; try again in ")
    assert before == "chatctl: this profile may send 10,000 bytes a second"
    seconds, name = later.split("s ")
    assert 0 < float(seconds) < 10
    assert name == "(RATE_LIMITED)\n"


def test_a_reader_that_has_enough_is_no_failure(chatctl: Chatctl, room: str) -> None:
    chatctl("--as", "alice", "send", room, stdin="line\n" * 400)
    done = chatctl.in_shell(f"--as alice room history show {room} --limit 500", "| head -n 1")
    assert (done.returncode, done.stdout.count("\n"), done.stderr) == (0, 1, "")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_stream_that_the_caller_has_closed_is_no_failure(chatctl: Chatctl, closed: str) -> None:
    done = chatctl.in_shell("nodes", closed)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr


def test_a_terminal_that_cannot_show_a_character_gets_it_escaped(chatctl: Chatctl, room: str) -> None:
    chatctl("--as", "alice", "send", room, "日本")
    chatctl.environment |= {"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    assert "\\u65e5\\u672c" in chatctl("--as", "alice", "room", "history", "show", room).stdout


@pytest.mark.parametrize("arguments", OPERATORS, ids=" ".join)
def test_users_may_not(limited: Chatctl, arguments: tuple[str, ...]) -> None:
    assert "PERMISSION_DENIED" in limited("--token", token_of("ann"), *arguments, code=1).stderr

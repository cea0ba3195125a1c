"""Lines to copy: each is understood, and nothing is missing that it names."""

import shlex

import pytest
from typer._click import Context
from typer.core import TyperGroup

from chatctl.anywhere import spread
from chatctl.app import COMMANDS, app, register
from chatctl.cheat import LINES
from chatd.help import command_line
from tests.chatctl.command import Chatctl


@pytest.fixture(scope="module")
def root() -> TyperGroup:
    app.registered_commands.clear()
    app.registered_groups.clear()
    register(COMMANDS)
    found = command_line(app)
    assert isinstance(found, TyperGroup)
    spread(found)
    return found


def parse(root: TyperGroup, words: list[str]) -> Context:
    """The command that the words call. Raises what chatctl would say of them."""
    context = root.make_context("chatctl", words)
    while isinstance(context.command, TyperGroup):
        name, command, rest = context.command.resolve_command(context, context._protected_args + context.args)
        assert command is not None
        context = command.make_context(name, rest, parent=context)
    return context


@pytest.mark.parametrize("line", [line for _, line in LINES if "--install-completion" not in line])
def test_each_line_is_understood(root: TyperGroup, line: str) -> None:
    words = shlex.split(line.rpartition("| ")[2])
    assert words[0] == "chatctl"
    assert parse(root, words[1:]).command.callback is not None


def test_lines_are_shown_under_their_tasks(chatctl: Chatctl) -> None:
    shown = chatctl("cheat").stdout
    assert [line for _, line in LINES if line not in shown] == []
    assert shown.startswith("# make a room")
    assert chatctl("cheat", "KICK").stdout == "# end a connection\nchatctl connection kick bob/phone\n"
    assert chatctl.json("cheat", "kick") == [
        {"task": "end a connection", "line": "chatctl connection kick bob/phone"}
    ]

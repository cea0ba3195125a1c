"""Help as a terminal of any width shows it."""

import inspect
import re

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

_INNER_BREAK = re.compile(r"(?<!\n)\n(?!\n)")


def command_line(app: typer.Typer) -> TyperCommand | TyperGroup:
    """The commands of ``app``. Their help flows: typer keeps a docstring's line breaks, which are
    the source's, and says <bool> behind an option that takes no value. There are no
    frames: rich would need a third of 80 columns for them, and longer than all the rest."""
    command = get_command(app)
    assert isinstance(command, TyperCommand | TyperGroup)
    _let_flow(command, None)
    return command


def _let_flow(command: TyperCommand | TyperGroup, above: typer.Context | None) -> None:
    command.rich_markup_mode = None
    if command.help:
        command.help = _INNER_BREAK.sub(" ", inspect.cleandoc(command.help))
    context = typer.Context(command, parent=above, **command.context_settings)
    for parameter in command.get_params(context):
        if isinstance(parameter, TyperOption) and parameter.is_flag:
            parameter.metavar = ""
    for below in command.commands.values() if isinstance(command, TyperGroup) else ():
        assert isinstance(below, TyperCommand | TyperGroup)
        _let_flow(below, context)

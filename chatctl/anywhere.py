"""Global options anywhere on the line: ``chatctl room list --uri X`` is ``chatctl --uri X room
list``."""

import copy
from typing import TYPE_CHECKING

from typer.core import TyperCommand, TyperGroup, TyperOption

from chatctl.lists import is_list

if TYPE_CHECKING:
    from typer._click import Context

_OF_OUTPUT = ("as_json", "form", "no_headers")
"""Global options that only commands with an output take; their help shows them."""
_OF_LISTS = ("sort", "watch", "every")
"""The same of commands that list. They stand behind these alone."""


def spread(root: TyperGroup) -> None:
    """Let all commands below ``root`` take its options. A command's own option of the same name
    stays."""
    shared = [one for one in root.params if isinstance(one, TyperOption) and not one.is_eager]
    for command in root.commands.values():
        _add(command, shared)
    root.params = [one for one in root.params if one.name not in _OF_LISTS]


def _add(command: object, shared: list[TyperOption]) -> None:
    assert isinstance(command, TyperCommand | TyperGroup)
    own = {name for parameter in command.params for name in parameter.opts}
    prints = isinstance(command, TyperGroup) or "--json" in own
    for option in shared:
        takes = is_list(command) if option.name in _OF_LISTS else prints or option.name not in _OF_OUTPUT
        if takes and not own.intersection(option.opts):
            command.params.append(_copy(option, hidden=isinstance(command, TyperGroup)))
    for below in command.commands.values() if isinstance(command, TyperGroup) else ():
        _add(below, shared)


def _copy(option: TyperOption, *, hidden: bool) -> TyperOption:
    """The option for a command. Its value goes to the root, and the root's callback describes the
    run anew."""
    name = option.name

    def give_to_root(context: "Context", _parameter: object, value: object) -> None:
        root = context.find_root()
        if value is not None and root.command.callback is not None:
            root.params[name] = value
            root.command.callback(**root.params)

    one = copy.copy(option)
    one.name = f"global {name}"  # a command may have a parameter called "profile"
    one.default = one.envvar = None
    one.expose_value = False
    one.required = False
    one.show_default = False  # the root has it
    one.hidden = hidden or name not in (*_OF_OUTPUT, *_OF_LISTS)
    one.callback = give_to_root
    return one

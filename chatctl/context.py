"""chatctl context …: names for services."""

import os
from typing import Annotated

import typer

from chatctl import completion, contexts
from chatctl.arguments import AsJson, Yes
from chatctl.columns import Column, Columns, or_dash, yes_no
from chatctl.confirmation import confirm
from chatctl.contexts import ServiceContext
from chatctl.invocation import Options, output

app = typer.Typer(
    no_args_is_help=True,
    help="Name services. A context holds an address, a token file and a profile. An option beats the "
    "environment, which beats the context; without one, chatctl takes what it finds on this machine.",
)

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="The context's name.", autocompletion=completion.contexts)
]


def _columns(current: str) -> Columns[ServiceContext]:
    return (
        Column("context", "name"),
        Column("current", "current", yes_no, get=lambda one: one.name == current),
        Column("uri", "uri", or_dash),
        Column("token file", "token_file", or_dash),
        Column("profile", "profile", or_dash),
    )


@app.command()
def add(context: typer.Context, name: Name, yes: Yes = False, as_json: AsJson = False) -> None:
    """Keep the address, the token file and the profile of this run (--uri, --token-file, --as or
    their variables) under a name. A token is never kept.

    Example: chatctl context add prod --uri tcp://chat.example:7400#KEY --token-file ops.toml
    """
    given: Options = context.obj
    file = os.path.abspath(given.token_file.expanduser()) if given.token_file else ""
    made = ServiceContext(contexts.check_name(name), given.uri, file, given.profile)
    if made == ServiceContext(name):
        raise typer.BadParameter("nothing to keep: give --uri, --token-file or --as")
    found = contexts.read()
    if name in found.held and found.held[name] != made:
        confirm(f"Replace context {name}?", yes=yes)
    found.held[name] = made
    contexts.write(found)
    output(context, as_json).details(made, _columns(found.current))


@app.command()
def use(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="The context's name.",
            autocompletion=completion.contexts,
            show_default=False,
        ),
    ] = "",
    none: Annotated[bool, typer.Option("--none", help="Use none from now on.")] = False,
    as_json: AsJson = False,
) -> None:
    """Use a context from now on, in all terminals. CHATCTL_CONTEXT is for one terminal, --context
    for one command.

    Example: chatctl context use prod
    """
    if bool(name) == none:
        raise typer.BadParameter("give a context's name, or --none")
    found = contexts.read()
    found.current = "" if none else found.get(name).name
    contexts.write(found)
    output(context, as_json).one({"current": found.current})


@app.command(name="list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List contexts, by name.

    Example: chatctl context list
    """
    found = contexts.read()
    rows = [one for _, one in sorted(found.held.items())]
    output(context, as_json).rows(rows, _columns(found.current))


@app.command()
def show(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="Default: the one in use.",
            autocompletion=completion.contexts,
            show_default=False,
        ),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Show a context.

    Example: chatctl context show
    """
    found = contexts.read()
    given: Options = context.obj
    one = found.get(name) if name else contexts.chosen(given.context)
    if one is None:
        raise typer.BadParameter("no context is in use: give a name")
    output(context, as_json).details(one, _columns(found.current))


@app.command()
def remove(context: typer.Context, name: Name, yes: Yes = False, as_json: AsJson = False) -> None:
    """Forget a context. Its token file stays.

    Example: chatctl context remove prod
    """
    found = contexts.read()
    found.get(name)
    confirm(f"Forget context {name}?", yes=yes)
    del found.held[name]
    if found.current == name:
        found.current = ""
    contexts.write(found)
    output(context, as_json).names("removed", [name])

"""The command line of ``chatd``. ``--help`` is quick: a command imports by itself, when it runs,
the settings and all that they bring.

The settings know the objects that they fill, and so the database and ZeroMQ.
"""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from chatd import __version__
from chatd.daemon import key_commands, token_commands
from chatd.daemon.mode import Mode
from chatd.errors import ChatdError, ConfigError
from chatd.help import command_line
from chatd.man import write_pages

app = typer.Typer(
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)

app.add_typer(token_commands.app, name="token")
app.add_typer(key_commands.app, name="keys")

Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="TOML file of settings; environment variables beat it."),
]
Check = Annotated[
    bool,
    typer.Option("--check-config", help="Show the settings in force, or what is wrong with them, and exit."),
]
AsJson = Annotated[bool, typer.Option("--json", help="With --check-config: as JSON.")]


@dataclass(frozen=True, slots=True)
class Options:
    """The same options are understood before and after the mode."""

    config: Path | None
    check_config: bool
    as_json: bool


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    config: Config = None,
    check_config: Check = False,
    as_json: AsJson = False,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """Stores chat events and streams them to every device of every subscriber: in order, at least
    once.

    One process: chatd all

    Two processes: chatd default and chatd gateway

    Settings come from the environment or a TOML file: chatd settings lists them.
    """
    if version:
        typer.echo(f"chatd {__version__}")
        raise typer.Exit
    context.obj = Options(config, check_config, as_json)
    if context.invoked_subcommand is None:
        if not check_config:
            typer.echo(context.get_help())
            raise typer.Exit(2)
        _check("all", context.obj)


def _check(mode: Mode, options: Options) -> None:
    from chatd.daemon.settings.listing import describe  # here: see above
    from chatd.daemon.settings.sources import load_settings

    shown = describe(load_settings(mode, options.config))
    if options.as_json:
        typer.echo(
            json.dumps(
                {setting.name: {"value": setting.value, "from": setting.origin} for setting in shown},
                indent=2,
            )
        )
        return
    names, values = max(len(setting.name) for setting in shown), max(len(setting.value) for setting in shown)
    for setting in shown:
        typer.echo(f"{setting.name:<{names}}  {setting.value:<{values}}  {setting.origin}")


def _serve(mode: Mode, context: typer.Context, options: Options) -> None:
    before: Options = context.obj
    if options.check_config or before.check_config:
        _check(mode, Options(options.config or before.config, True, options.as_json or before.as_json))
        return
    if options.as_json or before.as_json:
        raise typer.BadParameter("it belongs to --check-config", param_hint="--json")
    from chatd.daemon.run import run  # here: see above
    from chatd.daemon.settings.sources import load_settings

    settings = load_settings(mode, options.config or before.config)
    raise typer.Exit(run(mode, settings))


@app.command()
def default(
    context: typer.Context, config: Config = None, check_config: Check = False, as_json: AsJson = False
) -> None:
    """Serve rooms, the event log and the outbox; publish to gateways.

    Example: DB_URI=postgresql://chatd@/chatd chatd default
    """
    _serve("default", context, Options(config, check_config, as_json))


@app.command()
def gateway(
    context: typer.Context, config: Config = None, check_config: Check = False, as_json: AsJson = False
) -> None:
    """Serve device streams. Needs a default node, but no database.

    Example: GATEWAY_URI=tcp://127.0.0.1:7500 chatd gateway
    """
    _serve("gateway", context, Options(config, check_config, as_json))


@app.command(name="all")
def all_(
    context: typer.Context, config: Config = None, check_config: Check = False, as_json: AsJson = False
) -> None:
    """Serve both in one process, on SQLite unless told otherwise.

    Example: chatd all --config chatd.toml
    """
    _serve("all", context, Options(config, check_config, as_json))


@app.command()
def migrate(context: typer.Context, config: Config = None) -> None:
    """Bring the database's schema up to date, and exit.

    Default nodes do so when they start. This is for those whose role in PostgreSQL may not.

    Example: DB_URI=postgresql://chatd_owner@/chatd chatd migrate
    """
    from contextlib import ExitStack  # here: see above

    from chatd.daemon.database import open_database
    from chatd.daemon.logs import configure
    from chatd.daemon.settings.sources import load_settings

    settings = load_settings("default", config or context.obj.config)
    configure(settings.logs.log_level, settings.logs.log_format)
    with ExitStack() as stack:
        open_database(settings, f"chatd migrate, pid {os.getpid()}", stack)
    typer.echo("the schema is up to date")


@app.command()
def settings(
    markdown: Annotated[bool, typer.Option("--markdown", help="As the page SETTINGS.md.")] = False,
) -> None:
    """List every setting, its default, range and meaning."""
    from chatd.daemon.settings.listing import listing, page  # here: see above

    typer.echo(page() if markdown else listing(), nl=not markdown)


@app.command()
def man(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Made if it is missing.")],
) -> None:
    """Write chatd's manual pages to a folder, for packages or for man -l. They say what --help
    says.

    Example: chatd man ~/.local/share/man/man1
    """
    for page in write_pages(context.find_root(), folder):
        typer.echo(page)


def main() -> None:
    """Console script. Exit codes: 0 stopped cleanly, 1 failed, and another try may succeed, 2 bad
    settings or usage."""
    try:
        command_line(app)(prog_name="chatd")
    except ChatdError as exc:
        for line in exc.explained.splitlines():
            print(f"chatd: {line}", file=sys.stderr)
        sys.exit(2 if isinstance(exc, ConfigError) else 1)

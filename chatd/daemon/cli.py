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
from chatd.daemon.backup_commands import backup, restore
from chatd.daemon.check_command import check_db
from chatd.daemon.migrate_command import migrate
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


def _check(mode: Mode | None, options: Options, instance: str | None = None) -> None:
    from chatd.daemon.loading import settings_of  # here: see above
    from chatd.daemon.settings.listing import describe

    shown = describe(settings_of(mode, options.config, instance))
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


def _serve(mode: Mode | None, context: typer.Context, options: Options, instance: str | None = None) -> None:
    before: Options = context.obj
    if options.check_config or before.check_config:
        as_json = options.as_json or before.as_json
        _check(mode, Options(options.config or before.config, True, as_json), instance)
        return
    if options.as_json or before.as_json:
        raise typer.BadParameter("it belongs to --check-config", param_hint="--json")
    from chatd.daemon.attempts import try_to_start  # here: see above
    from chatd.daemon.run import run
    from chatd.daemon.settings.sources import load_settings
    from chatd.daemon.systemd import ServiceManager
    from chatd.transport.passed_sockets import PassedSockets, passed_to_this_process

    manager = ServiceManager()
    passed = PassedSockets(passed_to_this_process(os.environ), keep=manager.keep, drop=manager.drop)

    def start() -> int:
        return run(load_settings(mode, options.config or before.config, instance=instance), manager, passed)

    raise typer.Exit(try_to_start(start, manager))


@app.command()
def default(
    context: typer.Context, config: Config = None, check_config: Check = False, as_json: AsJson = False
) -> None:
    """Serve rooms, the event log and the outbox; publish to gateways.

    Example: CHATD_DB_URI=postgresql://chatd@/chatd chatd default
    """
    _serve("default", context, Options(config, check_config, as_json))


@app.command()
def gateway(
    context: typer.Context, config: Config = None, check_config: Check = False, as_json: AsJson = False
) -> None:
    """Serve device streams. Needs a default node, but no database.

    Example: CHATD_GATEWAY_URI=tcp://127.0.0.1:7500 chatd gateway
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


@app.command(name="run")
def run_(
    context: typer.Context,
    instance: Annotated[
        str, typer.Argument(metavar="NAME", help="all, default, gateway, or a name with a file.")
    ],
    config: Config = None,
    check_config: Check = False,
    as_json: AsJson = False,
) -> None:
    """Serve as one of several instances of this machine: NAME is its mode, or /etc/chatd/NAME.toml
    says it (mode = "gateway"), with settings that beat those for all.

    Systemd's unit chatd@NAME does so. CHATD_INSTANCE=NAME gives other commands the same settings.

    Example: chatd run gateway-2 --check-config
    """
    _serve(None, context, Options(config, check_config, as_json), instance)


app.command()(migrate)
app.command()(backup)
app.command()(restore)
app.command(name="check-db")(check_db)


@app.command()
def settings(
    markdown: Annotated[bool, typer.Option("--markdown", help="As the page SETTINGS.md.")] = False,
    toml: Annotated[bool, typer.Option("--toml", help="As a file for --config, all of it comments.")] = False,
) -> None:
    """List every setting, its default, range and meaning.

    Example: chatd settings --toml >chatd.toml
    """
    if markdown and toml:
        raise typer.BadParameter("give --markdown or --toml", param_hint="--toml")
    from chatd.daemon.settings.listing import listing, page, sample  # here: see above

    typer.echo(page() if markdown else sample() if toml else listing(), nl=not markdown and not toml)


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
        from chatd.daemon.complaint import complain  # here: see above

        complain(exc.explained)
        sys.exit(2 if isinstance(exc, ConfigError) else 1)
    except PermissionError as exc:  # a folder of another user's: Path.exists() does not say no there
        from chatd.daemon.complaint import complain  # here: see above

        complain(f"{exc.filename}: {exc.strerror}")
        sys.exit(1)

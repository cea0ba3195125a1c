"""The command line of ``chatd``. What serves is imported only when it is to serve: ``--help`` is quick."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from chatd import __version__
from chatd.daemon.settings import Mode, describe, load_settings, table
from chatd.errors import ConfigError

app = typer.Typer(add_completion=False, context_settings={"help_option_names": ["-h", "--help"]}, pretty_exceptions_enable=False)

Config = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="TOML file of settings; environment variables beat it.")]
Check = Annotated[bool, typer.Option("--check-config", help="Show the effective settings, or what is wrong with them, and exit.")]
AsJson = Annotated[bool, typer.Option("--json", help="With --check-config: as JSON.")]


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    config: Config = None,
    check_config: Check = False,
    as_json: AsJson = False,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """Stores chat events and streams them to every device of every subscriber: in order, at least once.

    One machine:   chatd all

    Two processes: chatd default   and   chatd gateway

    Settings come from the environment or a TOML file: chatd settings lists them.
    """
    if version:
        typer.echo(f"chatd {__version__}")
    elif check_config:
        _check("all", config, as_json)
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _check(mode: Mode, config: Path | None, as_json: bool) -> None:
    shown = describe(mode, load_settings(mode, config))
    width = max(map(len, shown))
    typer.echo(json.dumps(shown, indent=2) if as_json else "\n".join(f"{name:<{width}}  {value}" for name, value in shown.items()))


def _serve(mode: Mode, config: Path | None, check_config: bool, as_json: bool) -> None:
    if check_config:
        _check(mode, config, as_json)
        return
    settings = load_settings(mode, config)
    from chatd.daemon.run import run

    raise typer.Exit(run(mode, settings))


@app.command()
def default(config: Config = None, check_config: Check = False, as_json: AsJson = False) -> None:
    """Serve rooms, the event log and the outbox; publish to gateways.

    Example: DB_URI=postgresql://chatd@/chatd chatd default
    """
    _serve("default", config, check_config, as_json)


@app.command()
def gateway(config: Config = None, check_config: Check = False, as_json: AsJson = False) -> None:
    """Serve device streams. Needs a default node, but no database.

    Example: GATEWAY_URI=tcp://127.0.0.1:7500 chatd gateway
    """
    _serve("gateway", config, check_config, as_json)


@app.command(name="all")
def all_(config: Config = None, check_config: Check = False, as_json: AsJson = False) -> None:
    """Serve both in one process, on SQLite unless told otherwise.

    Example: chatd all --config chatd.toml
    """
    _serve("all", config, check_config, as_json)


@app.command()
def settings(markdown: Annotated[bool, typer.Option("--markdown", help="As a Markdown table.")] = False) -> None:
    """List every setting, its default and what it means."""
    for name, default_, meaning in table():
        typer.echo(f"| `{name}` | {default_} | {meaning} |" if markdown else f"{name}\n    {meaning}{f' [{default_}]' if default_ else ''}")


def main() -> None:
    """Console script. Exit codes: 0 stopped cleanly, 1 failed, 2 bad settings or usage."""
    try:
        app()
    except ConfigError as exc:
        for line in str(exc).splitlines():
            print(f"chatd: {line}", file=sys.stderr)
        sys.exit(2)

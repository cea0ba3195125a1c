"""The parts that the commands on a database have in common: its address, its owner, signals,
output, and the question before something is done that cannot be taken back.

Like ``cli`` these modules import the settings only when a command runs.
"""

import json
import os
import pwd
import shlex
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chatd.daemon.progress import ProgressLine
from chatd.errors import ChatdError, ConfigError, StartFailed
from chatd.text import escaped

if TYPE_CHECKING:
    from chatd.core.log_state import LogState
    from chatd.daemon.settings import Settings
    from chatd.store.database import Database

Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="TOML file of settings; environment variables beat it."),
]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def load(context: typer.Context, config: Path | None) -> "tuple[Settings, str]":
    """The settings of a default node, and the address of its database. ``config`` may also stand
    before the command. SIGTERM then ends it as Ctrl-C does: what was made by halves is removed.
    Raises ConfigError."""
    from chatd.daemon.loading import settings_of  # here: see above
    from chatd.daemon.logs import configure

    settings = settings_of("default", config or context.obj.config)
    configure(settings.logs.log_level, settings.logs.log_format)
    os.umask(0o077)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    return settings, settings.store.database(settings.place)


def sqlite_path(database: "Database") -> Path:
    """The path of a SQLite database that exists. Raises ConfigError, StartFailed."""
    assert database.file is not None
    if database.is_missing():
        raise StartFailed(f"there is no database at {database.file.path}")
    check_user(database.file.path)
    return database.file.path


def check_user(path: Path) -> None:
    """Raise ConfigError if chatd runs as another user, who could not use what is written here."""
    place = next(one for one in (path, *path.absolute().parents) if one.exists())
    owner = place.stat().st_uid
    if owner != os.geteuid():
        try:
            name = pwd.getpwuid(owner).pw_name
        except KeyError:
            name = f"#{owner}"
        raise ConfigError(f"{place} belongs to {name}: run this as that user, with sudo -u {name}")


def holder(command: str) -> str:
    """This process, for others that want the same database."""
    since = datetime.now(UTC).isoformat(timespec="seconds")
    return f"chatd {command}, pid {os.getpid()}, since {since}"


def known_logs(settings: "Settings") -> "list[LogState]":
    """The logs that the nodes of this data directory have seen."""
    from chatd.default.nodes.log_file import LogFile  # here: see above

    folder = settings.place.data_dir
    names = [path.stem.removeprefix("log-") for path in folder.glob("log-*.json")]
    return [LogFile(folder, name).read() for name in names]


def make_statistics(database: "Database", uri: str) -> None:
    """Let PostgreSQL count what was brought into the database. The command has done its work and
    said so: a failure is a warning. SQLite's file is not opened: a node may have it by now."""
    if database.engine != "postgres":
        return
    try:
        with database.connection(readonly=False):
            database.analyze()
    except ChatdError as exc:
        from chatd.store.postgres import without_password  # here: see above

        run = f"psql --dbname={shlex.quote(without_password(uri))} --command=ANALYZE"
        warning = (
            f"warning: the database has no statistics, and is slow until it has: {exc.explained}; run: {run}"
        )
        typer.echo(escaped(warning), err=True)


@contextmanager
def progress(unit: str) -> Iterator[ProgressLine]:
    """A line that shows how far the command is."""
    line = ProgressLine(unit)
    try:
        yield line
    finally:
        line.end()


def confirm(question: str, *, yes: bool) -> None:
    """Ask on a terminal, and end the command unless the answer is yes. Raises ConfigError if nobody
    can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError("nobody can be asked, because the input is no terminal: give --yes")
    typer.confirm(question, abort=True, err=True)


def show(found: Mapping[str, object], *, as_json: bool) -> None:
    """Print what was done, a line for each thing."""
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    width = max(map(len, found)) + 1
    for name, value in found.items():
        typer.echo(f"{name.replace('_', ' ') + ':':<{width}} {escaped(str(value))}")

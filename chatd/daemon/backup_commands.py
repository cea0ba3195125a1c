"""``chatd backup`` and ``chatd restore``. A SQLite file is copied here; for PostgreSQL they say
which of its own programs to run."""

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from chatd.daemon.database_commands import (
    AsJson,
    Config,
    Yes,
    check_user,
    confirm,
    holder,
    known_logs,
    load,
    make_statistics,
    progress,
    show,
    sqlite_path,
)
from chatd.daemon.progress import size
from chatd.errors import ConfigError

_NOT_IN_IT = "not in it: the token file and the keys; copy them from the data directory"


def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The backup to be made.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a backup that is there.")] = False,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Back up the database while it is served.

    SQLite: FILE is a database of its own, the state of one moment. It is looked through before it
    gets its name, and FILE.manifest has its SHA-256, the name of its log and the number of rows of
    each table. Both are readable for their owner only. Tokens and keys are files of the data
    directory, and not in it.

    PostgreSQL: the command to run instead is printed, and the exit code is 2.

    Example: chatd backup /var/backups/chatd-$(date +%F).db
    """
    from chatd.store.copies.backup import back_up  # here: see cli.py
    from chatd.store.database import Database

    _, uri = load(context, config)
    database = Database(uri, create=False)
    if database.engine == "postgres":
        _say_commands(uri, f"pg_dump --format=custom --file={shlex.quote(str(file))} --dbname={{database}}")
    source = sqlite_path(database)
    with progress("bytes") as line:
        manifest = back_up(source, file.absolute(), line, force=force)
    if as_json:
        show({"file": str(file), **asdict(manifest)}, as_json=True)
        return
    rows = f"{sum(manifest.rows.values()):,} in {len(manifest.rows)} tables"
    show(
        {
            "file": file,
            "size": size(manifest.bytes),
            "rows": rows,
            "log": manifest.log,
            "sha256": manifest.sha256,
        },
        as_json=False,
    )
    typer.echo(_NOT_IN_IT, err=True)


def restore(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="A backup of chatd backup.")] = None,
    mark: Annotated[
        bool,
        typer.Option("--mark", help="Only give the log a new name: pg_restore has done the rest."),
    ] = False,
    yes: Yes = False,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Put a backup in the database's place, while chatd is stopped.

    The backup is copied, compared with its manifest and looked through before anything is replaced.
    The old database stays beside the new one. The log gets a new name, by which devices know that
    seqs begin anew behind the backup's newest event: they show what is stored from then on, and are
    told what was lost.

    PostgreSQL: the commands to run instead are printed, and the exit code is 2. The last of them is
    chatd restore --mark.

    Example: systemctl stop 'chatd@*' && chatd restore /var/backups/chatd-2026-11-26.db
    """
    from chatd.store.copies import restore as copies  # here: see cli.py
    from chatd.store.database import Database

    if (file is None) != mark:
        raise ConfigError("name a backup, or give --mark for a database that was restored by other means")
    settings, uri = load(context, config)
    database = Database(uri, create=False)
    if file is None:
        if database.file is not None:
            sqlite_path(database)
        confirm("Give the log a new name? All streams begin anew.", yes=yes)
        database.migrate()
        state = copies.mark(database, known_logs(settings))
        show({"log": state.incarnation}, as_json=as_json)
        make_statistics(database, uri)  # pg_restore leaves the tables without
        return
    if database.file is None:
        restored = f"pg_restore --clean --if-exists --single-transaction --dbname={{database}} {shlex.quote(str(file))}"
        _say_commands(uri, restored, "chatd restore --mark", "chatd check-db")
    assert database.file is not None
    path = database.file.path
    check_user(path)
    with database.claim(holder("restore")):
        confirm(f"Replace {path} by {file}?", yes=yes)
        with progress("bytes") as line:
            done = copies.restore(path, file, known_logs(settings), line)
    found: dict[str, object] = {"database": str(path), "log": done.log.incarnation}
    if done.kept is not None:
        found["old_database"] = str(done.kept)
    if done.manifest is not None:
        found["made_at"] = done.manifest.made_at
    show(found, as_json=as_json)
    if done.manifest is None:
        typer.echo(f"{file} has no manifest: no hash was compared", err=True)


def _say_commands(uri: str, *commands: str) -> None:
    """Print what to run for PostgreSQL, without the password; exit with 2."""
    from chatd.store.postgres import without_password  # here: see cli.py

    typer.echo("This database is PostgreSQL's. Nothing was done; run:", err=True)
    for command in commands:
        typer.echo(command.format(database=shlex.quote(without_password(uri))))
    raise typer.Exit(2)

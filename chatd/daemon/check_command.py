"""``chatd check-db``: looks through the whole database, also while it is served."""

import json
from typing import TYPE_CHECKING

import typer

from chatd.daemon.database_commands import AsJson, Config, load, progress, sqlite_path
from chatd.errors import ChatdError, ConfigError, Unavailable
from chatd.text import escaped

if TYPE_CHECKING:
    from chatd.store.database import Database
    from chatd.store.invariant import Finding


def check_db(context: typer.Context, config: Config = None, as_json: AsJson = False) -> None:
    """Look through the whole database for damage, and for rows that contradict each other.

    Each finding is a line with its name, the number of rows, an example and what it means. Nothing
    is changed, and chatd may serve the database meanwhile. The exit code is 0 if nothing was found,
    else 1.

    PostgreSQL keeps its own pages: pg_amcheck and data checksums find damage there.

    Example: chatd check-db --json
    """
    from chatd.store.database import Database  # here: see cli.py

    _, uri = load(context, config)
    database = Database(uri, create=False)
    damage = _damage(database)
    found = [*damage, *_broken(database, is_damaged=bool(damage))]
    if as_json:
        typer.echo(json.dumps([one._asdict() for one in found], indent=2))
    else:
        for one in found:
            typer.echo(f"{one.name}\t{one.rows}\t{escaped(one.example)}\t{one.means}")
        if not found:
            typer.echo("nothing was found")
    raise typer.Exit(1 if found else 0)


def _damage(database: "Database") -> "list[Finding]":
    from chatd.store.copies.sqlite_copy import Snapshot  # here: see cli.py
    from chatd.store.invariant import Finding

    if database.file is None:
        return []
    snapshot = Snapshot(sqlite_path(database), is_live=True)
    try:
        with progress("bytes") as line:
            damages = snapshot.find_damage(line)
    finally:
        snapshot.close()
    return [Finding("integrity", "the file is damaged", len(damages), damages[0])] if damages else []


def _broken(database: "Database", *, is_damaged: bool) -> "list[Finding]":
    from chatd.default.invariants import INVARIANTS  # here: see cli.py
    from chatd.store.invariant import Finding, check
    from chatd.store.migration import require_current

    try:
        with database.connection(readonly=True), progress("rows") as line:
            require_current(database)
            return check(database, INVARIANTS, line)
    except ChatdError as exc:
        if isinstance(exc, (ConfigError, Unavailable)) and not is_damaged:
            raise  # it was not looked at
        return [Finding("read", "the database cannot be read to its end", 1, exc.explained)]

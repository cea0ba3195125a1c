"""``chatd migrate``: the schema brought up to date, or the whole database brought into another
one."""

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from chatd.daemon.database_commands import (
    AsJson,
    Config,
    holder,
    load,
    make_statistics,
    progress,
    show,
    sqlite_path,
)
from chatd.errors import ConfigError, StartFailed

if TYPE_CHECKING:
    from chatd.store.database import Database


def migrate(
    context: typer.Context,
    from_uri: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="URI",
            help="Move this database, sqlite:///path or postgresql://…, into the one of --to, or of DB_URI.",
        ),
    ] = "",
    to_uri: Annotated[
        str, typer.Option("--to", metavar="URI", help="The new, empty database. Default: DB_URI.")
    ] = "",
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Bring the database's schema up to date, and exit.

    Default nodes do so when they start. This is for those whose role in PostgreSQL may not.

    With --from: move everything from one database into an empty one, of another engine or the same,
    while chatd is stopped. Then the rows of both are compared, by the number and a hash of each
    table. The old database stays as it is. If the command is interrupted, run it again: it begins
    anew, and no chatd opens a database that is only a part. A password does not belong into a
    command, where others see it: use DB_URI, PGPASSWORD or ~/.pgpass.

    Example: CHATD_DB_URI=postgresql://chatd@/chatd chatd migrate --from sqlite:////var/lib/chatd/chatd.db
    """
    from chatd.store.database import Database  # here: see cli.py

    settings, uri = load(context, config)
    if not from_uri:
        if to_uri:
            raise ConfigError("--to belongs to --from")
        from chatd.daemon.database import open_database  # here: see cli.py

        with ExitStack() as stack:
            open_database(settings, holder("migrate"), stack)
        typer.echo("the schema is up to date")
        return
    if from_uri == (to_uri or uri):
        raise ConfigError("the old and the new database are the same database")
    for option, given in (("--from", from_uri), ("--to", to_uri)):
        if given:
            _check(option, given)
    source = Database(from_uri, create=False)
    if source.file is not None:
        sqlite_path(source)  # before a target is made
    target = Database(to_uri or uri)
    _move(source, target, as_json)
    make_statistics(target, to_uri or uri)


def _check(option: str, uri: str) -> None:
    """Raise ConfigError for an address that is none, or that would show a password to others."""
    from chatd.store.postgres import has_password  # here: see cli.py
    from chatd.store.uri import uri_fault

    if fault := uri_fault(uri):
        raise ConfigError(f"{option} {fault}")
    if uri.startswith("postgres") and has_password(uri):
        raise ConfigError(
            f"{option} holds a password, which others see in the list of processes: use DB_URI, PGPASSWORD or "
            f"~/.pgpass"
        )


def _move(source: "Database", target: "Database", as_json: bool) -> None:
    from chatd.store.copies.transfer import transfer  # here: see cli.py

    with ExitStack() as stack:
        for database in (source, target):
            stack.enter_context(database.claim(holder("migrate")))
        target.check()
        _require_unserved(source)
        with progress("rows") as line:
            moved = transfer(source, target, line, check=partial(_require_unserved, source))
    if as_json:
        show({one.table: {"rows": one.rows, "hash": one.hash} for one in moved}, as_json=True)
        return
    for one in moved:
        typer.echo(f"{one.table}\t{one.rows}\t{one.hash}")
    typer.echo("Each table has the same rows in both. Let DB_URI name the new database.", err=True)


def _require_unserved(database: "Database") -> None:
    """Raise StartFailed if a node serves the database. SQLite's file is claimed."""
    from chatd.daemon.default_flow import now_us  # here: see cli.py
    from chatd.default.nodes.store import find_serving

    if database.file is not None:
        return
    with database.connection(readonly=True):
        if node := find_serving(database, now_us()):
            raise StartFailed(
                f"node {node.node_id} serves the database: stop chatd, and wait for its lease to end"
            )

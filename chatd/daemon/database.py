"""Opens a default node's database: the one that its data directory has been used with, or a new one
for a new data directory."""

from contextlib import ExitStack

from chatd.core.log_state import LogState
from chatd.daemon.settings import Settings
from chatd.default.nodes.log_file import LogFile
from chatd.store.database import Database


def open_database(settings: Settings, holder: str, stack: ExitStack) -> tuple[Database, LogState]:
    """The database, migrated, and the log that the data directory was used with last. ``stack``
    lets go of the database. Raises ConfigError, Unavailable and StartFailed, which is also the
    answer to an empty database in the place of that log."""
    section, place = settings.store, settings.place
    file = LogFile(place.data_dir, settings.node.node_id)
    before = file.read()
    database = Database(section.database(place), create=not before.incarnation)
    shown = section.effective(place)["db_uri"]
    if before.incarnation and database.is_missing():
        raise file.missing(shown)
    stack.enter_context(database.claim(holder))
    database.check()
    if before.incarnation and database.is_empty():
        raise file.missing(shown)
    database.migrate()
    return database, before

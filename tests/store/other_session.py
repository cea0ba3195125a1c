"""A session of PostgreSQL that stands still inside a transaction, as a node does that is stopped
there."""

from collections.abc import Iterator
from contextlib import contextmanager

from chatd.store.database import Database


@contextmanager
def holding(uri: str, *statements: str) -> Iterator[Database]:
    """The statements have been run in a transaction that does not end; it is rolled back at the end
    of the context, if the test has not ended it."""
    database = Database(uri)
    database.connect(readonly=False)
    try:
        database.run("BEGIN")
        for statement in statements:
            database.run(statement)
        yield database
    finally:
        database.disconnect()

"""The tables of a database, as its schema has them: for whatever works on all of them. The index of
texts is none of them: each engine has its own, made of the others."""

from typing import Any, NamedTuple

from chatd.store.database import Database

_OF_MIGRATIONS = ("schema_migration", "schema_fingerprint")
_OF_SEARCH = "search_"
_KINDS = {"text": "t", "bigint": "i", "smallint": "s", "bytea": "b", "blob": "b"}


class Table(NamedTuple):
    """``columns`` and ``key`` are names, ``kinds`` a letter for each column: t(ext), i(nteger),
    s(mall integer), b(ytes)."""

    name: str
    columns: tuple[str, ...]
    kinds: str
    key: tuple[str, ...]


def read_tables(database: Database) -> list[Table]:
    """All of chatd's, by name, but those of the migrations and of the index of texts. Raises
    StoreFailed, Unavailable."""
    names = [
        name for name in _names(database) if name not in _OF_MIGRATIONS and not name.startswith(_OF_SEARCH)
    ]
    return [_table(name, _columns(database, name)) for name in names]


def _names(database: Database) -> list[str]:
    rows = database.rows(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
        if database.engine == "sqlite"
        else """
        SELECT relname::text
        FROM pg_class
        WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
        ORDER BY relname COLLATE "C"
        """
    )
    return [name for (name,) in rows]


def _columns(database: Database, table: str) -> list[tuple[Any, ...]]:
    """Name, type and place in the key, 0 if it is not in it."""
    return database.rows(
        "SELECT name, type, pk FROM pragma_table_info(?) ORDER BY cid"
        if database.engine == "sqlite"
        else """
        SELECT attname::text, atttypid::regtype::text,
            COALESCE(array_position(indkey::smallint[], attnum) + 1, 0)
        FROM pg_attribute
        LEFT JOIN pg_index ON indrelid = attrelid AND indisprimary
        WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped
        ORDER BY attnum
        """,
        (table,),
    )


def _table(name: str, columns: list[tuple[Any, ...]]) -> Table:
    key = sorted((place, column) for column, _, place in columns if place)
    kinds = "".join(_KINDS[kind.lower()] for _, kind, _ in columns)
    return Table(name, tuple(column for column, _, _ in columns), kinds, tuple(column for _, column in key))

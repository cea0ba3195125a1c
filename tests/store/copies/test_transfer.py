"""A database brought into another one: all of it, in both directions, or it is not opened."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chatd.default.rooms.membership import AddSubscriptions
from chatd.default.rooms.model import RoomRules
from chatd.default.rooms.proposals import ApproveProposal, MakeOrPropose, Proposed
from chatd.default.rooms.store import CreateRoom
from chatd.errors import ConfigError, StartFailed
from chatd.store.copies import transfer as module
from chatd.store.copies.rows import RowEncoder
from chatd.store.copies.transfer import Transferred, transfer
from chatd.store.database import Database
from tests.databases import Cluster
from tests.store.copies.test_backup import quiet
from tests.store.driver import Store, event, send

DIRECTIONS = ["sqlite-sqlite", "sqlite-postgres", "postgres-sqlite"]


def empty(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Database:
    if engine == "sqlite":
        return Database(f"sqlite:///{tmp_path}/new.db")
    postgres: Cluster = request.getfixturevalue("postgres")
    return Database(postgres.uri(postgres.new_database()))


@pytest.fixture(params=DIRECTIONS)
def pair(filled: Path, tmp_path: Path, request: pytest.FixtureRequest) -> tuple[Database, Database]:
    """A full database, and an empty one."""
    first, _, second = request.param.partition("-")
    source = Database(f"sqlite:///{filled}")
    if first == "postgres":
        full = empty("postgres", tmp_path, request)
        transfer(source, full, quiet)
        source = full
    return source, empty(second, tmp_path, request)


def uri_of(database: Database) -> str:
    return f"sqlite:///{database.file.path}" if database.file else str(database.db.database)


def content(database: Database) -> dict[str, list[Any]]:
    tables = (
        "room",
        "room_event",
        "outbox",
        "subscription",
        "log",
        "push",
        "delivery_attempt",
        "room_proposal",
        "named_in_proposal",
    )
    with database.connection(readonly=True):
        return {
            table: sorted(
                tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)
                for row in database.rows(f"SELECT * FROM {table}")
            )
            for table in tables
        }


def test_everything_is_in_the_other_database_and_it_goes_on(pair: tuple[Database, Database]) -> None:
    source, target = pair
    add = AddSubscriptions("strict", ("dan",), "bob", False)
    store = Store(uri_of(source))
    store.do(CreateRoom("strict", "", "alice", ("bob",), rules=RoomRules(requires_approval=True)))
    proposed = store.do(MakeOrPropose("strict", add, "AddRoomSubscriptions", b"\n\x06strict\x12\x03dan"))
    store.close()
    assert isinstance(proposed, Proposed)
    moved = transfer(source, target, quiet)
    assert content(source) == content(target)
    assert {one.table: one.rows for one in moved}["room_event"] == 13
    target.migrate()
    store = Store(uri_of(target))
    (stored,) = store.do(send("alice", event("r", "new")))
    approved = store.do(ApproveProposal("strict", proposed.proposal_id, add, "alice", False))
    store.close()
    assert (stored.seq, approved.seq) == (13, 2)


def test_one_that_is_cut_off_is_never_opened_and_begins_anew(
    pair: tuple[Database, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = pair
    monkeypatch.setattr(module, "_BATCH", 1)

    def interrupt(step: str, done: int, total: int) -> None:
        if done == 15:
            raise KeyboardInterrupt

    def served() -> None:
        raise StartFailed("a node serves the source")

    with pytest.raises(KeyboardInterrupt):
        transfer(source, target, interrupt)
    with pytest.raises(ConfigError, match="holds a part of another one"):
        target.migrate()
    with pytest.raises(StartFailed, match="serves the source"):
        transfer(source, target, quiet, check=served)
    with pytest.raises(ConfigError, match="holds a part of another one"):
        target.migrate()
    steps: list[tuple[str, int, int]] = []
    transfer(source, target, lambda *step: steps.append(step))
    total = steps[-1][2]
    assert (("copy", total, total) in steps, steps[-1]) == (True, ("verify", total, total))
    assert content(source) == content(target)
    target.migrate()


def test_a_row_that_is_missing_or_changed_is_noticed(
    pair: tuple[Database, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = pair
    name = "_copy_sqlite" if target.engine == "sqlite" else "_copy_postgres"
    copy = getattr(module, name)

    def drop(database: Database, table: Any, rows: Iterator[Any]) -> None:
        copy(database, table, (row for n, row in enumerate(rows) if table.name != "room_event" or n != 3))

    with monkeypatch.context() as patch:
        patch.setattr(module, name, drop)
        with pytest.raises(StartFailed, match="room_event is not the same in both databases: 12 rows, 11"):
            transfer(source, target, quiet)
    with pytest.raises(ConfigError, match="holds a part of another one"):
        target.migrate()


def test_what_holds_something_is_not_written(pair: tuple[Database, Database]) -> None:
    source, target = pair
    with target.connection(readonly=False):
        target.run("CREATE TABLE someone_elses (x BIGINT)")
    with pytest.raises(ConfigError, match="is not empty"):
        transfer(source, target, quiet)
    with target.connection(readonly=True):
        assert target.db.get_tables() == ["someone_elses"]


def test_what_was_moved_is_not_written_again(pair: tuple[Database, Database]) -> None:
    source, target = pair
    transfer(source, target, quiet)
    with pytest.raises(ConfigError, match="is not empty"):
        transfer(source, target, quiet)


def test_a_source_that_is_none_is_refused(tmp_path: Path) -> None:
    source, target = Database(f"sqlite:///{tmp_path}/a.db"), Database(f"sqlite:///{tmp_path}/b.db")
    with pytest.raises(ConfigError, match="no tables of chatd's"):
        transfer(source, target, quiet)


def test_a_hash_does_not_depend_on_the_order(filled: Path, tmp_path: Path) -> None:
    one, two = RowEncoder("ti"), RowEncoder("ti")
    for encoder, rows in ((one, [("a", 1), ("b", None)]), (two, [("b", None), ("a", 1)])):
        for row in rows:
            encoder.encode(row)
    other = RowEncoder("ti")
    other.encode(("a", 1))
    assert one.hash == two.hash != other.hash
    assert Transferred("t", one.count, one.hash) == Transferred("t", two.count, two.hash)

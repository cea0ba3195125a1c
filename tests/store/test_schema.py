"""A database of another chatd: one of a release is opened and goes on, any other is refused before
it fails at a column."""

import sys
from pathlib import Path

import pytest

from chatd import __version__
from chatd.default.messages.history import GetHistory
from chatd.default.rooms.store import CreateRoom, GetRoom
from chatd.errors import ConfigError
from chatd.store.database import Database
from chatd.store.migration import fingerprint
from tests import fork_server
from tests.store.driver import Store, event, send
from tests.store.release import payload, stored, unpack


def test_this_release_is_among_those_stored() -> None:
    assert __version__ in [path.name.removesuffix(".db.gz") for path in stored()], (
        "python -m tests.store.release"
    )


@pytest.mark.parametrize("release", stored(), ids=lambda path: path.name.removesuffix(".db.gz"))
def test_a_release_s_database_is_opened_and_goes_on(release: Path, tmp_path: Path) -> None:
    uri = unpack(release, tmp_path / "chatd.db")
    Database(uri).check()
    Database(uri).migrate()
    store = Store(uri)
    room, members, _ = store.ask(GetRoom("r"))
    assert (room.name, room.head_seq, len(members)) == ("Room", 12, 2)
    assert len(store.ask(GetHistory("r", "alice", False, 0, 100))[0]) == 12
    bob = store.open("bob", "phone")
    assert [(run.first_seq, run.last_seq) for run in store.owed(bob).runs] == [(6, 12)]
    (again,) = store.do(send("alice", event("r", "e0", payload("line 0"))))
    assert (again.seq, again.duplicate) == (2, True)
    (new,) = store.do(send("alice", event("r", "new")))
    assert new.seq == 13
    store.do(CreateRoom("s", "", "bob", ("alice",)))
    store.close()


def change(uri: str, *statements: str) -> None:
    database = Database(uri)
    with database.connection(readonly=False):
        for statement in statements:
            database.run(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE schema_fingerprint",
        "DELETE FROM schema_fingerprint",
        "UPDATE schema_fingerprint SET fingerprint = 'of another schema'",
    ],
)
def test_a_schema_between_releases_is_refused(db_uri: str, statement: str) -> None:
    change(db_uri, statement)
    with pytest.raises(ConfigError, match="made by a version between releases"):
        Database(db_uri).migrate()


def test_a_process_says_so_and_ends_with_2(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/chatd.db"
    Database(uri).migrate()
    change(uri, "DROP TABLE schema_fingerprint")
    environment = {"CHATD_DATA_DIR": str(tmp_path), "GATEWAY_URI": "tcp://127.0.0.1:*"}
    done = fork_server.run(
        [sys.executable, "-m", "chatd", "all"], env={**fork_server.bare_environment(), **environment}
    )
    assert done.returncode == 2
    assert "let DB_URI name a new database" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_fingerprint_is_stored_once(db_uri: str) -> None:
    Database(db_uri).migrate()
    database = Database(db_uri)
    with database.connection(readonly=True):
        assert database.rows("SELECT fingerprint FROM schema_fingerprint") == [
            (fingerprint(["0001_initial"]),)
        ]


def test_a_first_start_that_is_cut_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The schema and its fingerprint are there together, or neither: a start after a kill between
    them would be refused for ever."""
    uri = f"sqlite:///{tmp_path}/new.db"

    class Killed(BaseException):
        pass

    def kill(names: object) -> str:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("chatd.store.migration.fingerprint", kill)
        with pytest.raises(Killed):
            Database(uri).migrate()
    Database(uri).migrate()

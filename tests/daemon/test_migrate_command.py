"""chatd migrate --from … --to …, as a process."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chatd.client import Client
from chatd.store.database import Database
from tests.daemon.test_process import chatd
from tests.daemons import Daemon, operator_token
from tests.databases import Cluster
from tests.store.release import fill


def known_rows(uri: str) -> int:
    """The number of events that PostgreSQL's planner knows of, -1 if it guesses."""
    database = Database(uri)
    with database.connection(readonly=True):
        ((rows,),) = database.rows(
            "SELECT reltuples::bigint FROM pg_class WHERE oid = 'room_event'::regclass"
        )
    return int(rows)


@contextmanager
def without_statistics(uri: str) -> Iterator[str]:
    """An address of the database where nobody can make statistics, and all else can be done."""
    holder = Database(uri)
    with holder.connection(readonly=False):
        holder.run("CREATE SCHEMA other")
        holder.run("CREATE TABLE other.held (id INT)")
        holder.begin()
        holder.run("LOCK TABLE other.held IN SHARE UPDATE EXCLUSIVE MODE")
        yield f"{uri}&options=-c%20lock_timeout%3D20"
        holder.roll_back()


async def test_a_database_moves_to_postgres_and_is_served_there(postgres: Cluster, tmp_path: Path) -> None:
    new = postgres.uri(postgres.new_database())
    old = f"sqlite:///{tmp_path}/chatd.db"
    where = {"CHATD_DATA_DIR": str(tmp_path)}
    with Daemon("all", tmp_path) as daemon:
        token = operator_token(tmp_path)
        async with Client(daemon.uri, token, profile="alice") as alice:
            await alice.create_room("r")
            await alice.send("r", "one")
        served = chatd("migrate", "--from", old, "--to", new, **where)
        assert (served.returncode, "is in use by chatd all" in served.stderr) == (1, True)
    moved = chatd("migrate", "--from", old, "--to", new, "--json", **where)
    assert moved.returncode == 0, moved.stderr
    assert json.loads(moved.stdout)["room_event"]["rows"] == 2
    assert moved.stderr == ""
    assert known_rows(new) == 2
    daemon = Daemon("all", tmp_path, {"DB_URI": new})
    with daemon:
        async with Client(daemon.uri, token, profile="alice") as alice:
            assert (await alice.send("r", "two")).seq == 3
        assert "holds another log" not in daemon.log.read_text(), "it is the same log"
        back = chatd("migrate", "--from", new, "--to", f"sqlite:///{tmp_path}/back.db", **where)
        assert (back.returncode, "node all serves the database" in back.stderr) == (1, True)
    back = chatd("migrate", "--from", new, **where, DB_URI=f"sqlite:///{tmp_path}/back.db")
    assert back.returncode == 0, back.stderr
    assert ["room_event", "3"] in [line.split("\t")[:2] for line in back.stdout.splitlines()]


def test_a_move_without_statistics_is_done(postgres: Cluster, tmp_path: Path) -> None:
    """And so is a mark; what is left to do is said."""
    old, new = f"sqlite:///{tmp_path}/chatd.db", postgres.uri(postgres.new_database())
    where = {"CHATD_DATA_DIR": str(tmp_path)}
    fill(old)
    with without_statistics(new) as hindered:
        for command in (("migrate", "--from", old), ("restore", "--mark", "--yes")):
            done = chatd(*command, **where, DB_URI=hindered)
            assert done.returncode == 0, done.stderr
            assert done.stdout
            warning = done.stderr.splitlines()[-1]
            assert "warning: the database has no statistics" in warning
            assert "run: psql --dbname=" in warning
    assert known_rows(new) == -1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--to", "sqlite:////tmp/x.db"], "--to belongs to --from"),
        (["--from", "mysql://x"], "--from must be sqlite"),
        (["--from", "postgresql://u:pw@localhost/x"], "--from holds a password, which others see"),
        (["--from", "{uri}", "--to", "{uri}"], "are the same database"),
    ],
)
def test_what_is_wrong_is_a_line(tmp_path: Path, arguments: list[str], says: str) -> None:
    uri = f"sqlite:///{tmp_path}/chatd.db"
    fill(uri)
    done = chatd("migrate", *(one.format(uri=uri) for one in arguments), CHATD_DATA_DIR=str(tmp_path))
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert says in done.stderr
    assert "pw" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_no_database_is_made_for_one_that_is_not_there(tmp_path: Path) -> None:
    old, new = f"sqlite:///{tmp_path}/none.db", f"sqlite:///{tmp_path}/new.db"
    done = chatd("migrate", "--from", old, "--to", new, CHATD_DATA_DIR=str(tmp_path))
    assert (done.returncode, done.stderr) == (1, f"chatd: there is no database at {tmp_path}/none.db\n")
    assert list(tmp_path.iterdir()) == []

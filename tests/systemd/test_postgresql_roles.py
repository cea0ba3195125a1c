"""chatd on a PostgreSQL whose schema another role owns, by the file that is shipped."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatd.client import HEAD, Client
from chatd.errors import StoreFailed
from chatd.store.database import Database
from tests.daemon.test_process import chatd
from tests.daemons import Daemon, operator_token
from tests.databases import Cluster, cluster

FILE = Path(__file__).parents[2] / "systemd/postgresql-roles.sql"


@pytest.fixture(scope="module")
def server(postgres: Cluster) -> Iterator[Cluster]:
    """A cluster that has neither role yet."""
    with cluster(user="postgres") as running:
        assert running is not None
        yield running


def make_roles(server: Cluster, database: str) -> None:
    program = [str(server.binaries / "psql"), "-v", "ON_ERROR_STOP=1"]
    place = ["-h", str(server.folder), "-U", server.user, "-d", database]
    subprocess.run([*program, *place, "-f", str(FILE)], check=True, capture_output=True)


def uri(server: Cluster, role: str, database: str) -> str:
    return f"postgresql://{role}@/{database}?host={server.folder}"


def as_superuser(server: Cluster, name: str, *statements: str) -> None:
    database = Database(server.uri(name))
    with database.connection(readonly=False):
        for statement in statements:
            database.run(statement)


async def test_chatd_serves_as_a_role_that_can_do_nothing_else(server: Cluster, tmp_path: Path) -> None:
    name = server.new_database("template1")
    make_roles(server, name)
    node = Daemon("all", tmp_path, {"DB_URI": uri(server, "chatd", name)})
    refused = chatd("default", CHATD_DATA_DIR=str(tmp_path), DB_URI=node.settings["DB_URI"])
    assert refused.returncode == 1
    assert "run `chatd migrate` with the role that owns it" in refused.stderr
    for _ in range(2):
        done = chatd("migrate", CHATD_DATA_DIR=str(tmp_path), DB_URI=uri(server, "chatd_owner", name))
        assert (done.returncode, done.stdout) == (0, "the schema is up to date\n"), done.stderr
        make_roles(server, name)
    with node as daemon:
        async with Client(daemon.uri, operator_token(tmp_path), profile="alice") as alice:
            await alice.create_room("r", profiles=["bob"])
            async with Client(daemon.uri, operator_token(tmp_path), profile="bob") as bob:
                async with bob.stream("d", start=HEAD) as stream:
                    await stream.opened()
                    sent = await alice.send("r", "x", mentions=["bob"])
                    async for delivery in stream:
                        if delivery.seq == sent.seq:
                            break
                await bob.set_push("d", "log")
                assert (await bob.set_read_marker("r", sent.seq)).seq == sent.seq
            assert len((await alice.history("r"))[0]) == 2
            await alice.remove_members("r", ["bob"])
    assert "denied" not in node.log.read_text()

    as_superuser(server, name, "CREATE SCHEMA other", "CREATE TABLE other.kept (x TEXT)")
    database = Database(uri(server, "chatd", name))
    for statement in (
        "DROP TABLE room",
        "TRUNCATE room",
        "ALTER TABLE room ADD COLUMN x TEXT",
        "CREATE TABLE mine (x TEXT)",
        "CREATE TEMPORARY TABLE mine (x TEXT)",
        "CREATE SCHEMA mine",
        "CREATE ROLE mine",
        "CREATE DATABASE mine",
        "SELECT * FROM other.kept",
        "SELECT * FROM pg_authid",
        "UPDATE schema_fingerprint SET fingerprint = ''",
        "DELETE FROM schema_migration",
        "COPY room TO PROGRAM 'cat'",
        "SELECT pg_read_file('/etc/passwd')",
    ):
        with database.connection(readonly=False), pytest.raises(StoreFailed) as stopped:
            database.run(statement)
        assert any(word in stopped.value.detail for word in ("denied", "must be")), stopped.value.detail

    marked = chatd(
        "restore", "--mark", "--yes", CHATD_DATA_DIR=str(tmp_path), DB_URI=uri(server, "chatd", name)
    )
    assert (marked.returncode, marked.stdout[:5]) == (0, "log: "), marked.stderr


def test_a_database_that_chatd_has_owned_is_taken_over(server: Cluster, tmp_path: Path) -> None:
    name = server.new_database("template1")
    make_roles(server, name)
    as_superuser(server, name, "GRANT CREATE ON SCHEMA public TO chatd")
    Database(uri(server, "chatd", name)).migrate()
    make_roles(server, name)
    database = Database(uri(server, "chatd", name))
    database.migrate()
    with database.connection(readonly=False):
        assert database.rows("SELECT COUNT(*) FROM outbox_entry") == [(0,)]
        with pytest.raises(StoreFailed):
            database.run("DROP TABLE room")

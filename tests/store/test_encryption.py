"""TLS to a PostgreSQL whose certificate is signed by a test's own authority."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import psycopg2
import pytest

from chatd.client import Client
from chatd.errors import ConfigError, Unavailable
from chatd.store.database import Database
from chatd.store.encryption import clear_text_fault
from tests.certificates import Authority
from tests.daemon.test_process import chatd
from tests.daemons import Daemon, free_port, operator_token
from tests.databases import Cluster, cluster

RULES = """
local all all trust
hostssl all guest 127.0.0.1/32 cert
hostssl all all 127.0.0.1/32 scram-sha-256
"""


@dataclass
class Server:
    """A server that others than its own machine's sockets reach over TLS only."""

    port: int
    authority: Authority
    stranger: Authority
    folder: Path

    def uri(self, place: str = "chatd:secret@localhost", **parameters: object) -> str:
        return f"postgresql://{place}:{self.port}/chatd?{urlencode(parameters)}"


@pytest.fixture(scope="module")
def server(postgres: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("certificates")
    authority, stranger = Authority(folder, "authority"), Authority(folder, "stranger")
    authority.issue("server", "localhost")
    authority.issue("guest")
    port = free_port()
    with cluster(f"-c listen_addresses=127.0.0.1 -c port={port}") as running:
        assert running is not None
        data = running.folder / "data"
        for name in ("server.crt", "server.key", "authority.crt"):
            shutil.copy(folder / name, data / name)
            if os.getuid() == 0:
                shutil.chown(data / name, "nobody", "nogroup")
        (data / "server.key").chmod(0o600)
        (data / "pg_hba.conf").write_text(RULES)
        with (data / "postgresql.conf").open("a") as settings:
            settings.write("ssl = on\nssl_ca_file = 'authority.crt'\n")
        running.restart()
        connection = psycopg2.connect(host=str(running.folder), port=port, user="chatd", dbname="postgres")
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("ALTER ROLE chatd PASSWORD 'secret'")
            cursor.execute("CREATE ROLE guest LOGIN")
            cursor.execute("CREATE DATABASE chatd")
        connection.close()
        yield Server(port, authority, stranger, folder)


async def test_a_daemon_serves_over_a_verified_connection(server: Server, tmp_path: Path) -> None:
    uri = server.uri(sslmode="verify-full", sslrootcert=server.authority.root)
    with Daemon("all", tmp_path, {"DB_URI": uri}) as daemon:
        async with Client(daemon.uri, operator_token(tmp_path), profile="alice") as alice:
            await alice.create_room("r")
            assert (await alice.send("r", "x")).seq == 2
        database = Database(server.uri(sslmode="require"))
        with database.connection(readonly=True):
            sessions = database.rows(
                "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
                "WHERE application_name = 'chatd' AND pid <> pg_backend_pid()"
            )
    assert sessions
    assert set(sessions) == {(True,)}


def test_a_client_certificate_is_shown(server: Server) -> None:
    files: dict[str, object] = {"sslcert": server.folder / "guest.crt", "sslkey": server.folder / "guest.key"}
    database = Database(
        server.uri(
            "guest@localhost",
            sslmode="verify-full",
            sslrootcert=server.authority.root,
            **files,
        )
    )
    with database.connection(readonly=True):
        assert database.rows("SELECT current_user") == [("guest",)]
    with pytest.raises(Unavailable, match="does not answer") as refused:
        Database(
            server.uri("guest@localhost", sslmode="verify-full", sslrootcert=server.authority.root)
        ).check()
    assert "valid client certificate" in refused.value.detail


@pytest.mark.parametrize(
    ("host", "parameters", "said"),
    [
        ("localhost", {"sslmode": "verify-full", "sslrootcert": "stranger.crt"}, "certificate verify failed"),
        ("localhost", {"sslmode": "verify-full", "sslrootcert": "none.crt"}, "none.crt"),
        ("127.0.0.1", {"sslmode": "verify-full", "sslrootcert": "authority.crt"}, "does not match host name"),
        ("localhost", {"sslmode": "disable"}, "no encryption"),
    ],
    ids=["another authority", "no such file", "another host", "in the clear"],
)
def test_a_connection_that_fails_says_why_in_a_line(
    server: Server, tmp_path: Path, host: str, parameters: dict[str, str], said: str
) -> None:
    if "sslrootcert" in parameters:
        parameters = parameters | {"sslrootcert": str(server.folder / parameters["sslrootcert"])}
    done = chatd(
        "default", CHATD_DATA_DIR=str(tmp_path), DB_URI=server.uri(f"chatd:secret@{host}", **parameters)
    )
    assert done.returncode == 1
    (line,) = (line for line in done.stderr.splitlines() if not line.startswith("{"))
    assert line.startswith("chatd: the database does not answer: ")
    assert said in line
    assert "secret" not in done.stderr


@pytest.mark.parametrize(
    "place",
    [
        "u:c4nary@192.0.2.1/chatd",
        "u:c4nary@database.example/chatd",
        "u:c4nary@localhost,[2001:db8::1]/chatd",
        "u:c4nary@/chatd?host=database.example",
        "u:c4nary@localhost/chatd?hostaddr=192.0.2.1",
        "u:c4nary@/chatd?service=elsewhere",
    ],
)
def test_nothing_goes_to_another_machine_in_the_clear(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = f"postgresql://{place}"
    sign = "&" if "?" in uri else "?"
    for mode in ("", "disable", "allow", "prefer"):
        with pytest.raises(ConfigError, match="in the clear") as refused:
            Database(f"{uri}{sign}sslmode={mode}" if mode else uri)
        assert "c4nary" not in str(refused.value)
    for mode in ("require", "verify-ca", "verify-full"):
        assert clear_text_fault(f"{uri}{sign}sslmode={mode}") == ""
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    assert clear_text_fault(uri) == ""
    assert clear_text_fault(f"{uri}{sign}sslmode=prefer")


@pytest.mark.parametrize(
    "place",
    [
        "/chatd",
        "u@/chatd?host=/run/postgresql",
        "u@/chatd?host=@postgresql",
        "u@localhost/chatd",
        "u@127.0.0.1:5433/chatd",
        "u@[::1]/chatd",
        "u@database.example/chatd?hostaddr=127.0.0.1",
        "u@localhost/chatd?service=elsewhere",
    ],
)
def test_on_this_machine_it_may(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert clear_text_fault(f"postgresql://{place}") == ""
    monkeypatch.setenv("PGHOSTADDR", "192.0.2.1")
    assert bool(clear_text_fault("postgresql://u@localhost/chatd")), "libpq would go there"


def test_an_address_in_the_clear_is_a_setting_that_never_works(tmp_path: Path) -> None:
    done = chatd("default", CHATD_DATA_DIR=str(tmp_path), DB_URI="postgresql://u:c4nary@192.0.2.1/chatd")
    assert done.returncode == 2
    assert done.stderr.startswith("chatd: DB_URI: names '192.0.2.1', which is not this machine")
    assert "c4nary" not in done.stderr + done.stdout

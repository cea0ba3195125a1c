"""Fixtures every test may use: databases, fresh and migrated, of both engines."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from chatd.store.database import Database
from tests import fork_server
from tests.brokers import end_shared
from tests.daemons import Daemon
from tests.databases import HOW_TO_INSTALL, Cluster, cluster

# Shells start what runs in the background with SIGINT ignored, and what is ignored is inherited:
# tests interrupt processes.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The tests start hundreds of processes. Without bytecode each of them compiles all that it imports.
if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
    os.environ.setdefault("PYTHONPYCACHEPREFIX", str(Path(__file__).parents[1] / "build" / "bytecode"))
    sys.dont_write_bytecode = False
    sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"]

# Two daemons cannot have one port: those of tests speak HTTP where a test says so.
os.environ.setdefault("HTTP_URI", "off")

Daemon.popen = fork_server.Popen

# structlog would render a traceback with all local variables, for a second of CPU.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)


def pytest_itemcollected(item: pytest.Item) -> None:
    """``-k "not postgres"`` leaves out every test that starts PostgreSQL, also one whose name does
    not say so."""
    if "postgres_cluster" in getattr(item, "fixturenames", ()):
        item.extra_keyword_matches.add("postgres")


@pytest.fixture(scope="session", autouse=True)
def _brokers_end() -> Iterator[None]:
    yield
    end_shared()


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Cluster | None]:
    with cluster() as running:
        if running is not None:
            Database(running.uri(running.new_database())).migrate()  # t1: the template of every test's own
        yield running


@pytest.fixture(params=["sqlite", "postgres"])
def db_uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URI of a database of this test's own, on each engine."""
    if request.param == "sqlite":
        return new_sqlite(tmp_path)
    return request.getfixturevalue("postgres_uri")  # type: ignore[no-any-return]


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def shared_db_uri(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URI of a database that a module's tests share, on each engine."""
    if request.param == "sqlite":
        return new_sqlite(tmp_path_factory.mktemp("sqlite"))
    postgres: Cluster = request.getfixturevalue("postgres")
    return postgres.uri(postgres.new_database("t1"))


def new_sqlite(folder: Path) -> str:
    """The URI of a migrated database in the folder."""
    uri = f"sqlite:///{folder}/chatd.db"
    Database(uri).migrate()
    return uri


@pytest.fixture(scope="session")
def postgres(postgres_cluster: Cluster | None) -> Cluster:
    """The cluster, or a skip; in CI a failure."""
    if postgres_cluster is None:
        if os.environ.get("CI"):
            pytest.fail(HOW_TO_INSTALL)
        pytest.skip(HOW_TO_INSTALL)
    return postgres_cluster


@pytest.fixture
def postgres_uri(postgres: Cluster) -> str:
    """A PostgreSQL database of this test's own."""
    return postgres.uri(postgres.new_database("t1"))

"""A node whose database has gone away does not begin with an empty one in its place."""

import json
from pathlib import Path

import pytest

from chatd.store.database import Database
from tests.daemon.test_process import chatd
from tests.daemons import Daemon
from tests.databases import Cluster


def refused(daemon: Daemon) -> str:
    """The line that it ends with; systemd tries again."""
    done = chatd(daemon.mode, **daemon.settings)
    assert done.returncode == 1, done.stderr
    (said,) = (line for line in done.stderr.splitlines() if not line.startswith("{"))
    return said


def log_of(daemon: Daemon) -> str:
    """The log that the data directory names."""
    found = json.loads((daemon.folder / f"log-{daemon.settings['NODE_ID']}.json").read_text())
    return str(found["incarnation"])


def stored(uri: str) -> str:
    database = Database(uri)
    with database.connection(readonly=True):
        return str(database.rows("SELECT incarnation FROM log")[0][0])


@pytest.mark.parametrize("left", ["nothing", "an empty file", "an empty database"])
def test_an_empty_database_is_not_taken_for_the_one_that_was_there(tmp_path: Path, left: str) -> None:
    daemon = Daemon("all", tmp_path)
    with daemon:
        pass
    file, away = tmp_path / "chatd.db", tmp_path / "away.db"
    name = log_of(daemon)
    file.rename(away)
    if left == "an empty file":
        file.touch()
    elif left == "an empty database":
        Database(f"sqlite:///{file}").check()
    said = refused(daemon)
    assert said == (
        f"chatd: the database sqlite:///{file} is empty, but {tmp_path}/log-all.json says that this node has had "
        f"another one: bring that one back, or remove {tmp_path}/log-all.json to begin with an empty log"
    )
    assert file.exists() == (left != "nothing"), "nothing was made that stands in its way"
    away.rename(file)
    with daemon:
        assert log_of(daemon) == name == stored(f"sqlite:///{file}")


def test_whoever_removes_the_file_begins_with_an_empty_log(tmp_path: Path) -> None:
    daemon = Daemon("all", tmp_path)
    with daemon:
        before = log_of(daemon)
    for file in tmp_path.glob("chatd.db*"):
        file.unlink()
    refused(daemon)
    (tmp_path / "log-all.json").unlink()
    with daemon:
        assert log_of(daemon) == stored(f"sqlite:///{tmp_path}/chatd.db") != before


def test_a_database_with_another_log_is_accepted_and_said(tmp_path: Path) -> None:
    other = Daemon("all", tmp_path / "other")
    with other:
        pass
    daemon = Daemon("all", tmp_path / "data")
    with daemon:
        pass
    (other.folder / "chatd.db").rename(daemon.folder / "chatd.db")
    with daemon:
        now = log_of(daemon)
        assert now == stored(f"sqlite:///{daemon.folder}/chatd.db")
    said = [line for line in daemon.log.read_text().splitlines() if "holds another log than before" in line]
    assert len(said) == 1
    assert json.loads(said[0])["incarnation"] == now


def test_an_empty_postgres_is_refused_too(postgres: Cluster, tmp_path: Path) -> None:
    daemon = Daemon("default", tmp_path, {"DB_URI": postgres.uri(postgres.new_database())})
    with daemon:
        pass
    daemon.settings["DB_URI"] = postgres.uri(postgres.new_database())
    assert "says that this node has had another one" in refused(daemon)


def test_a_gateway_has_no_database_and_no_such_file(tmp_path: Path) -> None:
    with Daemon("default", tmp_path), Daemon("gateway", tmp_path):
        pass
    assert [file.name for file in tmp_path.glob("log-*")] == ["log-default.json"]


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"incarnation": "x"}'])
def test_a_file_that_names_no_log_is_said(tmp_path: Path, content: str) -> None:
    daemon = Daemon("all", tmp_path)
    (tmp_path / "log-all.json").write_text(content)
    assert f"{tmp_path}/log-all.json does not name a log" in refused(daemon)

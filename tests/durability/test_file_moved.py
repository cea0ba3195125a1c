"""SQLite's file is moved, removed or replaced under a running node: nothing is acknowledged that
the next start would not find."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from chatd.client import Client
from chatd.errors import ChatdError
from chatd.store.database import Database
from tests.daemons import Daemon, operator_token


def move(data: Path) -> Callable[[], None]:
    (data / "chatd.db").rename(data / "elsewhere.db")
    return lambda: put_back(data / "elsewhere.db", data / "chatd.db")


def remove(data: Path) -> Callable[[], None]:
    (data / "kept.db").hardlink_to(data / "chatd.db")
    (data / "chatd.db").unlink()
    return lambda: put_back(data / "kept.db", data / "chatd.db")


def replace(data: Path) -> Callable[[], None]:
    """As a restore does it, or an editor."""
    (data / "kept.db").hardlink_to(data / "chatd.db")
    shutil.copy(data / "chatd.db", data / "copy.db")
    (data / "copy.db").replace(data / "chatd.db")
    return lambda: put_back(data / "kept.db", data / "chatd.db")


def remove_the_log(data: Path) -> Callable[[], None]:
    (data / "kept-wal").hardlink_to(data / "chatd.db-wal")
    (data / "chatd.db-wal").unlink()
    return lambda: put_back(data / "kept-wal", data / "chatd.db-wal")


def move_the_folder(data: Path) -> Callable[[], None]:
    data.rename(data.with_name("moved"))

    def back() -> None:
        shutil.rmtree(data, ignore_errors=True)
        data.with_name("moved").rename(data)

    return back


def put_back(kept: Path, path: Path) -> None:
    path.unlink(missing_ok=True)
    kept.rename(path)


MOVES = [move, remove, replace, remove_the_log, move_the_folder]


@pytest.mark.parametrize("fault", MOVES)
async def test_nothing_is_acknowledged_any_more_and_the_node_stops(
    tmp_path: Path, fault: Callable[[Path], Callable[[], None]]
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    settings = {"DB_URI": f"sqlite:///{data}/chatd.db"}
    with Daemon("all", tmp_path, settings) as daemon:
        assert daemon.process is not None
        async with Client(daemon.uri, operator_token(tmp_path), profile="alice", call_timeout=1) as alice:
            await alice.create_room("r")
            acked = [(await alice.send("r", "x", event_id=f"e{number}")).seq for number in range(10)]
            put_it_back = fault(data)
            with pytest.raises(ChatdError):
                await alice.send("r", "x", event_id="too late")
        assert await asyncio.to_thread(daemon.process.wait, 20) == 1
        assert "The node cannot go on; stopping" in daemon.log.read_text()
        put_it_back()
        database = Database(f"sqlite:///{data}/chatd.db")
        with database.connection(readonly=True):
            stored = dict(database.rows("SELECT event_id, seq FROM room_event"))
        assert [stored[f"e{number}"] for number in range(10)] == acked


def test_a_node_that_stores_nothing_stops_within_a_lease(tmp_path: Path) -> None:
    with Daemon("all", tmp_path, {"NODE_LEASE_SECONDS": 1.5}) as daemon:
        assert daemon.process is not None
        put_it_back = move(tmp_path)
        assert daemon.process.wait(10) == 1
        put_it_back()

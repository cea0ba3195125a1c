"""SQLite's log grows while another process reads, says so, and is small again afterwards."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatd.default.messages.model import NewEvent
from chatd.default.rooms.store import CreateRoom
from chatd.store.database import Database
from chatd.store.sqlite_file import WAL_KEPT_BYTES, WAL_STARVED_BYTES
from tests.store.driver import Store, send

STARVED = "keeps it from being checkpointed"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    uri = f"sqlite:///{tmp_path}/chatd.db"
    Database(uri).migrate()
    running = Store(uri)
    running.do(CreateRoom("r", "", "alice", ()))
    yield running
    running.close()


def large(number: int) -> NewEvent:
    return NewEvent(f"e{number}", "r", 1, bytes(1_000_000), b"")


def test_a_log_that_a_reader_has_blocked_is_cut_back(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wal = tmp_path / "chatd.db-wal"
    reader = sqlite3.connect(tmp_path / "chatd.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT COUNT(*) FROM room").fetchall()
    number = 0
    while wal.stat().st_size <= WAL_STARVED_BYTES + 4_000_000:
        number += 1
        store.do(send("alice", large(number)))
        assert number < 200
    assert capsys.readouterr().out.count(STARVED) == 1, "one line, however many commits follow"
    reader.execute("COMMIT")
    reader.close()
    for extra in range(4):
        store.do(send("alice", large(1_000 + extra)))
    assert wal.stat().st_size <= WAL_KEPT_BYTES
    assert capsys.readouterr().out.count("checkpointed again") == 1


def test_a_log_that_nobody_blocks_stays_small(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(80):
        store.do(send("alice", large(number)))
    assert (tmp_path / "chatd.db-wal").stat().st_size <= WAL_KEPT_BYTES
    assert STARVED not in capsys.readouterr().out

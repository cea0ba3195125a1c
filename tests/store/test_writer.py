"""The writer: one transaction for all that waits, and an answer for each command whatever
happens."""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import peewee
import pytest

from chatd.default.messages.history import GetHistory
from chatd.default.rooms.membership import AddSubscriptions
from chatd.default.rooms.store import CreateRoom, GetRoom
from chatd.errors import (
    AlreadyExists,
    ChatdError,
    Internal,
    NotAMember,
    RoomNotFound,
    StoreFailed,
    Unavailable,
)
from chatd.store.command import NO_LOCKS, Command, Locks
from chatd.store.commit_window import CommitWindow
from chatd.store.database import Database
from chatd.store.database_errors import CommitUnknown, DiskFull
from chatd.store.transaction import Transaction
from tests.store.driver import Store, event, send


@dataclass(frozen=True, slots=True)
class Fails(Command[None]):
    """Changes a room, and then raises: an error, or a programming error."""

    error: Exception

    def locks(self) -> Locks:
        return NO_LOCKS

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[Fails]) -> list[None]:
        transaction.database.run("UPDATE room SET name = 'changed'")
        raise commands[0].error


def test_one_refused_command_of_each_kind_leaves_the_batch_whole(store: Store) -> None:
    results = store.many(
        [
            CreateRoom("r", "", "eve", ()),
            CreateRoom("s", "", "alice", ()),
            send("alice", event("s", "1")),
            AddSubscriptions("s", ("eve",), "eve", False),
            send("alice", event("s", "2")),
        ]
    )
    assert [isinstance(result, ChatdError) for result in results] == [True, False, False, True, False]
    assert len(store.ask(GetHistory("s", "alice", False, 0, 10))[0]) == 3


def test_all_that_waits_is_one_transaction(store: Store) -> None:
    store.batches = 0
    store.many([CreateRoom(f"r{number}", "", "alice", ()) for number in range(200)])
    assert store.batches < 50
    assert len(store.database.rows("SELECT 1 FROM room")) == 201


def test_what_comes_while_the_commit_window_is_open_is_one_transaction(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, submitted = threading.Event(), threading.Event()

    def promised(window: CommitWindow) -> int:
        opened.set()
        submitted.wait(20)
        return 0

    monkeypatch.setattr(CommitWindow, "promised", promised)
    results: queue.SimpleQueue[object] = queue.SimpleQueue()
    store.batches = 0
    store.writer.submit(CreateRoom("s", "", "alice", ()), results.put)
    assert opened.wait(20)
    store.writer.submit(CreateRoom("t", "", "alice", ()), results.put)
    submitted.set()
    assert [results.get(timeout=20) for _ in range(2)]
    assert store.batches == 1


def test_a_fault_in_a_command_changes_nothing_and_the_writer_lives_on(store: Store) -> None:
    with pytest.raises(Internal, match="ZeroDivisionError"):
        store.do(Fails(ZeroDivisionError()))
    assert store.ask(GetRoom("r"))[0].name == ""
    store.do(send("alice", event("r", "e")))
    assert store.stopped_with == []


def test_a_fault_in_a_command_that_is_applied_alone_leaves_the_writer_alive(store: Store) -> None:
    """After a deadlock each command of the batch is applied by itself."""
    results = store.many(
        [CreateRoom("s", "", "alice", ()), Fails(peewee.OperationalError("deadlock")), Fails(KeyError("k"))]
    )
    assert {type(result) for result in results[1:]} <= {StoreFailed, Internal}
    store.do(send("alice", event("r", "e")))


def test_a_failed_transaction_keeps_the_changes_of_no_command(store: Store) -> None:
    """Rooms made in the transaction of the command that fails go with it, and their callers are
    told so."""
    results = store.many(
        [
            CreateRoom("s", "", "alice", ()),
            Fails(DiskFull("the disk is full")),
            CreateRoom("t", "", "alice", ()),
        ]
    )
    assert any(isinstance(result, StoreFailed) for result in results)
    assert store.ask(GetRoom("r"))[0].name == ""
    there = {room_id for (room_id,) in store.database.rows("SELECT room_id FROM room")}
    answered = {result.room_id for result in results if not isinstance(result, ChatdError)}
    assert there == {"r"} | answered, "a caller that was told of success has its room, and no other"


@pytest.mark.parametrize("bad", ["room\ud800", "room\0"])
def test_only_the_guilty_command_of_a_batch_fails(store: Store, bad: str) -> None:
    """Neither engine takes a lone surrogate, PostgreSQL no NUL: as the name of a row to lock, as a
    row to write, and as a fault of the code."""
    if store.database.engine == "sqlite" and "\0" in bad:
        pytest.skip("SQLite's text may hold a NUL")
    guilty = [
        AddSubscriptions(bad, ("eve",), "eve", False),
        CreateRoom("s", bad, "eve", ()),
        Fails(KeyError("k")),
    ]
    innocent = [send("alice", event("r", str(number))) for number in range(20)]
    batch = [command for number, one in enumerate(guilty) for command in (*innocent[number * 5 :][:5], one)]
    results = store.many([*batch, *innocent[15:]])
    failed = [type(result) for result in results if isinstance(result, ChatdError)]
    assert failed == [Internal] * 3
    assert store.ask(GetRoom("r"))[0].head_seq == 1 + len(innocent)


def test_a_full_disk_is_told_without_trying_each_command(store: Store) -> None:
    full = DiskFull("the disk is full")
    results = store.many([Fails(full), *(send("alice", event("r", str(number))) for number in range(50))])
    assert isinstance(results[0], DiskFull)
    assert store.batches < 50


def test_after_a_commit_of_unknown_outcome_every_command_is_refused(store: Store) -> None:
    with pytest.raises(CommitUnknown):
        store.do(Fails(CommitUnknown("I/O error at COMMIT")))
    assert [type(error) for error in store.stopped_with] == [CommitUnknown]
    with pytest.raises(Unavailable, match="the node is stopping"):
        store.do(CreateRoom("s", "", "alice", ()))
    with pytest.raises(RoomNotFound):
        store.ask(GetRoom("s"))


def test_a_writer_whose_connection_has_ended_gets_a_new_one(
    nodes: tuple[Store, Store], postgres_uri: str
) -> None:
    store, _ = nodes
    store.do(CreateRoom("r", "", "alice", ()))
    killer = Database(postgres_uri)
    with killer.connection(readonly=True):
        killer.rows(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid()"
        )
    store.do(CreateRoom("s", "", "alice", ()))
    with pytest.raises(AlreadyExists):
        store.do(CreateRoom("s", "", "alice", ()))


def test_what_is_refused_leaves_no_trace(store: Store) -> None:
    """Not even the profile that a stranger names, which is locked before anything is looked at."""
    with pytest.raises(NotAMember):
        store.do(AddSubscriptions("r", ("zoe",), "eve", False))
    assert store.database.rows("SELECT 1 FROM profile WHERE profile_id = 'zoe'") == []
    store.do(AddSubscriptions("r", ("zoe",), "alice", False))
    assert store.database.rows("SELECT 1 FROM profile WHERE profile_id = 'zoe'") == [(1,)]

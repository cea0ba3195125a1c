"""The store as the event loop sees it: results come back on the loop, after the commit, each to its
own caller."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from chatd.default.rooms.model import Room
from chatd.default.rooms.store import CreateRoom, GetRoom, ListRooms
from chatd.errors import AlreadyExists, ChatdError, Internal, InvalidArgument, RoomNotFound, Unavailable
from chatd.store.access import MAX_WAITING, StoreAccess
from chatd.store.database import Database
from tests.databases import Cluster, cluster
from tests.store.driver import event, send


def make_access(uri: str) -> StoreAccess:
    return StoreAccess(
        asyncio.get_running_loop(),
        Database(uri),
        clock=lambda: 1_000_000,
        readers=1,
        broken=lambda error: None,
    )


async def until_answered(access: StoreAccess) -> None:
    """Nobody waits for a result any more."""
    async with asyncio.timeout(20):
        while access.waiting:
            await asyncio.sleep(0.002)


@pytest.fixture
async def access(db_uri: str) -> AsyncIterator[StoreAccess]:
    """Not started: what a test asks before it starts it is one batch."""
    made = make_access(db_uri)
    yield made
    made.stop()


async def test_results_of_commands_and_queries_come_on_the_loop(access: StoreAccess) -> None:
    access.start(lambda runs: None)
    heard: list[tuple[object, int]] = []
    access.write(
        CreateRoom("r", "", "alice", ("bob",)),
        lambda room: heard.append((room.room_id, threading.get_ident())),
    )
    await until_answered(access)
    access.ask(GetRoom("r"), lambda found: heard.append((found[0].member_count, threading.get_ident())))
    await until_answered(access)
    assert heard == [("r", threading.get_ident()), (2, threading.get_ident())]


async def test_refusals_come_to_the_caller_that_was_refused(access: StoreAccess) -> None:
    heard: list[object] = []
    for _ in range(2):
        access.write(CreateRoom("r", "", "alice", ()), heard.append, heard.append)
    access.ask(GetRoom("nowhere"), heard.append, heard.append)
    assert access.waiting == 3
    access.start(lambda runs: None)
    await until_answered(access)
    assert sorted(type(one).__name__ for one in heard) == sorted(
        kind.__name__ for kind in (Room, AlreadyExists, RoomNotFound)
    )


async def test_a_write_is_answered_after_its_commit(access: StoreAccess, db_uri: str) -> None:
    access.start(lambda runs: None)
    seen: list[object] = []

    def then(room: Room) -> None:
        other = Database(db_uri)
        with other.connection(readonly=True):
            seen.append(other.rows("SELECT room_id, head_seq FROM room"))

    access.write(CreateRoom("r", "", "alice", ()), then)
    await until_answered(access)
    assert seen == [[("r", 1)]]


async def test_committed_events_are_handed_on_after_their_senders_have_been_told(access: StoreAccess) -> None:
    heard: list[object] = []
    access.write(CreateRoom("r", "", "alice", ()), lambda room: heard.append("made"))
    access.write(
        send("alice", event("r", "1"), event("r", "2")),
        lambda stored: heard.append([one.seq for one in stored]),
    )
    access.write(CreateRoom("r", "", "alice", ()), heard.append, lambda error: heard.append("refused"))
    access.start(lambda runs: heard.append([(run.first_seq, run.last_seq) for run in runs]))
    await until_answered(access)
    assert heard == ["made", [2, 3], "refused", [(1, 1), (2, 3)]]
    assert (access.commits.value, access.events_committed.value) == (1, 3)


async def test_a_then_that_refuses_reaches_failed(access: StoreAccess) -> None:
    access.start(lambda runs: None)
    heard: list[ChatdError] = []

    def refuse(result: object) -> None:
        raise InvalidArgument("not like this")

    access.write(CreateRoom("r", "", "alice", ()), refuse, heard.append)
    await until_answered(access)
    access.ask(GetRoom("r"), refuse, heard.append)
    await until_answered(access)
    assert [(type(error), str(error)) for error in heard] == [(InvalidArgument, "not like this")] * 2


@pytest.mark.parametrize("kind", ["write", "ask"])
async def test_a_then_that_raises_fails_its_own_caller_and_no_other(access: StoreAccess, kind: str) -> None:
    """All three are one batch: the second one's fault keeps no result of the others, no run and no
    count."""
    heard: list[object] = []
    runs: list[object] = []

    def fail(result: object) -> None:
        raise ZeroDivisionError

    for number, then in enumerate((heard.append, fail, heard.append)):
        if kind == "write":
            access.write(CreateRoom(f"r{number}", "", "alice", ()), then, heard.append)
        else:
            access.ask(ListRooms("", 10), then, heard.append)
    with capture_logs() as logs:
        access.start(runs.extend)
        await until_answered(access)
    first, failure, last = heard
    assert isinstance(failure, Internal)
    assert "ZeroDivisionError" in str(failure)
    assert isinstance(first, Room if kind == "write" else tuple)
    assert type(last) is type(first)
    assert len(runs) == (3 if kind == "write" else 0)
    assert [one["event"] for one in logs] == ["A result could not be handled"]
    access.write(CreateRoom("later", "", "alice", ()), heard.append)
    await until_answered(access)
    assert len(heard) == 4, "the loop and both threads go on"


async def test_nobody_waits_for_a_command_that_is_told(access: StoreAccess) -> None:
    access.tell(CreateRoom("r", "", "alice", ()))
    access.tell(CreateRoom("r", "", "bob", ()))
    assert access.waiting == 0
    committed = asyncio.Event()
    with capture_logs() as logs:
        access.start(lambda runs: committed.set())
        async with asyncio.timeout(20):
            await committed.wait()
    assert access.waiting == 0
    assert [(one["event"], one["code"]) for one in logs] == [
        ("The node's own command or query failed", AlreadyExists.code)
    ]


async def test_a_failure_that_no_caller_takes_is_logged(access: StoreAccess) -> None:
    access.start(lambda runs: None)
    with capture_logs() as logs:
        access.ask(GetRoom("nowhere"), lambda found: None)
        await until_answered(access)
    assert [(one["log_level"], one["code"]) for one in logs] == [("error", RoomNotFound.code)]


async def test_the_store_is_busy_when_a_tenth_of_the_bound_waits(access: StoreAccess) -> None:
    for _ in range(MAX_WAITING // 10):
        access.ask(GetRoom("nowhere"), lambda found: None, lambda error: None)
    assert not access.is_busy()
    access.write(CreateRoom("r", "", "alice", ()), lambda room: None)
    assert access.is_busy()
    access.start(lambda runs: None)
    await until_answered(access)
    assert not access.is_busy()


async def test_a_ping_is_answered(access: StoreAccess) -> None:
    access.start(lambda runs: None)
    async with asyncio.timeout(20):
        await access.ping()
    assert access.waiting == 0


async def test_a_ping_raises_when_sqlite_is_away_and_returns_when_it_is_back(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    access = make_access(f"sqlite:///{folder}/chatd.db")
    folder.rename(tmp_path / "elsewhere")
    access.start(lambda runs: None)
    async with asyncio.timeout(20):
        with pytest.raises(Unavailable, match="lock file"):
            await access.ping()
        (tmp_path / "elsewhere").rename(folder)
        await access.ping()
    access.stop()


@pytest.fixture
def own_cluster(postgres_uri: str) -> Iterator[Cluster]:
    """A cluster of this test's own, to be killed."""
    with cluster() as running:
        assert running is not None, "postgres_uri has skipped the test where PostgreSQL is missing"
        yield running


async def test_a_ping_raises_when_postgres_is_away_and_returns_when_it_is_back(own_cluster: Cluster) -> None:
    access = make_access(own_cluster.uri("postgres"))
    access.start(lambda runs: None)
    async with asyncio.timeout(60):
        await access.ping()
        await asyncio.to_thread(own_cluster.kill)
        for _ in range(2):
            with pytest.raises(Unavailable, match="the database does not answer"):
                await access.ping()
        await asyncio.to_thread(own_cluster.start_again)
        await access.ping()
    access.stop()

"""The log is not the one it was: a backup is restored under open streams. An event that is stored
afterwards is shown, and nobody acknowledges what he has not seen."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from chatd.client import HEAD, Client, Stream, StreamState
from chatd.pb.admin.v1 import admin_pb2
from chatd.pb.chat.v1.chat_pb2 import RewoundRoom
from tests.daemons import Daemon, operator_token
from tests.databases import Cluster
from tests.system.deployment import Deployment

SHOWN = [1, 2, 3, 4, 5, 6, 7, 8, 9]
AGAIN = [5, 6, 7, 8]


class Tail:
    """A device that shows all that it is given, as ``chatctl tail`` does."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.shown: list[int] = []
        self.texts: list[str] = []
        self.said: list[str] = []
        self.rewound: list[tuple[str, int, int]] = []
        self.stream: Stream

    def _on_state(self, state: StreamState, reason: str) -> None:
        self.said.append(reason)

    def _on_rewound(self, rooms: Sequence[RewoundRoom]) -> None:
        self.rewound += [(one.room_id, one.head_seq, one.shown_seq) for one in rooms]

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Tail"]:
        async with self.client.stream(
            "tail", start=HEAD, on_state=self._on_state, on_rewound=self._on_rewound
        ) as self.stream:
            showing = asyncio.create_task(self._show())
            await self.stream.opened()
            yield self
            showing.cancel()

    async def _show(self) -> None:
        async for delivery in self.stream:
            self.shown.append(delivery.seq)
            self.texts.append(delivery.text)

    async def until(self, *seqs: int) -> None:
        async with asyncio.timeout(20):
            while self.shown[-len(seqs) :] != list(seqs):
                await asyncio.sleep(0.02)


@asynccontextmanager
async def clients(uri: str, token: str) -> AsyncIterator[tuple[Client, Tail]]:
    async with (
        Client(uri, token, profile="alice", call_timeout=30) as alice,
        Client(uri, token, profile="bob") as bob,
    ):
        yield alice, Tail(bob)


async def talk(alice: Client, what: str, count: int) -> list[int]:
    return [(await alice.send("r", f"{what} {number}")).seq for number in range(count)]


async def acknowledged(alice: Client) -> None:
    """Wait until all acks are written."""
    async with asyncio.timeout(20):
        while (await owed(alice)) != 0:
            await asyncio.sleep(0.02)


async def owed(alice: Client) -> int:
    operator = Client(alice.gateways.given, alice._token.value)
    try:
        request = admin_pb2.ListOutboxRequest(profile_id="bob", limit=100)
        found = await operator.call("AdminService/ListOutbox", request, admin_pb2.ListOutboxResponse)
    finally:
        operator.close()
    return sum(one.owed for one in found.rows)


async def until_nine(alice: Client, tail: Tail, back_up: Callable[[], None]) -> None:
    """A backup is made at seq 4 and the tail shows 9."""
    await alice.create_room("r", profiles=["bob"])
    await talk(alice, "before", 3)
    await tail.until(1, 2, 3, 4)
    await acknowledged(alice)
    await asyncio.to_thread(back_up)
    await talk(alice, "lost", 5)
    await tail.until(*SHOWN)
    await acknowledged(alice)


async def shown_again(alice: Client, tail: Tail) -> None:
    """Four new sends get 5 to 8: they are shown, and then nothing is owed."""
    before = tail.stream.log
    assert await talk(alice, "new", 4) == AGAIN
    async with asyncio.timeout(20):
        while not tail.rewound:
            await asyncio.sleep(0.02)
    ((room, head, was),) = tail.rewound
    assert (room, 4 <= head <= 8, was) == ("r", True, 9), "told what was lost, whenever it asked"
    status = await alice.delivery_status("r", 8)
    await tail.until(*AGAIN)
    assert tail.texts[-4:] == [f"new {number}" for number in range(4)]
    await acknowledged(alice)
    assert (status.delivered, (await alice.delivery_status("r", 8)).delivered) in ((0, 1), (1, 1))
    assert tail.stream.state is not StreamState.ENDED
    assert any("the log is another one" in reason for reason in tail.said), (before, tail.said)


def back_up_sqlite(file: Path, backup: Path) -> None:
    source, target = sqlite3.connect(file), sqlite3.connect(backup)
    source.backup(target)
    source.close()
    target.close()


def restore_sqlite(file: Path, backup: Path) -> None:
    for old in file.parent.glob(f"{file.name}-*"):
        old.unlink()
    shutil.copy(backup, file)


def beat(file: Path) -> int:
    with closing(sqlite3.connect(file)) as database:
        ((found,),) = database.execute("SELECT beat FROM log")
    return int(found)


@pytest.mark.parametrize("how", ["stop", "kill"])
@pytest.mark.parametrize("what", ["file", "folder"])
async def test_all_with_its_file_or_its_whole_folder_restored(tmp_path: Path, how: str, what: str) -> None:
    data, backup = tmp_path / "data", tmp_path / "backup"
    daemon = Daemon("all", data, {"NODE_LEASE_SECONDS": 0.3})
    with daemon:
        async with clients(daemon.uri, operator_token(data)) as (alice, tail), tail.running():

            def back_up() -> None:
                shutil.copytree(data, backup, ignore=shutil.ignore_patterns("run", "*.db*"))
                back_up_sqlite(data / "chatd.db", backup / "chatd.db")

            await until_nine(alice, tail, back_up)
            while beat(data / "chatd.db") == beat(backup / "chatd.db"):  # an older copy is known by it
                await asyncio.sleep(0.02)
            await asyncio.to_thread(daemon.stop if how == "stop" else daemon.kill)
            restore_sqlite(data / "chatd.db", backup / "chatd.db")
            if what == "folder":
                shutil.copy(backup / "log-all.json", data)
            first = tail.stream.log
            await asyncio.to_thread(daemon.start)
            await shown_again(alice, tail)
            if (what, how) == ("file", "stop"):
                assert tail.stream.log != first, "the data directory knows how far the log had come"


async def test_a_node_restored_under_a_gateway_that_lives_on(tmp_path: Path) -> None:
    """The node has forgotten all; the gateway has not, and tells it."""
    uri, file, backup = f"sqlite:///{tmp_path}/c.db", tmp_path / "c.db", tmp_path / "backup.db"
    with Deployment(tmp_path, uri, defaults=1, gateways=1, REPAIR_PULL_SECONDS=3600) as deployment:
        async with clients(deployment.uri(), deployment.token) as (alice, tail), tail.running():
            await until_nine(alice, tail, lambda: back_up_sqlite(file, backup))
            first = tail.stream.log
            await asyncio.to_thread(deployment.defaults[0].kill)
            restore_sqlite(file, backup)
            (tmp_path / "log-default0.json").unlink()
            await asyncio.to_thread(deployment.defaults[0].start)
            await shown_again(alice, tail)
            assert tail.stream.log != first


async def test_postgres_restored_from_a_copy(postgres: Cluster, tmp_path: Path) -> None:
    """Two nodes and a gateway; the database is replaced while the nodes are stopped."""
    name = postgres.new_database("t1")
    backups: list[str] = []
    with Deployment(
        tmp_path, postgres.uri(name), defaults=2, gateways=1, REPAIR_PULL_SECONDS=3600
    ) as deployment:
        async with clients(deployment.uri(), deployment.token) as (alice, tail), tail.running():

            def stop() -> None:
                for daemon in deployment.defaults:
                    daemon.stop()

            def back_up() -> None:
                stop()
                backups.append(postgres.new_database(name))
                for daemon in deployment.defaults:
                    daemon.start()

            await until_nine(alice, tail, back_up)
            await asyncio.to_thread(stop)
            for daemon in deployment.defaults:
                daemon.settings["DB_URI"] = postgres.uri(backups[0])
            for daemon in deployment.defaults:
                await asyncio.to_thread(daemon.start)
            await shown_again(alice, tail)

"""The life of a default node: parts begin and end in order, calls are drained first, and a node
without its database does not start."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from chatd.core.counter import Counter
from chatd.default.answer import Answer, Call, Caller, Later, Refuse, Respond, Role
from chatd.default.calls import Calls
from chatd.default.deadlines import Deadlines
from chatd.default.node import Addresses, DefaultNode
from chatd.default.part import Part
from chatd.errors import StartFailed, Unavailable
from chatd.pb.chat.v1.chat_pb2 import SetReadMarkerRequest as Request
from chatd.pb.chat.v1.chat_pb2 import SetReadMarkerResponse as Response
from chatd.pb.gateway.v1.gateway_pb2 import RpcResponse
from chatd.store.access import StoreAccess
from chatd.store.database import Database
from chatd.store.migration import MIGRATION_LOCK
from chatd.transport.queue.zeromq import ZeroMQPublisher
from chatd.transport.sockets import Context, bind_router, endpoint, new_context
from tests.daemons import Daemon, free_port
from tests.databases import Cluster
from tests.default.gateway import USER, Gateway

TICK = 0.005
"""Seconds between two runs of a part's recurring action."""


class Rig:
    """A default node of two parts that say what they do, and one call that is answered when the
    test says."""

    def __init__(self, context: Context, folder: Path) -> None:
        loop = asyncio.get_running_loop()
        self.folder = folder
        self.context = context
        self.said: list[str] = []
        self.ticks = 0
        self.left: list[float] = []
        """The seconds that each part was given for its end."""
        self.later: list[tuple[Respond, Refuse]] = []
        database = Database(f"sqlite:///{folder}/data/chatd.db")
        database.migrate()
        self.store = StoreAccess(loop, database, clock=lambda: 1, readers=1, broken=lambda error: None)
        parts = [self._part(name) for name in ("one", "two")]
        publisher = ZeroMQPublisher(loop, started_at_us=1)
        self.calls = Calls(
            loop,
            self.store,
            [call for part in parts for call in part.calls],
            Counter("requests_refused", ""),
            Deadlines(1),
            lambda *call: None,
        )
        self.node = DefaultNode(
            loop,
            self.store,
            self.calls,
            publisher,
            lambda gateway, subscribed: None,
            parts,
            is_drained=lambda: False,
        )
        self.wanted = Addresses(f"ipc://{folder}/calls", f"ipc://{folder}/queue")

    def _part(self, name: str) -> Part:
        async def end(seconds: float) -> None:
            self.left.append(seconds)
            self.said.append(f"{name} ends")
            await asyncio.sleep(0)
            self.said.append(f"{name} has ended")

        return Part(
            calls=(Call(f"Test/{name}", Request, Role.USER, self._answer),),
            begin=(lambda: self.said.append(f"{name} begins"), lambda: self.said.append(f"{name} goes on")),
            every=((TICK, self._tick),),
            before_the_end=end,
        )

    def _answer(self, caller: Caller, request: Request) -> Answer:
        return Later(lambda store, reply, refuse: self.later.append((reply, refuse)))

    def _tick(self) -> None:
        self.ticks += 1

    async def start(self) -> None:
        await self.node.start(
            self.context,
            self.wanted,
            max_frame=1_000_000,
            on_committed=lambda runs: None,
            on_new_log=lambda state: None,
            on_bound=self._on_bound,
        )

    async def _on_bound(self, bound: Addresses) -> None:
        self.said.append(f"bound {bound == self.wanted}")

    def is_free(self, uri: str) -> bool:
        """Nobody has bound the address."""
        return not Path(uri.removeprefix("ipc://")).exists()


@pytest.fixture
def context() -> Iterator[Context]:
    made = new_context()
    yield made
    made.destroy(linger=0)


@pytest.fixture
async def rig(context: Context, tmp_path: Path) -> AsyncIterator[Rig]:
    made = Rig(context, tmp_path)
    yield made
    made.node.close()
    made.store.stop()


async def call_under_way(rig: Rig, gateway: Gateway) -> "asyncio.Future[RpcResponse]":
    """A call that the node has taken and not answered."""
    reply = await gateway.begin("Test/one", Request(), USER)
    async with asyncio.timeout(10):
        while not rig.calls.under_way:
            await asyncio.sleep(TICK)
    return reply


async def test_parts_begin_in_order_when_the_sockets_are_bound(rig: Rig) -> None:
    await rig.start()
    assert rig.said == ["bound True", "one begins", "one goes on", "two begins", "two goes on"]
    assert not rig.is_free(rig.wanted.call_uri)
    assert not rig.is_free(rig.wanted.queue_uri)
    async with asyncio.timeout(10):
        while rig.ticks < 6:
            await asyncio.sleep(TICK)
    await rig.node.drain(1.0)


async def test_parts_end_one_after_the_other_and_their_timers_with_them(rig: Rig) -> None:
    await rig.start()
    rig.said.clear()
    await rig.node.drain(5.0)
    assert rig.said == ["one ends", "one has ended", "two ends", "two has ended"]
    assert all(4.0 < seconds <= 5.0 for seconds in rig.left)
    ticks = rig.ticks
    await asyncio.sleep(10 * TICK)
    assert rig.ticks == ticks


async def test_calls_under_way_are_answered_before_the_parts_end(rig: Rig, context: Context) -> None:
    await rig.start()
    gateway = Gateway(context, rig.wanted.call_uri)
    taken = await call_under_way(rig, gateway)
    rig.said.clear()
    draining = asyncio.create_task(rig.node.drain(20.0))
    await asyncio.sleep(0)
    late = await gateway.begin("Test/two", Request(), USER)
    ticks = rig.ticks
    async with asyncio.timeout(10):
        while rig.ticks == ticks:
            await asyncio.sleep(TICK)  # what the calls need goes on
    assert (rig.said, taken.done(), draining.done()) == ([], False, False)
    ((reply, _),) = rig.later
    reply(Response(seq=1))
    async with asyncio.timeout(10):
        await taken
        await draining
    assert rig.said == ["one ends", "one has ended", "two ends", "two has ended"]
    assert (late.done(), len(rig.later)) == (False, 1), "no more calls are taken"
    gateway.close()


async def test_a_call_that_is_never_answered_does_not_hold_the_end_up(rig: Rig, context: Context) -> None:
    await rig.start()
    gateway = Gateway(context, rig.wanted.call_uri)
    await call_under_way(rig, gateway)
    started = time.monotonic()
    await rig.node.drain(0.2)
    assert 0.2 <= time.monotonic() - started < 5.0
    assert rig.left == [0.0, 0.0]
    gateway.close()


async def test_a_node_whose_database_does_not_answer_does_not_start(rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "data").rename(tmp_path / "elsewhere")
    async with asyncio.timeout(20):
        with pytest.raises(Unavailable):
            await rig.start()
    assert (rig.said, rig.is_free(rig.wanted.call_uri), rig.is_free(rig.wanted.queue_uri)) == ([], True, True)


async def test_a_node_whose_queue_cannot_be_bound_gives_its_other_socket_back(
    rig: Rig, context: Context
) -> None:
    taken = bind_router(context, f"tcp://127.0.0.1:{free_port()}")
    rig.wanted = Addresses(f"tcp://127.0.0.1:{free_port()}", endpoint(taken))
    with pytest.raises(StartFailed):
        await rig.start()
    assert rig.said == []
    rig.node.close()
    async with asyncio.timeout(10):
        while True:
            try:
                again = bind_router(context, rig.wanted.call_uri)
                break
            except StartFailed:
                await asyncio.sleep(TICK)  # libzmq closes a socket a little later
    again.close(0)
    taken.close(0)


def test_a_node_whose_database_goes_away_while_it_starts_is_never_ready(
    postgres: Cluster, postgres_uri: str, tmp_path: Path
) -> None:
    """It is held in its migration until the database admits nobody new: from then on its readers
    and its writer have none."""
    name = postgres_uri.partition("?")[0].rpartition("/")[2]
    holder, server = Database(postgres_uri), Database(postgres.uri("postgres"))
    daemon = Daemon("default", tmp_path, {"DB_URI": postgres_uri, "NOTIFY_SOCKET": tmp_path / "notify"})
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd,
        holder.connection(readonly=False),
        server.connection(readonly=False),
    ):
        systemd.bind(str(tmp_path / "notify"))
        holder.rows("SELECT pg_advisory_lock(?)", (MIGRATION_LOCK,))
        daemon.start(wait=False)
        waiting = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = ? AND wait_event_type = 'Lock'"
        deadline = time.monotonic() + 20
        while server.rows(waiting, (name,)) == [(0,)]:
            assert time.monotonic() < deadline, daemon.log.read_text()
            time.sleep(0.01)
        server.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        holder.rows("SELECT pg_advisory_unlock(?)", (MIGRATION_LOCK,))
        systemd.settimeout(20)
        said = [systemd.recv(4096).decode()]
        while "cannot start, next try" not in said[-1]:
            said.append(systemd.recv(4096).decode())
        assert "READY=1" not in "".join(said)
        daemon.kill()
    log = daemon.log.read_text()
    assert log.splitlines()[-1].startswith("chatd: the database does not answer")
    assert "chatd is ready" not in log
    assert "Traceback" not in log

"""DB_URI leads to a hot standby for a second, as in a failover: sends are refused meanwhile, and
nothing has to be restarted."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatd.client import Client
from chatd.default.rooms.store import CreateRoom
from chatd.errors import ChatdError
from chatd.store.database import Database
from tests.daemons import Daemon, operator_token
from tests.databases import Cluster, cluster
from tests.durability.standby import Standby, standby_of
from tests.store.driver import Store

Pair = tuple[Cluster, Standby]


@pytest.fixture(scope="module")
def both(postgres: Cluster) -> Iterator[Pair]:
    with cluster() as primary:
        assert primary is not None, "the fixture has skipped the test where PostgreSQL is missing"
        Database(primary.uri(primary.new_database())).migrate()
        with standby_of(primary) as standby:
            yield primary, standby


def lead_to(address: Path, running: Cluster, *, leave: Cluster) -> None:
    """Let the address lead to another server, and end the connections to the one before."""
    new = address.with_suffix(".new")
    new.symlink_to(running.folder)
    new.replace(address)
    database = Database(leave.uri("postgres") + "&target_session_attrs=any")
    with database.connection(readonly=True):
        database.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'chatd' AND pid "
            "<> pg_backend_pid()"
        )


@pytest.mark.parametrize("any_server", ["", "&target_session_attrs=any"], ids=["read-write", "any"])
async def test_a_standby_for_a_second_is_survived(both: Pair, tmp_path: Path, any_server: str) -> None:
    """With "any" a connection to the standby is made, and refuses each write: it must not be
    kept."""
    primary, standby = both
    address = tmp_path / "address"
    address.symlink_to(primary.folder)
    name = primary.new_database("t1")
    with Daemon(
        "all", tmp_path, {"DB_URI": f"postgresql://chatd@/{name}?host={address}{any_server}"}
    ) as daemon:
        async with Client(daemon.uri, operator_token(tmp_path), profile="alice", call_timeout=1) as alice:
            await alice.create_room("r")
            await wait_for(standby, name)
            await asyncio.to_thread(lead_to, address, standby, leave=primary)
            for _ in range(3):
                with pytest.raises(ChatdError):
                    await alice.send("r", "refused")
            await asyncio.to_thread(
                lead_to, address, primary, leave=primary
            )  # the connections to the standby stay
            async with asyncio.timeout(8):
                while True:
                    try:
                        ack = await alice.send("r", "stored")
                    except ChatdError:
                        continue
                    break
            assert ack.seq >= 2
            await alice.send("r", "and again")


async def wait_for(standby: Standby, name: str) -> None:
    """Return when the database is there too."""
    database = Database(standby.uri("postgres") + "&target_session_attrs=any")
    async with asyncio.timeout(20):
        with database.connection(readonly=True):
            while not database.rows("SELECT 1 FROM pg_database WHERE datname = ?", (name,)):
                await asyncio.sleep(0.02)


async def test_of_several_hosts_the_one_that_takes_writes_is_found(both: Pair) -> None:
    primary, standby = both
    name = primary.new_database("t1")
    await wait_for(standby, name)
    store = Store(f"postgresql://chatd@/{name}?host={standby.folder},{primary.folder}")
    store.do(CreateRoom("r", "", "alice", ()))
    store.close()

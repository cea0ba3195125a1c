"""A node is stopped (SIGSTOP) inside a transaction: the other one goes on, and gets the rows it
holds after IDLE_MS."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatd.client import Client
from chatd.default.rooms.store import CreateRoom
from chatd.errors import ChatdError, Unavailable
from chatd.store.database import Database
from chatd.store.postgres import IDLE_MS, LOCK_MS
from tests.daemons import Daemon, operator_token
from tests.store.driver import Store, event, send

HOLDS = "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'victim' AND state = 'idle in transaction'"


@pytest.fixture
def other(postgres_uri: str) -> Iterator[Store]:
    """The store of another node, with a room of its own."""
    store = Store(postgres_uri)
    store.do(CreateRoom("elsewhere", "", "alice", ()))
    yield store
    store.close()


async def stop_inside_a_transaction(victim: int, uri: str) -> None:
    """Return when the process is stopped, and a session of it holds the row of room "held", and not
    that of "elsewhere", whose creation it publishes once."""
    database = Database(uri)
    deadline = time.monotonic() + 60
    with database.connection(readonly=True):
        while time.monotonic() < deadline:
            os.kill(victim, signal.SIGSTOP)
            if database.rows(HOLDS) != [(0,)]:
                await asyncio.sleep(0.01)  # its statement was still under way
                free = database.rows("SELECT room_id FROM room FOR UPDATE SKIP LOCKED")
                if free == [("elsewhere",)] and database.rows(HOLDS) != [(0,)]:
                    return
            os.kill(victim, signal.SIGCONT)
            await asyncio.sleep(0.02)
    raise AssertionError("the node was never met inside a transaction: the test proves nothing")


def send_elsewhere(store: Store, seconds: float) -> list[float]:
    """The time that each of many sends took."""
    took: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        started = time.monotonic()
        store.do(send("alice", event("elsewhere", f"e{len(took)}")))
        took.append(time.monotonic() - started)
    return took


def send_until_stored(store: Store) -> None:
    while True:
        try:
            store.do(send("alice", event("held", "through the other")))
        except Unavailable:
            continue
        return


async def test_a_node_stopped_inside_a_transaction_stops_nobody_else(
    postgres_uri: str, other: Store, tmp_path: Path
) -> None:
    # Without repairs, for which it would hold the other room too: nobody here publishes that one's
    # events.
    settings = {"DB_URI": postgres_uri, "PGAPPNAME": "victim", "FANOUT_REPAIR_SECONDS": 3600}
    with Daemon("all", tmp_path, settings) as victim:
        async with Client(victim.uri, operator_token(tmp_path), profile="alice", call_timeout=20) as alice:
            await alice.create_room("held")
            sending = True

            async def keep_busy(sender: int) -> None:
                number = 0
                while sending:
                    number += 1
                    try:
                        await alice.send("held", "x", event_id=f"{sender}-{number}")
                    except ChatdError:
                        continue

            load = [asyncio.create_task(keep_busy(sender)) for sender in range(8)]
            try:
                await stop_inside_a_transaction(victim.pid, postgres_uri)
                stopped = time.monotonic()
                held = asyncio.create_task(asyncio.to_thread(send_until_stored, other))
                took = await asyncio.to_thread(send_elsewhere, other, 3.0)
                assert not held.done(), "nobody held the room: the test proves nothing"
                assert max(took) < LOCK_MS / 1_000 + 1
                assert sorted(took)[len(took) * 98 // 100] < 0.3
                await held
                assert time.monotonic() - stopped < IDLE_MS / 1_000 + 3
            finally:
                os.kill(victim.pid, signal.SIGCONT)
                sending = False
            async with asyncio.timeout(15):
                await asyncio.gather(*load)
                await alice.send("held", "and goes on", event_id="last")
    stored = other.database
    with stored.connection(readonly=True):
        seqs = [
            seq for (seq,) in stored.rows("SELECT seq FROM room_event WHERE room_id = 'held' ORDER BY seq")
        ]
    assert seqs == list(range(1, len(seqs) + 1))

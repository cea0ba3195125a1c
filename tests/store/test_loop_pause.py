"""Another process holds SQLite's write lock: sends wait and are refused; the event loop never
stands still."""

import asyncio
import multiprocessing
import sqlite3
import time
from multiprocessing.connection import Connection
from pathlib import Path

from chatd.default.rooms.store import CreateRoom, GetRoom
from chatd.errors import ChatdError, RoomNotFound, Unavailable
from chatd.store.access import StoreAccess
from chatd.store.database import Database

HELD_SECONDS = 8.0
LONGEST_PAUSE = 1.0


def hold(path: str, seconds: float, held: Connection) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    held.send(True)
    time.sleep(seconds)


async def test_the_loop_goes_on_while_another_process_holds_the_write_lock(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    database = Database(f"sqlite:///{tmp_path}/chatd.db")
    database.migrate()
    store = StoreAccess(
        loop, database, clock=lambda: time.time_ns() // 1_000, readers=1, broken=lambda error: None
    )
    store.start(lambda runs: None)
    await store.ping()
    here, there = multiprocessing.Pipe()
    holder = multiprocessing.get_context("spawn").Process(
        target=hold, args=(f"{tmp_path}/chatd.db", HELD_SECONDS, there)
    )
    holder.start()
    refused: list[tuple[type[ChatdError], bool]] = []
    longest = 0.0

    def failed(error: ChatdError) -> None:
        """The loop lets go of the error at once, while the writer waits for the lock again."""
        refused.append(
            (type(error), (error.__traceback__, error.__context__, error.__cause__) == (None, None, None))
        )

    try:
        await loop.run_in_executor(None, here.recv)
        before = started = time.monotonic()
        number = 0
        while before - started < HELD_SECONDS:
            number += 1
            if number % 10 == 0:
                store.write(CreateRoom(f"r{number}", "", "alice", ()), lambda room: None, failed)
                store.ask(GetRoom("none"), lambda room: None, failed)
            await asyncio.sleep(0.01)
            now = time.monotonic()
            longest, before = max(longest, now - before), now
        assert (Unavailable, True) in refused, (
            "nothing had to wait for the lock for long: the test proves nothing"
        )
        assert set(refused) == {(Unavailable, True), (RoomNotFound, True)}
        assert longest < LONGEST_PAUSE
    finally:
        await loop.run_in_executor(None, holder.join)
        store.stop()

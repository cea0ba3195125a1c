"""The writers to the disk whose power is cut: the product, or its store with synchronous=NORMAL,
which the product refuses.

`python -m tests.durability.writers FOLDER` is the second of them, as a process of its own.
"""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from chatd.client import Client, message
from chatd.default.messages.model import NewEvent
from chatd.default.messages.store import StoreEvents
from chatd.default.rooms.store import CreateRoom
from chatd.errors import ChatdError
from chatd.store.database import Database
from chatd.store.room_log import MembersCache
from chatd.store.writer import WriteBatch, Writer
from tests.daemons import Daemon, operator_token

IN_FLIGHT = 32


class Load:
    """A process that writes to the image, and the seq of each event it has acknowledged."""

    def __init__(self, pid: int, acked: dict[str, int]) -> None:
        self.pid = pid
        self.acked = acked


@contextmanager
def full(folder: Path, work: Path) -> Iterator[Load]:
    """The product, with a client in a thread of this process."""
    tokens = work / "tokens.toml"
    daemon = Daemon("all", folder, {"TOKENS_FILE": tokens, "RUNTIME_DIR": work / "run"})
    daemon.log = work / "all.log"
    stop = threading.Event()
    try:
        daemon.start()
        load = Load(daemon.pid, {})
        thread = threading.Thread(
            target=lambda: asyncio.run(send(daemon.uri, operator_token(work), load.acked, stop))
        )
        thread.start()
        try:
            yield load
        finally:
            stop.set()
            thread.join()
    finally:
        daemon.kill()


async def send(uri: str, token: str, acked: dict[str, int], stop: threading.Event) -> None:
    """Many sends in flight, until told to stop."""
    async with Client(uri, token, profile="alice", call_timeout=0.5) as alice:
        await alice.create_room("r")

        async def one(number: int) -> None:
            turn = 0
            while not stop.is_set():
                turn += 1
                try:
                    (ack,) = await alice.send_events([message("r", "x" * 200, event_id=f"{number}-{turn}")])
                except ChatdError:
                    return  # the power is gone
                acked[f"{number}-{turn}"] = ack.seq

        await asyncio.gather(*(one(number) for number in range(IN_FLIGHT)))


@contextmanager
def normal(folder: Path, work: Path) -> Iterator[Load]:
    """The store with synchronous=NORMAL in a process of its own, which writes down what it
    acknowledged."""
    command = [sys.executable, "-m", "tests.durability.writers", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = process.stdout
    load = Load(process.pid, {})

    def listen() -> None:
        for line in iter(lines.readline, ""):
            event_id, _, seq = line.rstrip("\n").partition(" ")
            if seq and line.endswith("\n"):  # the last line may be half
                load.acked[event_id] = int(seq)

    thread = threading.Thread(target=listen)
    thread.start()
    try:
        yield load
    finally:
        process.kill()
        process.wait()
        thread.join()
        lines.close()


def write_normal(folder: Path) -> None:
    """Never ends by itself."""
    database = Database(f"sqlite:///{folder}/chatd.db")
    database.migrate()
    written = threading.Semaphore(IN_FLIGHT)

    def deliver(batch: WriteBatch) -> None:
        for completed in batch.completed:
            if completed.on_result is not None:
                completed.on_result(completed.result)

    def acknowledge(event_id: str, result: object) -> None:
        if isinstance(result, tuple):
            print(event_id, result[0].seq, flush=True)
            written.release()

    writer = Writer(database, MembersCache(), deliver, lambda: time.time_ns() // 1000, lambda error: None)
    sqlite: Any = database.db
    sqlite.pragma("synchronous", "normal", permanent=True)
    database._fault = lambda: ""  # type: ignore[method-assign]  # it would be refused at every connection
    writer.start()
    writer.submit(CreateRoom("r", "", "alice", ()), None)
    number = 0
    while True:
        written.acquire()
        number += 1
        writer.submit(
            StoreEvents("alice", (NewEvent(f"n{number}", "r", 1, b"", b""),)),
            partial(acknowledge, f"n{number}"),
        )


if __name__ == "__main__":
    write_normal(Path(sys.argv[1]))

"""`python -m tests.durability.power_cut --cuts 100`: the power goes while events are being acknowledged; none of them may be missing afterwards.

FULL is the product: a `chatd all` whose data lies on a loop-mounted image. NORMAL, which chatd refuses, is its store with that one setting
turned down: it must be caught, or the test proves nothing.
"""

import argparse
import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatd.client import Client, message
from chatd.core.model import NewEvent
from chatd.errors import ChatdError
from chatd.store.commands import CreateRoom, StoreEvents
from chatd.store.database import Database
from chatd.store.writer import WriteBatch, Writer
from tests.daemons import Daemon, operator_token
from tests.durability import loop_image

IN_FLIGHT = 32


@dataclass
class Cut:
    """One power cut. ``lost``: events that had been acknowledged and are not there."""

    acked: int
    lost: int
    problem: str = ""


def judge(copy: Path, folder: Path, acked: set[str]) -> Cut:
    """Mount what is left, let SQLite recover, look for every acknowledged event."""
    with loop_image.mounted(copy, folder):
        database = Database(f"sqlite:///{folder}/chatd.db")
        with database.connection(readonly=False):
            ((integrity,),) = database.rows("PRAGMA integrity_check")
            rows = database.rows("SELECT event_id, seq FROM room_event ORDER BY seq")
            head = database.rows("SELECT head_seq FROM room")
    found = {event_id for event_id, _ in rows}
    problem = "" if integrity == "ok" else f"integrity: {integrity}"
    if [seq for _, seq in rows] != list(range(1, len(rows) + 1)) or (rows and head != [(len(rows),)]):
        problem = problem or "the log has a hole, or its head is elsewhere"
    return Cut(len(acked), len(acked - found), problem)


class Load:
    """A process that writes to the image, and what it has acknowledged."""

    def __init__(self, pid: int, acked: set[str]) -> None:
        self.pid = pid
        self.acked = acked


def cut_once(work: Path, mode: str, dice: random.Random) -> Cut:
    """A fresh file system, a writer, a cut at a random moment, a verdict."""
    image, copy = work / "disk", work / "copy"
    loop_image.make(image)
    starter = full if mode == "FULL" else normal
    with loop_image.mounted(image, work / "mount") as folder, starter(folder, work) as load:
        deadline = time.monotonic() + 20
        while len(load.acked) < 200:
            if time.monotonic() > deadline:
                raise RuntimeError("the writer acknowledges nothing")
            time.sleep(0.005)
        time.sleep(dice.uniform(0, 0.3))
        os.kill(load.pid, signal.SIGSTOP)
        acked = set(load.acked)
        loop_image.cut(image, copy)
        os.kill(load.pid, signal.SIGKILL)
    return judge(copy, work / "recovered", acked)


@contextmanager
def full(folder: Path, work: Path) -> Iterator[Load]:
    """The product, with a client in a thread of this process."""
    tokens = work / "tokens.toml"
    daemon = Daemon("all", folder, {"TOKENS_FILE": tokens, "RUNTIME_DIR": work / "run"})
    daemon.log = work / "all.log"
    daemon.start()
    load = Load(daemon.pid, set())
    stop = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(send(daemon.uri, operator_token(work), load.acked, stop)))
    thread.start()
    try:
        yield load
    finally:
        stop.set()
        thread.join()
        daemon.kill()


async def send(uri: str, token: str, acked: set[str], stop: threading.Event) -> None:
    """Many sends in flight, until told to stop."""
    async with Client(uri, token, profile="alice", call_timeout=0.5) as alice:
        await alice.create_room("r")

        async def one(number: int) -> None:
            turn = 0
            while not stop.is_set():
                turn += 1
                try:
                    await alice.send_events([message("r", "x" * 200, event_id=f"{number}-{turn}")])
                except ChatdError:
                    return  # the power is gone
                acked.add(f"{number}-{turn}")

        await asyncio.gather(*(one(number) for number in range(IN_FLIGHT)))


@contextmanager
def normal(folder: Path, work: Path) -> Iterator[Load]:
    """The store with synchronous=NORMAL in a process of its own, which writes down what it acknowledged."""
    command = [sys.executable, "-m", "tests.durability.power_cut", "--write-normal", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = process.stdout
    load = Load(process.pid, set())
    thread = threading.Thread(target=lambda: load.acked.update(line.strip() for line in iter(lines.readline, "")))
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
            if isinstance(completed.tag, str):
                print(completed.tag, flush=True)
                written.release()

    writer = Writer(database, deliver, lambda: time.time_ns() // 1000, lambda error: None)
    sqlite: Any = database.db
    sqlite.pragma("synchronous", "normal", permanent=True)
    writer.start()
    writer.submit(CreateRoom("r", "", "alice", ()), 0)
    number = 0
    while True:
        written.acquire()
        number += 1
        writer.submit(StoreEvents("alice", (NewEvent(f"n{number}", "r", 1, b"", b""),)), f"n{number}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.durability.power_cut", description=__doc__)
    parser.add_argument("--cuts", type=int, default=100, help="power cuts with FULL (default 100)")
    parser.add_argument("--normal", type=int, default=10, help="power cuts with NORMAL (default 10)")
    parser.add_argument("--seed", type=int, default=random.randrange(2**31))
    parser.add_argument("--write-normal", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write_normal:
        write_normal(options.write_normal)
    reason = loop_image.why_not()
    if reason:
        print(f"not here: {reason}", file=sys.stderr)
        return 2
    dice = random.Random(options.seed)
    totals: dict[str, list[Cut]] = {"FULL": [], "NORMAL": []}
    with tempfile.TemporaryDirectory(prefix="chatd-power-") as work:
        for mode, count in (("FULL", options.cuts), ("NORMAL", options.normal)):
            for number in range(count):
                cut = cut_once(Path(work), mode, dice)
                totals[mode].append(cut)
                if cut.lost or cut.problem or number % 10 == 9:
                    print(f"{mode} {number + 1}: {cut}", file=sys.stderr)
    for mode, cuts in totals.items():
        lossy = sum(bool(cut.lost or cut.problem) for cut in cuts)
        print(f"{mode}: {len(cuts)} cuts, {sum(cut.acked for cut in cuts):,} acknowledged events checked, {lossy} cuts lost some")
    print(f"seed {options.seed}")
    caught = not totals["NORMAL"] or any(cut.lost for cut in totals["NORMAL"])
    return 0 if caught and not any(cut.lost or cut.problem for cut in totals["FULL"]) else 1


if __name__ == "__main__":
    sys.exit(main())

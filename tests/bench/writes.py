"""The pages that an event writes: SQLite's log (WAL) read beside a running chatd, page by page, by
table.

A lone send is one in its transaction, to a room that has been quiet; 64 joined are one call's, to
as many rooms. Nobody is connected, so there are no acks. Each transaction is an fsync.
"""

import asyncio
import os
import sqlite3
import struct
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from chatd.client import Client, message
from tests.bench.chatd_subject import Chatd
from tests.bench.measure import Usage
from tests.bench.scenarios import Figures
from tests.bench.subject import Options, filling

ROOMS = 2_000
STORED = 10
"""Events of each room before anything is measured: pages are as full as they get."""
JOINED = 64
LONE = 200
CALLS = 20
MARKS_SECONDS = 1.5
"""By then what follows a send by itself, such as the fan-out mark, is written too."""
_HEADER = 32
_FRAME_HEADER = 24


class Frame(NamedTuple):
    """A page that was written; ``ends``: it is the last of its transaction."""

    page: int
    ends: bool


class Wal:
    """The frames that have come to a log since the last look. A look for each few transactions
    loses none: the log begins anew only when all of it is in the database."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._salt = b""
        self._at = _HEADER
        list(self.new())

    def new(self) -> Iterator[Frame]:
        """Frames of committed transactions."""
        with self._path.open("rb") as file:
            header = file.read(_HEADER)
            (size,) = struct.unpack(">I", header[8:12])
            if header[16:24] != self._salt:
                self._salt, self._at = header[16:24], _HEADER
            file.seek(self._at)
            while len(head := file.read(_FRAME_HEADER)) == _FRAME_HEADER and head[8:16] == self._salt:
                page, commit = struct.unpack(">II", head[:8])
                file.seek(size, os.SEEK_CUR)
                self._at += _FRAME_HEADER + size
                yield Frame(page, commit != 0)


async def writes(chatd: Chatd, options: Options) -> Figures:
    """Frames and transactions for each lone send, and for each event of 64 joined."""
    database = chatd.deployment.folder / "chatd.db"
    rooms = [f"r{number}" for number in range(ROOMS)]
    await chatd.make_rooms({room: [f"m{number}"] for number, room in enumerate(rooms)})
    async with Client(chatd.uris[0], chatd.token, profile="sender") as client:
        text = filling(options.body).decode()
        for number in range(0, ROOMS * STORED, JOINED):
            await _send(client, rooms, number, text)
        await asyncio.sleep(MARKS_SECONDS)
        wal, usage = Wal(Path(f"{database}-wal")), Usage(chatd.processes())
        lone: list[Frame] = []
        for number in range(LONE):
            await client.send(rooms[number * 7 % ROOMS], text)
            lone += wal.new()
        await asyncio.sleep(MARKS_SECONDS)
        lone += wal.new()
        lone_used = usage.stop()["default"]
        usage, joined = Usage(chatd.processes()), list[Frame]()
        for number in range(CALLS):
            await _send(client, rooms, number * JOINED * 7, text)
            joined += wal.new()
        await asyncio.sleep(MARKS_SECONDS)
        joined += wal.new()
    used = usage.stop()["default"]
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as reading:
        table = {page: name for name, page in reading.execute("SELECT name, pageno FROM dbstat")}
    return {
        **_figures("lone", lone, LONE, lone_used, table),
        **_figures("joined", joined, CALLS * JOINED, used, table),
    }


async def _send(client: Client, rooms: list[str], first: int, text: str) -> None:
    """One call, and so one transaction."""
    await client.send_events([message(rooms[(first + turn) % ROOMS], text) for turn in range(JOINED)])


def _figures(
    name: str, frames: list[Frame], events: int, used: tuple[float, int], table: dict[int, str]
) -> Figures:
    cpu, written = used
    by_table = Counter(table.get(frame.page, "other") for frame in frames)
    return {
        f"{name}_transactions_per_event": sum(frame.ends for frame in frames) / events,
        f"{name}_frames_per_event": len(frames) / events,
        f"{name}_written_bytes_per_event": written / events,
        f"{name}_node_cpu_us_per_event": cpu / events * 1e6,
        **{f"{name}_frames_of_{of}": count / events for of, count in by_table.most_common()},
    }

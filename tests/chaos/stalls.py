"""Stalls: times in which the machine ran nothing of a process, or did not write to its disk.

A promise in seconds is one of the product, not of a machine that others use too. So each process
beats, the run itself with a write to the disk, and time is counted by a clock that stands still
while any of them is late: whatever an ack waits for meanwhile may be there.
"""

import asyncio
import os
import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Iterable
from itertools import accumulate
from pathlib import Path

from tests.chaos.history import Stall

BEAT = 0.05
"""Seconds between two beats."""
LATE = 0.2
"""A beat that is late by less is no stall: what is promised leaves room for it on the way of an ack
through six loops and threads."""


class RunningTime:
    """Seconds without a stall, on a clock of their own."""

    def __init__(self, stalls: Iterable[Stall]) -> None:
        spans: list[tuple[float, float]] = []
        for begin, end in sorted((one.t - one.seconds, one.t) for one in stalls):
            if spans and begin <= spans[-1][1]:
                spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
            else:
                spans.append((begin, end))
        self._begins = [begin for begin, _ in spans]
        self._ends = [end for _, end in spans]
        self._before = [0.0, *accumulate(end - begin for begin, end in spans)]

    def at(self, t: float) -> float:
        """The clock's time at ``t``."""
        place = bisect_right(self._begins, t)
        still = max(0.0, self._ends[place - 1] - t) if place else 0.0
        return t - self._before[place] + still


def beat(path: Path) -> None:
    """From now on this process writes each of its beats to the file."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def beats() -> None:
        while True:
            os.write(file, f"{os.getpid()} {time.monotonic()}\n".encode())
            time.sleep(BEAT)

    threading.Thread(target=beats, name="beat", daemon=True).start()


def _alive(beats: str) -> set[str]:
    """The ids of processes that have written one of the lines, and have not ended."""
    pids = {line.split()[0] for line in beats.splitlines()}
    return {pid for pid in pids if Path(f"/proc/{pid}").exists()}


class Stalls:
    """Adds each stall of the processes that beat in a file, and of this one, to the history."""

    def __init__(self, path: Path, add: Callable[[Stall], None]) -> None:
        self._path = path
        self._add = add

    async def watch(self, seconds: float, *, at_most: float) -> None:
        """Return when all has run for so long."""
        found: list[Stall] = []

        def passed(since: float, now: float) -> None:
            if now - since > BEAT + LATE:
                found.append(Stall(now, now - since - BEAT))
                self._add(found[-1])

        began = own = now = time.monotonic()
        # One that stands still from the beginning is known by its beats before.
        past = await asyncio.to_thread(self._path.read_text)
        beats = dict.fromkeys(await asyncio.to_thread(_alive, past), began)
        with self._path.open() as file:
            file.seek(len(past))
            while now < began + at_most:
                await asyncio.sleep(BEAT)
                await asyncio.to_thread(self._write)
                now = time.monotonic()
                passed(own, now)
                own = now
                for line in file.read().splitlines():
                    pid, at = line.split()
                    passed(beats.get(pid, began), float(at))
                    beats[pid] = float(at)
                running = RunningTime(found)
                if running.at(now) - running.at(began) > seconds:
                    break
        for last in beats.values():
            passed(last, now)

    def _write(self) -> None:
        file = os.open(self._path.with_suffix(".own"), os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.write(file, b"beat")
            os.fsync(file)
        finally:
            os.close(file)

"""Stalls that the machine and this process really make."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.history import Stall
from tests.chaos.stalls import BEAT, LATE, RunningTime, Stalls


def test_running_time_stands_still_in_a_stall() -> None:
    running = RunningTime([Stall(12.0, 1.0), Stall(20.0, 5.0)])
    assert [running.at(t) for t in (10.0, 11.0, 11.5, 12.0, 15.0, 18.0, 20.0, 21.0)] == [
        *(10.0, 11.0, 11.0, 11.0, 14.0, 14.0, 14.0, 15.0)
    ]


def test_without_stalls_it_is_the_time() -> None:
    assert RunningTime([]).at(7.0) == 7.0


def test_stalls_of_several_at_once_are_one() -> None:
    running = RunningTime([Stall(14.0, 4.0), Stall(12.0, 1.0), Stall(15.0, 2.0)])
    assert [running.at(t) for t in (9.0, 10.0, 12.5, 15.0, 16.0)] == [9.0, 10.0, 10.0, 10.0, 11.0]


def seconds(found: list[Stall]) -> float:
    running = RunningTime(found)
    return time.monotonic() - running.at(time.monotonic())


async def test_a_loop_that_hangs_is_a_stall_and_the_watch_goes_on_for_it(tmp_path: Path) -> None:
    (tmp_path / "beats").touch()
    found: list[Stall] = []
    began = time.monotonic()
    asyncio.get_running_loop().call_later(BEAT, time.sleep, LATE + 3 * BEAT)
    await Stalls(tmp_path / "beats", found.append).watch(3 * BEAT, at_most=20.0)
    assert seconds(found) >= LATE
    assert time.monotonic() - began >= LATE + 4 * BEAT


@pytest.fixture
def beating(tmp_path: Path) -> Iterator[int]:
    """A process that beats."""
    code = f"""if True:
        import pathlib, time
        from tests.chaos.stalls import beat
        beat(pathlib.Path({str(tmp_path / "beats")!r}))
        time.sleep(600)
    """
    process = subprocess.Popen([sys.executable, "-c", code])
    while not ((tmp_path / "beats").exists() and (tmp_path / "beats").read_text()):
        assert process.poll() is None
        time.sleep(0.01)
    yield process.pid
    process.kill()
    process.wait()


@pytest.mark.parametrize("goes_on", [True, False])
async def test_a_process_that_stands_still_is_a_stall(tmp_path: Path, beating: int, goes_on: bool) -> None:
    found: list[Stall] = []
    loop = asyncio.get_running_loop()
    loop.call_later(4 * BEAT, os.kill, beating, signal.SIGSTOP)
    if goes_on:
        loop.call_later(14 * BEAT, os.kill, beating, signal.SIGCONT)
    await Stalls(tmp_path / "beats", found.append).watch(18 * BEAT, at_most=20.0)
    assert seconds(found) >= LATE


async def test_so_is_one_that_stood_still_before(tmp_path: Path, beating: int) -> None:
    os.kill(beating, signal.SIGSTOP)
    found: list[Stall] = []
    await Stalls(tmp_path / "beats", found.append).watch(2 * LATE + 4 * BEAT, at_most=20.0)
    assert seconds(found) >= LATE

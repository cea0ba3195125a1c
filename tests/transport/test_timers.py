"""Recurring actions: an action that raises is logged and runs again; they end together, whoever
ends them."""

import asyncio
from itertools import pairwise

from structlog.testing import capture_logs

from chatd.transport.timers import Timers

QUICK = 0.005
"""Seconds."""


class Runs:
    """An action that counts its runs."""

    def __init__(self, error: Exception | None = None) -> None:
        self.count = 0
        self._error = error

    def __call__(self) -> None:
        self.count += 1
        if self._error is not None:
            raise self._error

    async def until(self, count: int) -> None:
        async with asyncio.timeout(10):
            while self.count < count:
                await asyncio.sleep(QUICK)


async def test_an_action_runs_after_each_pause_and_not_at_once() -> None:
    timers, action = Timers(asyncio.get_running_loop()), Runs()
    timers.every(QUICK, action)
    await asyncio.sleep(0)
    assert action.count == 0
    await action.until(3)
    timers.cancel()


async def test_an_action_that_raises_is_logged_and_runs_again() -> None:
    timers, failing, other = Timers(asyncio.get_running_loop()), Runs(ZeroDivisionError("no")), Runs()
    with capture_logs() as logs:
        timers.every(QUICK, failing)
        timers.every(QUICK, other)
        await failing.until(3)
        await other.until(3)
        timers.cancel()
    assert {(one["log_level"], one["event"]) for one in logs} == {
        ("error", "A recurring action failed; it goes on")
    }
    assert len(logs) == failing.count
    assert "Runs" in logs[0]["action"]
    assert logs[0]["exc_info"]


async def test_cancel_ends_all_actions() -> None:
    timers, actions = Timers(asyncio.get_running_loop()), [Runs(), Runs(ZeroDivisionError()), Runs()]
    with capture_logs():
        for action in actions:
            timers.every(QUICK, action)
        for action in actions:
            await action.until(2)
        timers.cancel()
    counts = [action.count for action in actions]
    await asyncio.sleep(10 * QUICK)
    assert [action.count for action in actions] == counts


async def test_an_action_can_end_them_all() -> None:
    timers, other = Timers(asyncio.get_running_loop()), Runs()
    ended: list[None] = []

    def end() -> None:
        ended.append(None)
        timers.cancel()

    timers.every(4 * QUICK, end)
    timers.every(QUICK, other)
    await other.until(1)
    await asyncio.sleep(20 * QUICK)
    count = other.count
    await asyncio.sleep(20 * QUICK)
    assert (len(ended), other.count) == (1, count)


async def test_a_pause_is_counted_from_the_end_of_the_last_run() -> None:
    loop = asyncio.get_running_loop()
    timers, begun = Timers(loop), list[float]()

    def slow() -> None:
        begun.append(loop.time())
        end = loop.time() + 4 * QUICK
        while loop.time() < end:
            pass

    timers.every(QUICK, slow)
    async with asyncio.timeout(10):
        while len(begun) < 3:
            await asyncio.sleep(QUICK)
    timers.cancel()
    assert all(later - earlier >= 4.9 * QUICK for earlier, later in pairwise(begun))

"""Drives the screen as an operator does, and reads what it shows."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from textual.pilot import Pilot
from textual.widgets import DataTable, Static

from chatctl.top.screen import Top
from chatd.client import Client
from tests.daemons import Daemon, operator_token

SIZE = (80, 24)
SECONDS = 20.0


@asynccontextmanager
async def top(daemon: Daemon) -> AsyncIterator[tuple[Top, "Pilot[None]"]]:
    async with Client(daemon.uri, operator_token(daemon.folder)) as client:
        screen = Top(client, every=0.5)
        async with screen.run_test(size=SIZE) as pilot:
            yield screen, pilot


async def until(pilot: "Pilot[None]", holds: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < end, "it did not come to be shown"
        await pilot.pause(0.02)


def table(screen: Top) -> list[list[str]]:
    found = screen.query_one(DataTable)
    return [[str(cell) for cell in found.get_row_at(at)] for at in range(found.row_count)]


def text(screen: Top, name: str) -> str:
    return str(screen.screen.query_one(f"#{name}", Static).content)


async def do(pilot: "Pilot[None]", screen: Top, key: str, question: str) -> None:
    """Press the key of an action, read its question, say yes."""
    await pilot.press(key)
    await until(pilot, lambda: len(screen.screen_stack) == 2)
    assert text(screen, "question").startswith(question)
    await pilot.press("y")
    await until(pilot, lambda: len(screen.screen_stack) == 1)

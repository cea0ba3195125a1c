"""chatctl top: the command. Textual is imported when it runs, and is an extra."""

import asyncio
import sys
from typing import Annotated

import typer

from chatctl.invocation import options
from chatd.errors import ConfigError, extra

Every = Annotated[float, typer.Option("--every", min=0.5, help="Seconds between two looks, at least.")]


def top(context: typer.Context, every: Every = 2.0) -> None:
    """Watch chatd on the whole screen: rates, rooms, devices, laggards, connections, dead letters,
    notifications, nodes; down to the story of one delivery. Press ? for the keys. Operators only.

    Example: chatctl top
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigError("top needs a terminal; for pipes there are status, outbox list, nodes with --json")
    with extra("tui", "chatctl top"):
        from chatctl.top.screen import show  # here: see above
    asyncio.run(show(options(context).client(), every=every))

"""Makes the pictures of ``chatctl top`` in the documents: ``make screenshots``."""

import asyncio
import re
import tempfile
from pathlib import Path

from chatctl.top.screen import Top
from chatd.client import HEAD, Client, Stream
from tests.daemons import Daemon, operator_token

FOLDER = Path(__file__).parents[3] / "chatctl" / "top"
SIZE = (100, 26)
TALK_SECONDS = 24.0
_FONTS = re.compile(r"@font-face \{.*?\}", re.DOTALL)  # the picture is to load nothing from elsewhere


async def _talk(daemon: Daemon) -> None:
    """Rooms in which somebody says something, and a phone that is away."""
    token = operator_token(daemon.folder)
    async with (
        Client(daemon.uri, token, profile="alice") as alice,
        Client(daemon.uri, token, profile="bob") as bob,
    ):
        for name in ("garden", "kitchen", "lobby"):
            await alice.create_room(name, name=f"The {name}", profiles=["bob", "carol", "dave"])
        for device in ("laptop", "phone"):
            async with bob.stream(device, start=HEAD) as stream:
                await stream.caught_up()
        async with bob.stream("laptop", start=HEAD) as stream:
            reading = asyncio.create_task(_read(stream))
            end = asyncio.get_running_loop().time() + TALK_SECONDS
            number = 0
            while asyncio.get_running_loop().time() < end:
                number += 1
                await alice.send(("garden", "kitchen", "lobby")[number % 3], f"line {number}")
                await asyncio.sleep(0.02 + 0.03 * (number // 50 % 3))
            reading.cancel()


async def _read(stream: Stream) -> None:
    async for _ in stream:
        stream.acknowledge()


async def _pictures(daemon: Daemon) -> None:
    talk = asyncio.create_task(_talk(daemon))
    async with Client(daemon.uri, operator_token(daemon.folder)) as client:
        screen = Top(client, every=1.0)
        async with screen.run_test(size=SIZE) as pilot:
            await pilot.pause(TALK_SECONDS - 6.0)
            _save(screen, "overview")
            await pilot.press("enter")
            await pilot.pause(3.0)
            _save(screen, "stages")
            await pilot.press("4")
            await pilot.pause(1.0)
            _save(screen, "laggards")
    await talk


def _save(screen: Top, name: str) -> None:
    picture = _FONTS.sub("", screen.export_screenshot(title="chatctl top"))
    (FOLDER / f"{name}.svg").write_text(picture)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, Daemon("all", Path(folder)) as running:
        asyncio.run(_pictures(running))

"""Runs inside the machine: sends events to a room until there is a file load.end, and receives them
on a device, whatever happens to chatd meanwhile; prints what became of them."""

import asyncio
import json
import secrets
import time
import tomllib
from pathlib import Path

from chatd.client import Client
from chatd.errors import AlreadyExists, ChatdError


async def send(client: Client, text: str) -> int:
    """One event's seq. If it fails for now, it is sent again, under the same id."""
    end = time.monotonic() + 60
    event_id = secrets.token_hex(16)
    while True:
        try:
            return (await client.send("load", text, event_id=event_id)).seq
        except ChatdError as exc:
            if not exc.retry or time.monotonic() > end:
                raise
            await asyncio.sleep(0.2)


async def main(token: str, end: Path) -> None:
    shown: list[int] = []

    async def show(client: Client) -> None:
        async with client.stream("device") as stream:
            async for delivery in stream:
                shown.append(delivery.seq)

    async with Client("tcp://127.0.0.1:7400", token, profile="alice", call_timeout=20) as alice:
        try:
            await alice.create_room("load")
        except AlreadyExists:
            pass
        showing = asyncio.create_task(show(alice))
        await asyncio.sleep(1)
        sent: list[int] = []
        longest = 0.0
        while not await asyncio.to_thread(end.exists):
            began = time.monotonic()
            sent.append(await send(alice, f"{len(sent)}"))
            longest = max(longest, time.monotonic() - began)
            await asyncio.sleep(0.02)
        deadline = time.monotonic() + 60
        while shown[-1:] != sent[-1:] and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        showing.cancel()
    lost = sorted(set(sent) - set(shown))
    print(
        json.dumps(
            {
                "sent": len(sent),
                "lost": len(lost),
                "in_order": shown == sorted(set(shown)),
                "longest": longest,
            }
        )
    )


TOKENS = tomllib.loads(Path("/var/lib/chatd/tokens.toml").read_text())["tokens"]
asyncio.run(main(next(iter(TOKENS)), Path("load.end")))

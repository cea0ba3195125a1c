"""A process of clients: alice sends, one text after the other, until standard input ends; a device
of bob's at another gateway shows them. Prints what came of it as JSON."""

import asyncio
import json
import sys

from chatd.client import HEAD, Client
from tests.system.test_faults import show


async def talk(alice_uri: str, alice_token: str, bob_uri: str, bob_token: str, word: str) -> None:
    """Every text begins with the word."""
    loop = asyncio.get_running_loop()
    end = loop.run_in_executor(None, sys.stdin.read)
    shown: list[tuple[str, int, str]] = []
    async with (
        Client(alice_uri, alice_token, profile="alice", call_timeout=30) as alice,
        Client(bob_uri, bob_token, profile="bob", call_timeout=30) as bob,
    ):
        await alice.create_room("r", profiles=["bob"])
        async with bob.stream("laptop", start=HEAD) as laptop:
            await laptop.caught_up()
            print("talking", flush=True)
            sent: list[int] = []
            while not end.done():
                sent.append((await alice.send("r", f"{word} {len(sent)}")).seq)
            await show(laptop, shown, len(sent))
    print(json.dumps({"sent": sent, "shown": shown}))


if __name__ == "__main__":
    asyncio.run(talk(*sys.argv[1:]))

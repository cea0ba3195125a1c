"""make demo: starts `chatd all` on a fresh SQLite file, makes a room of three, sends lines as one
of them, and tails as two devices of the others, one of which connects late and is caught up from
the outbox. Shows what arrived and how long each took; fails if anything is missing."""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from chatd.client import HEAD, Client, Delivery
from tests.daemons import Daemon, operator_token

ROOM = "lobby"
LINES = [
    "good morning",
    "is anybody here?",
    "carol's phone is off, she will see this later",
    "and this",
    "bye",
]
console = Console(highlight=False)


async def receive(
    client: Client, device: str, wanted: int, connected: asyncio.Event
) -> list[tuple[Delivery, float]]:
    """The first ``wanted`` messages on a device, each with its time of arrival. ``connected`` is
    set when it has caught up."""
    arrived: list[tuple[Delivery, float]] = []
    async with client.stream(device, start=HEAD) as stream, asyncio.timeout(20):
        await stream.caught_up()
        connected.set()
        async for delivery in stream:
            if delivery.sender_id == "alice" and delivery.type == 1:
                arrived.append((delivery, time.time()))
            if len(arrived) == wanted:
                stream.acknowledge()
                break
    return arrived


def show(device: str, arrived: list[tuple[Delivery, float]]) -> None:
    table = Table(title=f"on {device}", title_justify="left", box=None, header_style="bold")
    for heading, justify in (
        ("seq", "right"),
        ("from", "left"),
        ("text", "left"),
        ("arrived after", "right"),
    ):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    for delivery, at in arrived:
        table.add_row(
            str(delivery.seq),
            delivery.sender_id,
            delivery.text,
            f"{(at - delivery.sent_at_us / 1e6) * 1e3:,.1f} ms",
        )
    console.print(table)


async def talk(uri: str, token: str) -> bool:
    async with (
        Client(uri, token, profile="alice") as alice,
        Client(uri, token, profile="bob") as bob,
        Client(uri, token, profile="carol") as carol,
    ):
        await alice.create_room(ROOM, name="The lobby", profiles=["bob", "carol"])
        async with carol.stream("phone", start=HEAD) as phone:
            await phone.caught_up()
        connected = asyncio.Event()
        laptop = asyncio.create_task(receive(bob, "laptop", len(LINES), connected))
        await connected.wait()
        console.print(
            "carol's phone was here once (so chatd knows it) and has gone; bob's laptop is connected\n"
        )
        for line in LINES:
            ack = await alice.send(ROOM, line)
            console.print(f"alice: {line}  [dim]stored as {ack.room_id}/{ack.seq}[/dim]")
            await asyncio.sleep(0.3)
        on_laptop = await laptop
        console.print("\ncarol's phone connects now\n")
        on_phone = await receive(carol, "phone", len(LINES), asyncio.Event())
    show("bob's laptop (live)", on_laptop)
    console.print()
    show("carol's phone (from the outbox)", on_phone)
    return all([delivery.text for delivery, _ in arrived] == LINES for arrived in (on_laptop, on_phone))


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="chatd-demo-") as folder:
        with Daemon("all", Path(folder)) as daemon:
            console.print(f"chatd all is up at {daemon.uri}, database {folder}/chatd.db\n")
            complete = asyncio.run(talk(daemon.uri, operator_token(Path(folder))))
        console.print(
            "\nchatd has stopped.",
            "Everything arrived, in order." if complete else "[red]Something is missing.[/red]",
        )
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())

"""chatctl watch: a room's new events, read from its log."""

import asyncio
from typing import Annotated

import typer

from chatctl.arguments import MAX_SEQ, JsonLines, RoomId
from chatctl.columns import Columns, unlisted
from chatctl.deliveries import fields
from chatctl.invocation import output, run
from chatctl.output import Output
from chatd.client import Client, Delivery
from chatd.errors import TimedOut, Unavailable

PAGE = 100
LOOK_SECONDS = 0.5

COLUMNS: Columns[Delivery] = (unlisted("room_id"), *fields())

After = Annotated[
    int, typer.Option("--after", metavar="SEQ", min=0, max=MAX_SEQ, help="Begin behind this event.")
]
Last = Annotated[int, typer.Option("--last", "-n", min=0, max=PAGE, help="Begin with the last ones.")]
Count = Annotated[int, typer.Option("--count", min=0, help="End after this many events; 0: never.")]


def watch(
    context: typer.Context,
    room: RoomId,
    last: Last = 10,
    after: After = 0,
    count: Count = 0,
    as_json: JsonLines = False,
) -> None:
    """Show a room's events as they come, without being a device: nothing is acknowledged, no
    device is made, nobody is marked as present. Ctrl-C ends it.

    Example: chatctl watch lobby --last 3
    """
    out = output(context, as_json)
    run(context, lambda client: _watch(client, out, room, last=last, after=after, count=count))


async def _watch(client: Client, out: Output, room: str, *, last: int, after: int, count: int) -> None:
    shown, away = 0, False
    seen = after or max(0, await _head(client, room) - last)
    while True:
        try:
            events = await _behind(client, room, seen)
        except (TimedOut, Unavailable) as exc:
            if not away:
                out.say(f"no answer: {exc}; trying again")
            away = True
            events = []
        else:
            if away:
                out.say("it answers again")
            away = False
        for event in events:
            out.item(event, COLUMNS)
            seen = event.seq
            shown += 1
            if shown == count:
                return
        await asyncio.sleep(LOOK_SECONDS)


async def _head(client: Client, room: str) -> int:
    newest, _ = await client.history(room, limit=1)
    return newest[-1].seq if newest else 0


async def _behind(client: Client, room: str, seen: int) -> list[Delivery]:
    """All events after ``seen``, in order; pages go backwards."""
    found: list[Delivery] = []
    before, more = 0, True
    while more and (not found or found[0].seq > seen + 1):
        page, more = await client.history(room, before_seq=before, limit=PAGE)
        if not page:
            break
        found = page + found
        before = page[0].seq
    return [event for event in found if event.seq > seen]

"""chatctl watch: new events of a room or a profile, read from the logs."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated

import typer

from chatctl.arguments import MAX_SEQ, JsonLines
from chatctl.columns import Column, Columns, unlisted
from chatctl.deliveries import fields
from chatctl.invocation import options, output, run
from chatctl.output import Output
from chatctl.times import now_us
from chatd.client import Client, Delivery
from chatd.errors import TimedOut, Unavailable

PAGE = 100
LOOK_SECONDS = 0.5
CLOCKS_DIFFER_US = 2_000_000
"""The node's clock may be so far behind this one."""

COLUMNS: Columns[Delivery] = (unlisted("room_id"), *fields())
ROOMS: Columns[Delivery] = (Column("room", "room_id"), *fields())

After = Annotated[
    int, typer.Option("--after", metavar="SEQ", min=0, max=MAX_SEQ, help="Begin behind this event.")
]
Last = Annotated[int, typer.Option("--last", "-n", min=0, max=PAGE, help="Begin with so many, of each room.")]
Count = Annotated[int, typer.Option("--count", min=0, help="End after this many events; 0: never.")]
Room = Annotated[str, typer.Argument(metavar="ROOM", help="The room's id.", show_default=False)]
Profile = Annotated[
    str, typer.Option("--profile", metavar="PROFILE", help="Instead of ROOM: all rooms of this profile.")
]


def watch(
    context: typer.Context,
    room: Room = "",
    profile: Profile = "",
    last: Last = 10,
    after: After = 0,
    count: Count = 0,
    as_json: JsonLines = False,
) -> None:
    """Show the events of a room, or of all rooms that a profile is in, as they come, without being
    a device: nothing is acknowledged, no device is made, nobody is marked as present. Ctrl-C ends
    it.

    Example: chatctl watch --profile bob
    """
    if bool(room) == bool(profile):
        raise typer.BadParameter("name a ROOM, or give --profile PROFILE")
    if profile and after:
        raise typer.BadParameter("it belongs to one ROOM", param_hint="--after")
    out = output(context, as_json)
    if profile:
        context.obj = replace(options(context), profile=profile)
        run(context, lambda client: _watch(out, RoomsOf(client, out.say, last=last), ROOMS, count))
    else:
        run(
            context, lambda client: _watch(out, OneRoom(client, room, last=last, after=after), COLUMNS, count)
        )


class OneRoom:
    """The events of one room. ``new`` gives those that have not been shown."""

    def __init__(self, client: Client, room: str, *, last: int, after: int) -> None:
        self._client = client
        self._room = room
        self._last = last
        self._seen: int | None = after or None

    async def new(self) -> list[Delivery]:
        """In order."""
        if self._seen is None:
            newest, _ = await self._client.history(self._room, limit=1)
            self._seen = max(0, (newest[-1].seq if newest else 0) - self._last)
        found = await _behind(self._client, self._room, self._seen)
        self._seen = found[-1].seq if found else self._seen
        return found


class RoomsOf:
    """The events of all rooms that the client's profile is in, by their time. A room that it joins
    begins with what has come there since the last look, and at least with its newest event."""

    def __init__(self, client: Client, say: Callable[[str], None], *, last: int) -> None:
        self._client = client
        self._say = say
        self._last = last
        self._seen: dict[str, int] = {}
        self._looked_us = 0

    async def new(self) -> list[Delivery]:
        found: list[Delivery] = []
        since, self._looked_us = self._looked_us, now_us() - CLOCKS_DIFFER_US
        rooms = await self._client.unread()
        if not rooms and not since:
            self._say("the profile is in no room yet")
        for one in rooms:
            is_joined = one.room_id not in self._seen and since > 0
            last = PAGE if is_joined else self._last
            seen = self._seen.setdefault(one.room_id, max(0, one.head_seq - last))
            if one.head_seq > seen:
                events = await _behind(self._client, one.room_id, seen)
                if is_joined:
                    events = [event for event in events if event.sent_at_us >= since] or events[-1:]
                found += events
        for event in found:
            self._seen[event.room_id] = max(event.seq, self._seen[event.room_id])
        return sorted(found, key=lambda event: event.sent_at_us)


async def _watch(out: Output, log: OneRoom | RoomsOf, columns: Columns[Delivery], count: int) -> None:
    shown, away = 0, False
    while True:
        try:
            events = await log.new()
        except (TimedOut, Unavailable) as exc:
            if not away:
                out.say(f"no answer: {exc}; trying again")
            away, events = True, []
        else:
            if away:
                out.say("it answers again")
            away = False
        for event in events:
            out.item(event, columns)
            shown += 1
            if shown == count:
                return
        await asyncio.sleep(LOOK_SECONDS)


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

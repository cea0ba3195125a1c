"""chatctl report …: the rooms, the senders and the devices that stand out."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated

import typer

from chatctl.arguments import AsJson
from chatctl.columns import Column, Columns, yes_no
from chatctl.invocation import output, run
from chatctl.lists import lists
from chatctl.output import Output
from chatctl.paging import advice
from chatctl.times import age_since, ago, now_us, parse_age
from chatd.client import Client
from chatd.pb.admin.v1 import admin_pb2

MOST_PAGES = 1_000
"""Pages of the log that are counted at most: some millions of events."""

app = typer.Typer(
    no_args_is_help=True,
    help="See the busiest rooms and senders, and the devices that are furthest behind. Operators only.",
)

Since = Annotated[str, typer.Option("--since", metavar="AGE", help="Count the last 30d, 12h, 90m or 10s.")]
MOST_ROWS = 100
Limit = Annotated[int, typer.Option("--limit", min=1, max=MOST_ROWS, help="List at most this many rows.")]


@dataclass(slots=True)
class Activity:
    """The events of a room or of a sender. ``others``: senders in the room, rooms of the sender."""

    name: str
    events: int
    others: set[str]
    last_at_us: int


def _columns(name: str, key: str, others: str) -> Columns[Activity]:
    return (
        Column(name, key, get=lambda one: one.name),
        Column("events", "events"),
        Column(others, others, get=lambda one: len(one.others)),
        Column("last", "last_at_us", ago),
    )


ROOMS = _columns("room", "room_id", "senders")
SENDERS = _columns("sender", "profile_id", "rooms")


@dataclass(slots=True)
class Laggard:
    """A device that is owed events."""

    device: admin_pb2.Device
    oldest_at_us: int


LAGGARDS: Columns[Laggard] = (
    Column("profile", "profile_id", get=lambda one: one.device.profile_id),
    Column("device", "device_id", get=lambda one: one.device.device_id),
    Column("online", "online", yes_no, get=lambda one: one.device.online),
    Column("owed", "owed", get=lambda one: one.device.owed),
    Column("rooms", "rooms_owed", get=lambda one: one.device.rooms_owed),
    Column("oldest", "oldest_at_us", age_since),
)


@app.command()
@lists
def rooms(context: typer.Context, since: Since = "1h", limit: Limit = 20, as_json: AsJson = False) -> None:
    """List the busiest rooms, by events stored since a time, joins and leaves among them.

    Example: chatctl report rooms --since 1d
    """
    _report(context, output(context, as_json), since, limit, ROOMS, lambda one: (one.room_id, one.sender_id))


@app.command()
@lists
def senders(context: typer.Context, since: Since = "1h", limit: Limit = 20, as_json: AsJson = False) -> None:
    """List the busiest senders, by events stored since a time.

    Example: chatctl report senders --since 10m
    """
    _report(
        context, output(context, as_json), since, limit, SENDERS, lambda one: (one.sender_id, one.room_id)
    )


@app.command()
@lists
def laggards(context: typer.Context, limit: Limit = 20, as_json: AsJson = False) -> None:
    """List the devices that are furthest behind: those that have been owed an event longest first.

    Example: chatctl report laggards --sort owed:desc
    """
    found, more = run(context, lambda client: _laggards(client, limit))
    output(context, as_json).rows(found, LAGGARDS, more=advice(more, limit, MOST_ROWS))


def _report(
    context: typer.Context,
    out: Output,
    since: str,
    limit: int,
    columns: Columns[Activity],
    names: Callable[[admin_pb2.EventCount], tuple[str, str]],
) -> None:
    """``names``: the one that is reported, and the other of room and sender."""
    since_us = now_us() - parse_age(since)
    counts, more = run(context, lambda client: _count(client, out, since_us))
    found = busiest(counts, names)
    if more:
        out.say("there are too many events: not all were counted; take a shorter --since")
    out.rows(found[:limit], columns, more=advice(len(found) > limit, limit, MOST_ROWS))


def busiest(
    counts: Iterable[admin_pb2.EventCount], names: Callable[[admin_pb2.EventCount], tuple[str, str]]
) -> list[Activity]:
    """All that is reported, the busiest first. Events of erased profiles are no sender's."""
    found: dict[str, Activity] = defaultdict(lambda: Activity("", 0, set(), 0))
    for count in counts:
        name, other = names(count)
        if name:
            one = found[name]
            one.name = name
            one.events += count.events
            one.others |= {other} - {""}
            one.last_at_us = max(one.last_at_us, count.last_at_us)
    return sorted(found.values(), key=lambda one: (-one.events, one.name))


async def _count(client: Client, out: Output, since_us: int) -> tuple[list[admin_pb2.EventCount], bool]:
    """Page after page; and whether there are more than that."""
    counts: list[admin_pb2.EventCount] = []
    request = admin_pb2.CountEventsRequest(since_us=since_us)
    with out.progress("counting events") as advance:
        for _ in range(MOST_PAGES):
            page = await client.call("AdminService/CountEvents", request, admin_pb2.CountEventsResponse)
            counts += page.counts
            advance(sum(one.events for one in page.counts))
            if not page.more:
                return counts, False
            request.room_id, request.before_seq = page.next_room_id, page.next_before_seq
    return counts, True


async def _laggards(client: Client, limit: int) -> tuple[list[Laggard], bool]:
    """The outbox is listed the longest owed first: so are its devices. And whether there are
    more."""
    request = admin_pb2.ListOutboxRequest(limit=1_000)
    page = await client.call("AdminService/ListOutbox", request, admin_pb2.ListOutboxResponse)
    oldest: dict[tuple[str, str], int] = {}
    for row in page.rows:
        oldest.setdefault((row.profile_id, row.device_id), row.oldest_at_us)
    found: list[Laggard] = []
    for (profile, device), at_us in list(oldest.items())[:limit]:
        one = admin_pb2.ListDevicesRequest(profile_id=profile, device_id=device, limit=1)
        devices = await client.call("AdminService/ListDevices", one, admin_pb2.ListDevicesResponse)
        found += [Laggard(known, at_us) for known in devices.devices]
    return found, len(oldest) > limit or page.more

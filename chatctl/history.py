"""chatctl room history …: a room's log."""

from typing import Annotated

import typer

from chatctl.arguments import MAX_SEQ, AsJson, RoomId, Yes
from chatctl.columns import Columns, unlisted
from chatctl.confirmation import confirm
from chatctl.deliveries import fields
from chatctl.invocation import output, run
from chatctl.lists import lists
from chatctl.output import Output
from chatctl.times import now_us, parse_age, parse_time
from chatd.client import Client, Delivery
from chatd.pb.admin.v1 import admin_pb2

app = typer.Typer(no_args_is_help=True, help="Read a room's log, remove its older part.")

Before = Annotated[
    int,
    typer.Option(
        "--before",
        metavar="SEQ",
        min=0,
        max=MAX_SEQ,
        help="Only events before this seq; 0: the newest events.",
    ),
]
After = Annotated[
    int | None,
    typer.Option(
        "--after", metavar="SEQ", min=0, max=MAX_SEQ, help="The first events after this seq; 0: the oldest."
    ),
]
Around = Annotated[
    int,
    typer.Option("--around", metavar="SEQ", min=0, max=MAX_SEQ, help="Events up to this seq and behind it."),
]
Since = Annotated[
    str,
    typer.Option(
        "--since", metavar="TIME", help="Only events from this time on: 12h, 2026-11-26, 14:05 of today."
    ),
]
Until = Annotated[str, typer.Option("--until", metavar="TIME", help="Only events from before this time.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=500, help="Show at most this many events.")]
UpTo = Annotated[
    int,
    typer.Option("--up-to", metavar="SEQ", min=0, max=MAX_SEQ, help="Remove all events up to this seq."),
]
OlderThan = Annotated[
    str,
    typer.Option("--older-than", metavar="AGE", help="Remove events older than this: 30d, 12h, 90m, 10s."),
]
Everything = Annotated[bool, typer.Option("--all", help="Remove all events there are now.")]

COLUMNS: Columns[Delivery] = (unlisted("room_id"), *fields())


@app.command()
@lists
def show(
    context: typer.Context,
    room: RoomId,
    before: Before = 0,
    after: After = None,
    around: Around = 0,
    since: Since = "",
    until: Until = "",
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Read a page of a room's log, by default the newest, in the order of the log.

    Example: chatctl --as bob room history show lobby --since 2h --limit 20
    """
    if around and (before or after is not None or since or until):
        raise typer.BadParameter("give --around, or any of --before, --after, --since and --until")
    since_us, until_us = (parse_time(text) if text else 0 for text in (since, until))
    forward = after is not None

    async def read(client: Client) -> tuple[list[Delivery], bool, bool]:
        if around:
            return await client.history_around(room, around, limit=limit)
        page, more = await client.history(
            room, before_seq=before, after_seq=after, since_us=since_us, until_us=until_us, limit=limit
        )
        return page, more and not forward, more and forward

    page, older, newer = run(context, read)
    out = output(context, as_json)
    out.rows(page, COLUMNS)
    if older and page:
        out.say(f"for older events: --before {page[0].seq}")
    if newer and page:
        out.say(f"for newer events: --after {page[-1].seq}")


@app.command()
def purge(
    context: typer.Context,
    room: RoomId,
    up_to: UpTo = 0,
    older_than: OlderThan = "",
    everything: Everything = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Remove the older part of a room's log for good, also events that are still owed: devices get
    a marker in their place. Operators only.

    Example: chatctl room history purge lobby --older-than 30d
    """
    if (up_to > 0) + bool(older_than) + everything != 1:
        raise typer.BadParameter("give one of --up-to, --older-than and --all")
    before_us = now_us() - parse_age(older_than) if older_than else 0
    part = f" older than {older_than}" if older_than else f" up to {up_to}" if up_to else ""
    confirm(f"Remove all events{part} from room {room} for good?", yes=yes)
    up_to = MAX_SEQ if everything else up_to
    request = admin_pb2.PurgeRoomHistoryRequest(room_id=room, up_to_seq=up_to, before_us=before_us)
    out = output(context, as_json)
    removed, first_seq = run(context, lambda client: _purge(client, out, request))
    out.one({"room_id": room, "removed": removed, "first_seq": first_seq})


async def _purge(client: Client, out: Output, request: admin_pb2.PurgeRoomHistoryRequest) -> tuple[int, int]:
    """Purge batch by batch. Returns the number of events removed and the log's first seq."""
    method, response = "AdminService/PurgeRoomHistory", admin_pb2.PurgeRoomHistoryResponse
    room = request.room_id
    removed = 0
    with out.progress("removing events") as advance:
        while True:
            done = await client.call(method, request, response, affinity=room)
            removed += done.removed
            advance(done.removed)
            if not done.more:
                return removed, done.first_seq
            # The first call settles where the log begins; the others only remove.
            request = admin_pb2.PurgeRoomHistoryRequest(room_id=room, up_to_seq=done.first_seq - 1)

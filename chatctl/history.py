"""chatctl room history …: read a room's log, remove its older part."""

import re
import time
from typing import Annotated, Any

import typer

from chatctl.connection import MAX_SEQ, options, run
from chatctl.output import Output, clock
from chatctl.tail import row_of
from chatd.client import Client
from chatd.pb.admin.v1 import admin_pb2

app = typer.Typer(no_args_is_help=True, help="Read a room's log, remove its older part.")

RoomId = Annotated[str, typer.Argument(metavar="ROOM", help="The room's id.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


@app.command()
def show(
    context: typer.Context,
    room: RoomId,
    before: Annotated[
        int, typer.Option("--before", metavar="SEQ", min=0, max=MAX_SEQ, help="Only events before this one; 0: the newest.")
    ] = 0,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="Events at most.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Read a page of a room's log, the newest by default, oldest line first.

    Example: chatctl --as bob room history show lobby --limit 20
    """
    page, more = run(context, lambda client: client.history(room, before_seq=before, limit=limit))
    rows = [row_of(delivery) for delivery in page]
    shown: dict[str, list[Any]] = {
        "seq": [delivery.seq for delivery in page],
        "time": [clock(delivery.sent_at_us) for delivery in page],
        "sender": [delivery.sender_id for delivery in page],
        "text": [delivery.text for delivery in page],
    }
    out = options(context).output(as_json)
    out.rows(rows, shown)
    if more and page:
        out.say(f"older: --before {page[0].seq}")


@app.command()
def purge(
    context: typer.Context,
    room: RoomId,
    up_to: Annotated[int, typer.Option("--up-to", metavar="SEQ", min=0, max=MAX_SEQ, help="Remove everything up to this event.")] = 0,
    older_than: Annotated[str, typer.Option("--older-than", metavar="AGE", help="Remove what is older: 30d, 12h, 90m, 10s.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Remove everything there is now.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove the older part of a room's log for good, also what is still owed: devices are told by a marker. Operators only.

    Example: chatctl room history purge lobby --older-than 30d
    """
    if (up_to > 0) + bool(older_than) + everything != 1:
        raise typer.BadParameter("give one of --up-to, --older-than and --all")
    before_us = time.time_ns() // 1_000 - age_us(older_than) if older_than else 0
    what = f"everything older than {older_than}" if older_than else "everything" if everything else f"everything up to {up_to}"
    if not yes:
        typer.confirm(f"Remove {what} from room {room}, for good?", abort=True, err=True)
    request = admin_pb2.PurgeRoomHistoryRequest(room_id=room, up_to_seq=MAX_SEQ if everything else up_to, before_us=before_us)
    out = options(context).output(as_json)
    removed, first_seq = run(context, lambda client: _purge(client, out, request))
    out.one({"room_id": room, "removed": removed, "first_seq": first_seq})


async def _purge(client: Client, out: Output, request: admin_pb2.PurgeRoomHistoryRequest) -> tuple[int, int]:
    removed = 0
    with out.progress("removing events") as advance:
        while True:
            done = await client.call("AdminService/PurgeRoomHistory", request, admin_pb2.PurgeRoomHistoryResponse, affinity=request.room_id)
            removed += done.removed
            advance(done.removed)
            if not done.more:
                return removed, done.first_seq
            # Where the log begins is settled by the first call; the others only remove.
            request = admin_pb2.PurgeRoomHistoryRequest(room_id=request.room_id, up_to_seq=done.first_seq - 1)


def age_us(text: str) -> int:
    """A span like 30d, 12h, 90m or 10s in microseconds. Raises typer.BadParameter."""
    match = re.fullmatch(r"(\d{1,9})([smhd])", text)
    if match is None:
        raise typer.BadParameter(f"{text!r} is no age: a number and s, m, h or d, as in 30d")
    return int(match[1]) * _UNITS[match[2]] * 1_000_000

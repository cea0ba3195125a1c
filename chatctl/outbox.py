"""chatctl outbox …: who is owed what, how many, how old, tried how often. Contents are never shown."""

import time
from typing import Annotated, Any

import typer

from chatctl.connection import MAX_SEQ, options, run
from chatctl.output import age
from chatd.pb.admin.v1 import admin_pb2

app = typer.Typer(no_args_is_help=True, help="See who is owed what. Operators only.")

Profile = Annotated[str, typer.Option("--profile", help="Only this profile.")]
Device = Annotated[str, typer.Option("--device", help="Only this device.")]
Room = Annotated[str, typer.Option("--room", help="Only this room.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1000, help="Rows at most.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command(name="list")
def list_(
    context: typer.Context, profile: Profile = "", device: Device = "", room: Room = "", limit: Limit = 100, as_json: AsJson = False
) -> None:
    """One row for each device and room with something owed, the longest owed first.

    Example: chatctl outbox list --profile bob
    """
    request = admin_pb2.ListOutboxRequest(profile_id=profile, device_id=device, room_id=room, limit=limit)
    page = run(context, lambda client: client.call("AdminService/ListOutbox", request, admin_pb2.ListOutboxResponse))
    now = time.time_ns() // 1000
    rows = [
        {
            "profile_id": row.profile_id,
            "device_id": row.device_id,
            "room_id": row.room_id,
            "owed": row.owed,
            "acked_seq": row.acked_seq,
            "owed_until_seq": row.owed_until_seq,
            "oldest_at_us": row.oldest_at_us,
            "attempts": row.attempts,
            "online": row.online,
        }
        for row in page.rows
    ]
    shown: dict[str, list[Any]] = {
        "profile": [row.profile_id for row in page.rows],
        "device": [row.device_id for row in page.rows],
        "room": [row.room_id for row in page.rows],
        "owed": [row.owed for row in page.rows],
        "events": [f"{row.acked_seq + 1}-{row.owed_until_seq}" for row in page.rows],
        "oldest": [age(now - row.oldest_at_us) for row in page.rows],
        "attempts": [row.attempts for row in page.rows],
        "online": ["yes" if row.online else "no" for row in page.rows],
    }
    options(context).output(as_json).rows(rows, shown, more=page.more)


@app.command()
def show(
    context: typer.Context,
    profile: Annotated[str, typer.Argument(metavar="PROFILE", help="Whose.")],
    device: Device = "",
    room: Room = "",
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """One row for each event owed to a profile's devices.

    Example: chatctl outbox show bob --device laptop
    """
    request = admin_pb2.ListOutboxEntriesRequest(profile_id=profile, device_id=device, room_id=room, limit=limit)
    page = run(context, lambda client: client.call("AdminService/ListOutboxEntries", request, admin_pb2.ListOutboxEntriesResponse))
    rows = [
        {
            "device_id": entry.target.device_id,
            "room_id": entry.event.room_id,
            "seq": entry.event.seq,
            "event_id": entry.event.event_id,
            "sender_id": entry.event.sender_id,
            "owed_for_us": entry.target.owed_for_us,
            "attempts": entry.target.attempts,
        }
        for entry in page.entries
    ]
    shown: dict[str, list[Any]] = {
        "device": [entry.target.device_id for entry in page.entries],
        "room": [entry.event.room_id for entry in page.entries],
        "seq": [entry.event.seq for entry in page.entries],
        "event": [entry.event.event_id for entry in page.entries],
        "sender": [entry.event.sender_id for entry in page.entries],
        "age": [age(entry.target.owed_for_us) for entry in page.entries],
        "attempts": [entry.target.attempts for entry in page.entries],
    }
    options(context).output(as_json).rows(rows, shown, more=page.more)


@app.command()
def event(
    context: typer.Context,
    room: Annotated[str, typer.Argument(metavar="ROOM", help="The room's id.")],
    seq: Annotated[int, typer.Argument(metavar="SEQ", min=1, max=MAX_SEQ, help="The event's place in it.")],
    as_json: AsJson = False,
) -> None:
    """How far one event has come: one row for each device it is for.

    Example: chatctl outbox event lobby 17
    """
    request = admin_pb2.GetBroadcastRequest(room_id=room, seq=seq)
    found = run(context, lambda client: client.call("AdminService/GetBroadcast", request, admin_pb2.GetBroadcastResponse))
    rows = [
        {
            "profile_id": target.profile_id,
            "device_id": target.device_id,
            "acked": target.acked,
            "attempts": target.attempts,
            "owed_for_us": target.owed_for_us,
        }
        for target in found.broadcast.targets
    ]
    shown: dict[str, list[Any]] = {
        "profile": [target.profile_id for target in found.broadcast.targets],
        "device": [target.device_id for target in found.broadcast.targets],
        "acked": ["yes" if target.acked else "no" for target in found.broadcast.targets],
        "attempts": [target.attempts for target in found.broadcast.targets],
        "owed for": ["" if target.acked else age(target.owed_for_us) for target in found.broadcast.targets],
    }
    options(context).output(as_json).rows(rows, shown)

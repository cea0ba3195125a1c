"""chatctl read, unread, receipts: how far a profile has read, and how far an event has come."""

from typing import Annotated, Any

import typer

from chatctl.connection import MAX_SEQ, options, run
from chatctl.output import clock

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Room = Annotated[str, typer.Argument(metavar="ROOM", help="The room's id.")]


def read(
    context: typer.Context,
    room: Room,
    seq: Annotated[int | None, typer.Argument(metavar="[SEQ]", min=1, max=MAX_SEQ, help="Up to here; default: all there is.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say that a room has been read: the profile's other devices and the room's members are told. Never goes backwards.

    Example: chatctl --as bob read lobby 17
    """
    done = run(context, lambda client: client.set_read_marker(room, seq or MAX_SEQ))
    options(context).output(as_json).one({"room_id": room, "read_seq": done.seq, "unread": done.unread})


def unread(
    context: typer.Context,
    rooms: Annotated[list[str] | None, typer.Argument(metavar="[ROOM…]", help="Only these.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show how far each of the profile's rooms has been read, and how many events are behind that.

    Example: chatctl --as bob unread
    """
    found = run(context, lambda client: client.unread(rooms or ()))
    rows = [{field.name: getattr(one, field.name) for field in one.DESCRIPTOR.fields} for one in found]
    shown: dict[str, list[Any]] = {
        "room": [one.room_id for one in found],
        "unread": [one.unread for one in found],
        "read": [f"{one.read_seq} of {one.head_seq}" for one in found],
        "last": [clock(one.read_at_us) if one.read_at_us else "never" for one in found],
    }
    options(context).output(as_json).rows(rows, shown)


def receipts(
    context: typer.Context,
    room: Room,
    seq: Annotated[int, typer.Argument(metavar="SEQ", min=1, max=MAX_SEQ, help="The event's place in it.")],
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="Profiles at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Show who has received an event, and who has read it. For members of the room, and operators.

    Example: chatctl --as alice receipts lobby 17
    """
    found = run(context, lambda client: client.delivery_status(room, seq, limit=limit))
    out = options(context).output(as_json)
    out.say(f"for {found.recipients} profiles: {found.delivered} have it, {found.read} have read it")
    rows = [
        {
            "profile_id": one.profile_id,
            "read": one.read,
            "read_at_us": one.read_at_us,
            "devices": {device.device_id: device.acked for device in one.devices},
        }
        for one in found.profiles
    ]
    shown: dict[str, list[Any]] = {
        "profile": [one.profile_id for one in found.profiles],
        "received": [", ".join(device.device_id for device in one.devices if device.acked) or "-" for one in found.profiles],
        "not yet": [", ".join(device.device_id for device in one.devices if not device.acked) or "-" for one in found.profiles],
        "read": [clock(one.read_at_us) if one.read else "no" for one in found.profiles],
    }
    out.rows(rows, shown, more=found.more)

"""chatctl room …: make rooms, look at them, change who is in them."""

from typing import Annotated, Any

import typer

from chatctl import history, room_notifications
from chatctl.connection import options, run
from chatctl.output import clock
from chatd.pb.admin.v1 import admin_pb2
from chatd.pb.chat.v1.chat_pb2 import Room

app = typer.Typer(no_args_is_help=True, help="Make rooms, look at them, change who is in them.")
app.add_typer(history.app, name="history")
app.command(name="notifications")(room_notifications.notifications)

RoomId = Annotated[str, typer.Argument(metavar="ROOM", help="The room's id.")]
Profiles = Annotated[list[str], typer.Argument(metavar="PROFILE…", help="Profiles' ids.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def room_row(room: Room) -> dict[str, object]:
    return {
        "room_id": room.room_id,
        "name": room.name,
        "members": room.member_count,
        "head_seq": room.head_seq,
        "created_by": room.created_by,
        "created_at_us": room.created_at_us,
        "hide_previews": room.hide_previews,
    }


@app.command()
def create(
    context: typer.Context,
    room: RoomId,
    members: Annotated[list[str] | None, typer.Argument(metavar="[MEMBER…]", help="First members besides yourself.")] = None,
    name: Annotated[str, typer.Option("--name", help="What people call it.")] = "",
    hide_previews: Annotated[bool, typer.Option("--hide-previews", help="Notifications say nothing of what is said in it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a room; you own it and are its first member.

    Example: chatctl --as alice room create lobby bob carol --name "The lobby"
    """
    made = run(context, lambda client: client.create_room(room, name=name, profiles=members or [], hide_previews=hide_previews))
    options(context).output(as_json).one(room_row(made))


@app.command(name="list")
def list_(
    context: typer.Context,
    after: Annotated[str, typer.Option("--after", metavar="ROOM", help="Only rooms after this one.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="Rooms at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List all rooms, by id. Operators only.

    Example: chatctl room list --json
    """
    request = admin_pb2.ListRoomsRequest(after_room_id=after, limit=limit)
    page = run(context, lambda client: client.call("AdminService/ListRooms", request, admin_pb2.ListRoomsResponse))
    rows = [room_row(room) for room in page.rooms]
    shown: dict[str, list[Any]] = {
        "room": [room.room_id for room in page.rooms],
        "name": [room.name for room in page.rooms],
        "members": [room.member_count for room in page.rooms],
        "events": [room.head_seq for room in page.rooms],
        "owner": [room.created_by for room in page.rooms],
        "made": [clock(room.created_at_us) for room in page.rooms],
    }
    options(context).output(as_json).rows(rows, shown, more=page.more)


@app.command()
def show(context: typer.Context, room: RoomId, as_json: AsJson = False) -> None:
    """Show a room and its members. Operators only.

    Example: chatctl room show lobby
    """
    request = admin_pb2.GetRoomRequest(room_id=room)
    found = run(context, lambda client: client.call("AdminService/GetRoom", request, admin_pb2.GetRoomResponse, affinity=room))
    out = options(context).output(as_json)
    members = [
        {"profile_id": one.profile_id, "owner": one.owner, "joined_seq": one.joined_seq, "devices": one.devices} for one in found.members
    ]
    thing = room_row(found.room) | {"published_seq": found.published_seq, "membership_version": found.room.membership_version}
    if out.as_json:
        out.one(thing | {"members": members})
        return
    out.one(thing | {"created_at_us": clock(found.room.created_at_us)})
    out.rows(members)


@app.command()
def add(context: typer.Context, room: RoomId, profiles: Profiles, as_json: AsJson = False) -> None:
    """Make profiles members from now on; those already there are passed over.

    Example: chatctl --as alice room add lobby dave erin
    """
    added = run(context, lambda client: client.add_members(room, profiles))
    options(context).output(as_json).rows([{"added": profile} for profile in added])


@app.command()
def remove(context: typer.Context, room: RoomId, profiles: Profiles, as_json: AsJson = False) -> None:
    """End memberships. Owners and operators may remove anybody, everybody may leave.

    Example: chatctl --as bob room remove lobby bob
    """
    removed = run(context, lambda client: client.remove_members(room, profiles))
    options(context).output(as_json).rows([{"removed": profile} for profile in removed])

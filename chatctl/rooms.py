"""chatctl room …: rooms and their members."""

from collections.abc import Sequence
from typing import Annotated

import typer

from chatctl import completion, history, room_notifications
from chatctl.arguments import AsJson, Limit, RoomId
from chatctl.columns import Column, Columns, details, record, unlisted, yes_no
from chatctl.invocation import call, output, run
from chatctl.lists import lists
from chatctl.output import Output
from chatctl.paging import next_page
from chatctl.times import clock
from chatd.pb.admin.v1 import admin_pb2
from chatd.pb.chat.v1.chat_pb2 import Room
from chatd.text import nfc

app = typer.Typer(no_args_is_help=True, help="Create rooms, look at them, change their members.")
app.add_typer(history.app, name="history")
app.command(name="notifications")(room_notifications.notifications)

COLUMNS: Columns[Room] = (
    Column("room", "room_id"),
    Column("name", "name"),
    Column("members", "members", get=lambda room: room.member_count),
    Column("events", "head_seq"),
    Column("owner", "created_by"),
    Column("made", "created_at_us", clock, detail=clock),
    unlisted("hide_previews"),
)

ORDERS = {"members": "member_count", "head_seq": "head_seq", "created_at_us": "created_at_us"}
"""Columns by which the service sorts all rooms."""

MEMBERS: Columns[admin_pb2.Member] = (
    Column("profile", "profile_id"),
    Column("owner", "owner", yes_no),
    Column("joined seq", "joined_seq"),
    Column("devices", "devices"),
)

ProfileIds = Annotated[
    list[str], typer.Argument(metavar="PROFILE", help="Ids of profiles.", autocompletion=completion.profiles)
]
FirstMembers = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="MEMBER",
        help="Profiles that are members from the start, besides you.",
        autocompletion=completion.profiles,
    ),
]
HidePreviews = Annotated[
    bool,
    typer.Option("--hide-previews", help="Notifications do not quote the room's messages."),
]


@app.command()
def create(
    context: typer.Context,
    room: RoomId,
    members: FirstMembers = None,
    name: Annotated[str, typer.Option("--name", help="The room's name for people.")] = "",
    hide_previews: HidePreviews = False,
    as_json: AsJson = False,
) -> None:
    """Create a room; you own it and are its first member.

    Example: chatctl --as alice room create lobby bob carol --name "The lobby"
    """
    profiles = members or ()
    made = run(
        context,
        lambda client: client.create_room(room, name=name, profiles=profiles, hide_previews=hide_previews),
    )
    output(context, as_json).details(made, COLUMNS)


@app.command(name="list")
@lists
def list_(
    context: typer.Context,
    after: Annotated[
        str,
        typer.Option(
            "--after", metavar="ROOM", help="Only rooms after this one, as the page before names it."
        ),
    ] = "",
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List all rooms, by id. --sort by members, events or made sorts all of them. Operators only.

    Example: chatctl room list --sort events:desc
    """
    out = output(context, as_json)
    order = out.order_by(COLUMNS, ORDERS)
    request = admin_pb2.ListRoomsRequest(limit=limit, order_by=order)
    if order:
        request.after = after
    else:
        request.after_room_id = after
    page = call(context, "AdminService/ListRooms", request, admin_pb2.ListRoomsResponse)
    last = page.next_after if order else page.rooms[-1].room_id if page.rooms else ""
    out.rows(page.rooms, COLUMNS, more=next_page(page.more, last), ordered=bool(order))


@app.command()
@lists
def show(
    context: typer.Context,
    room: RoomId,
    after: Annotated[
        str, typer.Option("--after", metavar="PROFILE", help="Only members after this one.")
    ] = "",
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """Show a room and its members, by profile. Operators only.

    Example: chatctl room show lobby
    """
    request = admin_pb2.GetRoomRequest(room_id=room, after_profile_id=after, limit=limit)
    found = call(context, "AdminService/GetRoom", request, admin_pb2.GetRoomResponse, affinity=room)
    out = output(context, as_json)
    versions = {"published_seq": found.published_seq, "membership_version": found.room.membership_version}
    if out.structured:
        members = [record(member, MEMBERS) for member in found.members]
        out.one({**record(found.room, COLUMNS), **versions, "members": members})
    else:
        out.one({**details(found.room, COLUMNS), **versions})
        out.rows(found.members, MEMBERS)
    if found.more:
        out.say(next_page(found.more, found.members[-1].profile_id))


@app.command()
def update(
    context: typer.Context,
    room: RoomId,
    name: Annotated[str | None, typer.Option("--name", help="The room's new name for people.")] = None,
    hide_previews: Annotated[
        bool | None,
        typer.Option(
            "--hide-previews/--show-previews", help="Let notifications quote the room's messages or not."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Change a room's name or settings. Owners and operators may; the room's log says what has
    changed.

    Example: chatctl --as alice room update lobby --name "The new lobby"
    """
    if name is None and hide_previews is None:
        raise typer.BadParameter("nothing to change: give --name, --hide-previews or --show-previews")
    made = run(context, lambda client: client.update_room(room, name=name, hide_previews=hide_previews))
    output(context, as_json).details(made, COLUMNS)


@app.command()
def add(context: typer.Context, room: RoomId, profiles: ProfileIds, as_json: AsJson = False) -> None:
    """Make profiles members from now on, and list those that were none.

    Example: chatctl --as alice room add lobby dave erin
    """
    added = run(context, lambda client: client.add_members(room, profiles))
    out = output(context, as_json)
    out.names("added", added)
    _say_unchanged(out, profiles, added, "already in the room")


@app.command()
def remove(context: typer.Context, room: RoomId, profiles: ProfileIds, as_json: AsJson = False) -> None:
    """End memberships, and list those that were. Owners and operators may remove any member, every
    member may leave.

    Example: chatctl --as bob room remove lobby bob
    """
    removed = run(context, lambda client: client.remove_members(room, profiles))
    out = output(context, as_json)
    out.names("removed", removed)
    _say_unchanged(out, profiles, removed, "not in the room")


def _say_unchanged(out: Output, named: Sequence[str], changed: Sequence[str], why: str) -> None:
    """Nothing was to do for the others."""
    others = [profile for profile in map(nfc, named) if profile not in changed]
    if others:
        out.say(f"{why}: {', '.join(others)}")

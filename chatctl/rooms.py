"""chatctl room …: rooms and their members."""

from typing import Annotated

import typer

from chatctl import completion, history, room_acts, room_notifications
from chatctl.arguments import AsJson, Limit, RoomId
from chatctl.changes import say_added, say_proposed, say_unchanged
from chatctl.columns import details, record
from chatctl.invocation import call, output, run
from chatctl.lists import lists
from chatctl.paging import next_page
from chatctl.room_choices import KINDS, Metadata, Rules, parse_metadata, parse_rules
from chatctl.room_columns import COLUMNS, MEMBERS, ORDERS, OWN
from chatctl.times import now_us, parse_age
from chatd.client import Client
from chatd.pb.admin.v1 import admin_pb2
from chatd.pb.chat.v1.chat_pb2 import MyRoom

app = typer.Typer(no_args_is_help=True, help="Create rooms, look at them, change their members.")
app.add_typer(history.app, name="history")
app.command(name="notifications")(room_notifications.notifications)
for act in (room_acts.direct, room_acts.find, room_acts.join, room_acts.leave, room_acts.delete):
    app.command()(act)


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
    channel: Annotated[bool, typer.Option("--channel", help="Few write, many read.")] = False,
    public: Annotated[bool, typer.Option("--public", help="Everybody may join.")] = False,
    rules: Rules = None,
    description: Annotated[str, typer.Option("--description", help="What the room is for.")] = "",
    metadata: Metadata = None,
    as_json: AsJson = False,
) -> None:
    """Create a room; you own it and are its first member.

    Example: chatctl --as alice room create lobby bob carol --name "The lobby"
    """
    made = run(
        context,
        lambda client: client.create_room(
            room,
            name=name,
            profiles=members or (),
            hide_previews=hide_previews,
            kind=KINDS["channel" if channel else "group"],
            public=public,
            rules=parse_rules(rules or ()),
            description=description,
            metadata=parse_metadata(metadata or ()),
        ),
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
def mine(
    context: typer.Context,
    since: Annotated[
        str, typer.Option("--since", metavar="AGE", help="Only rooms with news since then: 90m, 8h, 30d.")
    ] = "",
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List your rooms, those with the newest events first, and in each what is unread, and how much
    of it mentions you.

    Example: chatctl --as bob room mine --since 8h
    """
    since_us = now_us() - parse_age(since) if since else 0

    async def first(client: Client) -> list[MyRoom]:
        found = []
        async for own in client.my_rooms(changed_since_us=since_us, page=limit):
            found.append(own)
            if len(found) == limit:
                break
        return found

    output(context, as_json).rows(run(context, first), OWN)


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
    public: Annotated[
        bool | None, typer.Option("--public/--private", help="Let everybody join or not.")
    ] = None,
    rules: Rules = None,
    description: Annotated[str | None, typer.Option("--description", help="What the room is for.")] = None,
    metadata: Metadata = None,
    as_json: AsJson = False,
) -> None:
    """Change a room's name or settings; the room's log says what has changed. Owners, admins and
    operators may, rules and --public only owners and operators. --meta KEY= removes a key.

    Example: chatctl --as alice room update lobby --name "The new lobby" --rule add=admin
    """
    if (name, hide_previews, public, description) == (None,) * 4 and not rules and not metadata:
        raise typer.BadParameter("nothing to change: give --name, --description, --rule, --meta or a flag")
    done = run(
        context,
        lambda client: client.update_room(
            room,
            name=name,
            hide_previews=hide_previews,
            public=public,
            rules=parse_rules(rules or ()),
            description=description,
            metadata=parse_metadata(metadata or ()),
        ),
    )
    out = output(context, as_json)
    if not say_proposed(out, room, done.proposal_id):
        out.details(done.room, COLUMNS)


@app.command()
def add(context: typer.Context, room: RoomId, profiles: ProfileIds, as_json: AsJson = False) -> None:
    """Make profiles members from now on, and list those that were none. A service may be set so
    that they are invited: then they are listed as such.

    Example: chatctl --as alice room add lobby dave erin
    """
    done = run(context, lambda client: client.add_members(room, profiles))
    out = output(context, as_json)
    if not say_proposed(out, room, done.proposal_id):
        say_added(out, profiles, done)


@app.command()
def remove(context: typer.Context, room: RoomId, profiles: ProfileIds, as_json: AsJson = False) -> None:
    """End memberships, and list those that were. Owners and operators may remove any member, every
    member may leave.

    Example: chatctl --as bob room remove lobby bob
    """
    done = run(context, lambda client: client.remove_members(room, profiles))
    out = output(context, as_json)
    if not say_proposed(out, room, done.proposal_id):
        out.names("removed", list(done.removed))
        say_unchanged(out, profiles, done.removed, "not in the room")

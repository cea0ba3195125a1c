"""chatctl invitation …: rooms that have invited a profile, profiles that a room has invited."""

from typing import Annotated

import typer

from chatctl import completion
from chatctl.arguments import AsJson, Limit, RoomId
from chatctl.changes import say_unchanged
from chatctl.columns import Column, Columns, unlisted
from chatctl.invocation import output, run
from chatctl.lists import lists
from chatctl.members import AfterProfile
from chatctl.paging import next_page
from chatctl.room_choices import kind_name, role_name
from chatctl.rooms import ProfileIds
from chatctl.times import clock
from chatd.client import Client
from chatd.pb.chat.v1.chat_pb2 import Invitation

app = typer.Typer(no_args_is_help=True, help="List invitations to rooms, accept, decline or withdraw them.")

OWN: Columns[Invitation] = (
    Column("room", "room_id"),
    Column("name", "room_name"),
    Column("invited by", "invited_by"),
    Column("invited", "invited_at_us", clock, detail=clock),
    Column("role", "role", get=lambda one: role_name(one.role)),
    unlisted("room_kind", get=lambda one: kind_name(one.room_kind)),
)
OF_ROOM: Columns[Invitation] = (
    Column("profile", "profile_id"),
    Column("invited by", "invited_by"),
    Column("invited", "invited_at_us", clock, detail=clock),
    Column("role", "role", get=lambda one: role_name(one.role)),
)


@app.command(name="list")
@lists
def list_(
    context: typer.Context,
    room: Annotated[
        str,
        typer.Option("--room", metavar="ROOM", help="Those of this room.", autocompletion=completion.rooms),
    ] = "",
    after: AfterProfile = "",
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List your invitations, the newest first; or those of a room by profile, for its owners and
    admins, and operators. Others see those that they have made.

    Example: chatctl --as bob invitation list
    """
    out = output(context, as_json)
    if room:
        found, more = run(
            context, lambda client: client.room_invitations(room, after_profile_id=after, limit=limit)
        )
        out.rows(found, OF_ROOM, more=next_page(more, found[-1].profile_id if found else ""))
    elif after:
        raise typer.BadParameter("--after needs --room")
    else:
        out.rows(run(context, lambda client: _own(client, limit)), OWN)


async def _own(client: Client, limit: int) -> list[Invitation]:
    found: list[Invitation] = []
    async for one in client.invitations():
        if len(found) == limit:
            break
        found.append(one)
    return found


@app.command()
def accept(context: typer.Context, room: RoomId, as_json: AsJson = False) -> None:
    """Become a member of a room that has invited you.

    Example: chatctl --as bob invitation accept lobby
    """
    joined = run(context, lambda client: client.accept_invitation(room))
    output(context, as_json).one({"room_id": room, "joined": joined})


@app.command()
def decline(context: typer.Context, room: RoomId, as_json: AsJson = False) -> None:
    """Turn an invitation down. The room's members see it.

    Example: chatctl --as bob invitation decline lobby
    """
    declined = run(context, lambda client: client.decline_invitation(room))
    output(context, as_json).one({"room_id": room, "declined": declined})


@app.command()
def withdraw(context: typer.Context, room: RoomId, profiles: ProfileIds, as_json: AsJson = False) -> None:
    """Take invitations back, and list those that were. Owners, admins and operators may, others
    those that they have made.

    Example: chatctl --as alice invitation withdraw lobby dave
    """
    withdrawn = run(context, lambda client: client.withdraw_invitations(room, profiles))
    out = output(context, as_json)
    out.names("withdrawn", withdrawn)
    say_unchanged(out, profiles, withdrawn, "not invited")

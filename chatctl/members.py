"""chatctl member …: roles and bans."""

from typing import Annotated

import typer

from chatctl import completion
from chatctl.arguments import AsJson, Limit, RoomId
from chatctl.changes import say_added, say_proposed, say_unchanged
from chatctl.columns import Column, Columns, unlisted
from chatctl.invocation import output, run
from chatctl.lists import lists
from chatctl.paging import next_page
from chatctl.room_choices import AsRole, Role, parse_role, role_name
from chatctl.rooms import ProfileIds
from chatctl.times import clock
from chatd.pb.chat.v1.chat_pb2 import Ban, RoomMember

app = typer.Typer(no_args_is_help=True, help="List, add and remove members, give them roles, ban profiles.")

AfterProfile = Annotated[
    str,
    typer.Option(
        "--after",
        metavar="PROFILE",
        help="Only profiles after this one.",
        autocompletion=completion.profiles,
    ),
]
COLUMNS: Columns[RoomMember] = (
    Column("profile", "profile_id"),
    Column("role", "role", get=lambda member: role_name(member.role)),
    Column("joined seq", "joined_seq"),
    Column("read seq", "read_seq"),
    Column("delivered seq", "delivered_seq"),
    unlisted("delivered_after_seq"),
)
BANS: Columns[Ban] = (
    Column("profile", "profile_id"),
    Column("banned", "banned_at_us", clock, detail=clock),
    Column("seq", "seq"),
)


@app.command(name="list")
@lists
def list_(
    context: typer.Context,
    room: RoomId,
    after: AfterProfile = "",
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List the members of a room by profile, with their roles and how far they have read it.

    Example: chatctl --as alice member list lobby
    """
    found, more = run(context, lambda client: client.members(room, after_profile_id=after, limit=limit))
    output(context, as_json).rows(found, COLUMNS, more=next_page(more, found[-1].profile_id if found else ""))


@app.command()
def add(
    context: typer.Context,
    room: RoomId,
    profiles: ProfileIds,
    role: AsRole = "member",
    as_json: AsJson = False,
) -> None:
    """Make profiles members from now on, and list those that were none. A service may be set so
    that they are invited: then they are listed as such.

    Example: chatctl --as alice member add lobby dave erin --role guest
    """
    done = run(context, lambda client: client.add_members(room, profiles, role=parse_role(role)))
    out = output(context, as_json)
    if not say_proposed(out, room, done.proposal_id):
        say_added(out, profiles, done)


@app.command()
def remove(context: typer.Context, room: RoomId, profiles: ProfileIds, as_json: AsJson = False) -> None:
    """End memberships, and list those that were. Owners and operators may remove any member, admins
    and moderators those with lower roles, every member may leave.

    Example: chatctl --as bob member remove lobby bob
    """
    done = run(context, lambda client: client.remove_members(room, profiles))
    out = output(context, as_json)
    if not say_proposed(out, room, done.proposal_id):
        out.names("removed", list(done.removed))
        say_unchanged(out, profiles, done.removed, "not in the room")


@app.command()
def role(
    context: typer.Context, room: RoomId, role: Role, profiles: ProfileIds, as_json: AsJson = False
) -> None:
    """Give members a role, and list those that had another. Owners and operators give any, admins
    and moderators those below their own.

    Example: chatctl --as alice member role lobby moderator bob
    """
    done = run(context, lambda client: client.set_member_role(room, profiles, parse_role(role)))
    out = output(context, as_json)
    if not say_proposed(out, room, done.proposal_id):
        out.names("changed", list(done.changed))
        say_unchanged(out, profiles, done.changed, f"{role} already")


@app.command()
def ban(context: typer.Context, room: RoomId, profiles: ProfileIds, as_json: AsJson = False) -> None:
    """Remove profiles from a room, and let them not come back; list those that were not banned.
    Those who may remove members may ban, and profiles that are no members can be banned, too.

    Example: chatctl --as alice member ban lobby eve
    """
    done = run(context, lambda client: client.ban(room, profiles))
    out = output(context, as_json)
    if not say_proposed(out, room, done.proposal_id):
        out.names("banned", list(done.banned))
        say_unchanged(out, profiles, done.banned, "banned already")


@app.command()
def unban(context: typer.Context, room: RoomId, profiles: ProfileIds, as_json: AsJson = False) -> None:
    """Take bans back, and list the profiles that were banned. It makes nobody a member.

    Example: chatctl --as alice member unban lobby eve
    """
    done = run(context, lambda client: client.unban(room, profiles))
    out = output(context, as_json)
    if not say_proposed(out, room, done.proposal_id):
        out.names("unbanned", list(done.unbanned))
        say_unchanged(out, profiles, done.unbanned, "not banned")


@app.command()
@lists
def bans(
    context: typer.Context,
    room: RoomId,
    after: AfterProfile = "",
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List the profiles that are banned from a room, by id. For its owners, admins and moderators,
    and operators.

    Example: chatctl member bans lobby
    """
    found, more = run(context, lambda client: client.bans(room, after_profile_id=after, limit=limit))
    output(context, as_json).rows(found, BANS, more=next_page(more, found[-1].profile_id if found else ""))

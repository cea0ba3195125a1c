"""chatctl block …: profiles that have no direct room with a profile, and cannot add it to rooms."""

import typer

from chatctl.arguments import AsJson, Limit
from chatctl.changes import say_unchanged
from chatctl.columns import Column, Columns
from chatctl.invocation import output, run
from chatctl.lists import lists
from chatctl.members import AfterProfile
from chatctl.paging import next_page
from chatctl.rooms import ProfileIds
from chatctl.times import clock
from chatd.pb.chat.v1.chat_pb2 import Blocked

app = typer.Typer(no_args_is_help=True, help="Block profiles, unblock them, list them.")

COLUMNS: Columns[Blocked] = (
    Column("profile", "profile_id"),
    Column("blocked", "blocked_at_us", clock, detail=clock),
)


@app.command()
def add(context: typer.Context, profiles: ProfileIds, as_json: AsJson = False) -> None:
    """Have no direct rooms with profiles, and be added to no room by them; list those that were not
    blocked. Rooms that you share with them stay as they are.

    Example: chatctl --as alice block add eve
    """
    blocked = run(context, lambda client: client.block(profiles))
    out = output(context, as_json)
    out.names("blocked", blocked)
    say_unchanged(out, profiles, blocked, "blocked already")


@app.command()
def remove(context: typer.Context, profiles: ProfileIds, as_json: AsJson = False) -> None:
    """Block profiles no longer, and list those that were.

    Example: chatctl --as alice block remove eve
    """
    unblocked = run(context, lambda client: client.unblock(profiles))
    out = output(context, as_json)
    out.names("unblocked", unblocked)
    say_unchanged(out, profiles, unblocked, "not blocked")


@app.command(name="list")
@lists
def list_(
    context: typer.Context, after: AfterProfile = "", limit: Limit = 100, as_json: AsJson = False
) -> None:
    """List the profiles that you have blocked, by id.

    Example: chatctl --as alice block list
    """
    found, more = run(context, lambda client: client.blocked(after_profile_id=after, limit=limit))
    output(context, as_json).rows(found, COLUMNS, more=next_page(more, found[-1].profile_id if found else ""))

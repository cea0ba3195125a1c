"""chatctl profile …: what can be done to a profile as a whole."""

from typing import Annotated

import typer

from chatctl.connection import options, run
from chatctl.output import Output
from chatd.client import Client
from chatd.pb.admin.v1 import admin_pb2

app = typer.Typer(no_args_is_help=True, help="Remove a profile and what it said. Operators only.")


@app.callback()
def root() -> None:
    """Without a callback typer would take the only command's name away."""


@app.command()
def erase(
    context: typer.Context,
    profile: Annotated[str, typer.Argument(metavar="PROFILE", help="Its id.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Erase a profile for good: it leaves its rooms, its devices are forgotten, and of its events only the places in the logs are left.

    Example: chatctl profile erase bob
    """
    if not yes:
        typer.confirm(f"Erase profile {profile} and everything it said, for good?", abort=True, err=True)
    out = options(context).output(as_json)
    erased = run(context, lambda client: _erase(client, out, admin_pb2.EraseProfileRequest(profile_id=profile)))
    out.one({"profile_id": profile, "events_erased": erased})


async def _erase(client: Client, out: Output, request: admin_pb2.EraseProfileRequest) -> int:
    erased = 0
    with out.progress("erasing events") as advance:
        while True:
            done = await client.call("AdminService/EraseProfile", request, admin_pb2.EraseProfileResponse, affinity=request.profile_id)
            erased += done.erased
            advance(done.erased)
            if not done.more:
                return erased

"""chatctl profile …: actions on a whole profile."""

import typer

from chatctl.arguments import AsJson, ProfileId, Yes
from chatctl.confirmation import confirm
from chatctl.invocation import output, run
from chatctl.output import Output
from chatd.client import Client
from chatd.pb.admin.v1 import admin_pb2

app = typer.Typer(
    no_args_is_help=True,
    help="Erase a profile and the contents of its events. Operators only.",
)


@app.callback()
def root() -> None:
    """Keep the name of the only command: without a callback, typer would leave it out."""


@app.command()
def erase(context: typer.Context, profile: ProfileId, yes: Yes = False, as_json: AsJson = False) -> None:
    """Erase a profile for good: it leaves its rooms, its devices are forgotten, and of its events
    only their places in the logs are kept.

    Example: chatctl profile erase bob
    """
    confirm(f"Erase profile {profile} and the contents of all its events for good?", yes=yes)
    out = output(context, as_json)
    erased = run(context, lambda client: _erase(client, out, profile))
    out.one({"profile_id": profile, "events_erased": erased})


async def _erase(client: Client, out: Output, profile: str) -> int:
    """Erase batch by batch. Returns the number of events erased."""
    method, response = "AdminService/EraseProfile", admin_pb2.EraseProfileResponse
    request = admin_pb2.EraseProfileRequest(profile_id=profile)
    erased = 0
    with out.progress("erasing events") as advance:
        while True:
            done = await client.call(method, request, response, affinity=profile)
            erased += done.erased
            advance(done.erased)
            if not done.more:
                return erased

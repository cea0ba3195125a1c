"""chatctl connections: the devices that are connected now; chatctl connection …: acts on them."""

from typing import Annotated

import typer

from chatctl.arguments import AfterDevice, AsJson, Limit, OnlyProfile, Yes
from chatctl.columns import Column, Columns
from chatctl.confirmation import confirm
from chatctl.delivery_story import Recipient
from chatctl.invocation import call, output
from chatctl.lists import lists
from chatctl.named import recipient
from chatctl.paging import next_page
from chatctl.silent import say_silent
from chatctl.times import age_since, ago
from chatd.pb.admin.v1 import admin_pb2

app = typer.Typer(no_args_is_help=True, help="End connections. Operators only.")

ENDED: Columns[admin_pb2.EndedStream] = (
    Column("profile", "profile_id"),
    Column("device", "device_id"),
    Column("epoch", "epoch"),
    Column("gateway", "gateway_id"),
    Column("address", "address"),
)
COLUMNS: Columns[admin_pb2.Connection] = (
    Column("profile", "profile_id"),
    Column("device", "device_id"),
    Column("epoch", "epoch"),
    Column("gateway", "gateway_id"),
    Column("client", "client"),
    Column("for", "since_us", age_since),
    Column("heard", "seen_us", ago),
)


Whom = Annotated[str, typer.Argument(metavar="PROFILE[/DEVICE]", help="All its devices, or one.")]


@app.callback()
def root() -> None:
    """Keep the name of the only command: without a callback, typer would leave it out."""


@app.command()
def kick(context: typer.Context, whom: Whom, yes: Yes = False, as_json: AsJson = False) -> None:
    """End the streams of a profile or of one device, at whichever gateways they are, and list them.
    A device is told that an operator did it, and may come back at once: to keep it out, revoke its
    token.

    Example: chatctl connection kick bob/phone
    """
    who = recipient(whom)
    confirm(f"End {'the stream' if who.device_id else 'all streams'} of {who}?", yes=yes)
    done = call(context, "AdminService/KickConnections", kicking(who), admin_pb2.KickConnectionsResponse)
    out = output(context, as_json)
    out.rows(done.ended, ENDED)
    if had_none(done):
        out.say(f"{who} had no stream")
    say_silent(out, done.silent)


def kicking(who: Recipient) -> admin_pb2.KickConnectionsRequest:
    """The request that ends these streams."""
    return admin_pb2.KickConnectionsRequest(profile_id=who.profile_id, device_id=who.device_id)


def had_none(done: admin_pb2.KickConnectionsResponse) -> bool:
    """True if there was no stream to end. A gateway that did not answer may still have one."""
    return not done.ended and not done.silent


@lists
def connections(
    context: typer.Context,
    profile: OnlyProfile = "",
    after: AfterDevice = "",
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List connected devices. A connection that lives is heard once in CONNECTION_TOUCH_SECONDS (60
    s). One that went with its gateway is listed until it has missed three times. Operators only.

    Example: chatctl connections --profile bob
    """
    after_profile, _, after_device = after.partition(":")
    request = admin_pb2.ListConnectionsRequest(
        profile_id=profile, limit=limit, after_profile_id=after_profile, after_device_id=after_device
    )
    page = call(context, "AdminService/ListConnections", request, admin_pb2.ListConnectionsResponse)
    last = page.connections[-1] if page.connections else admin_pb2.Connection()
    more = next_page(page.more, f"{last.profile_id}:{last.device_id}")
    output(context, as_json).rows(page.connections, COLUMNS, more=more)

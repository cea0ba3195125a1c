"""chatctl connections: the devices that are connected now."""

import typer

from chatctl.arguments import AsJson, Limit, OnlyProfile
from chatctl.columns import Column, Columns
from chatctl.invocation import call, output
from chatctl.paging import advice
from chatctl.times import age_since, ago
from chatd.pb.admin.v1 import admin_pb2

COLUMNS: Columns[admin_pb2.Connection] = (
    Column("profile", "profile_id"),
    Column("device", "device_id"),
    Column("epoch", "epoch"),
    Column("gateway", "gateway_id"),
    Column("client", "client"),
    Column("for", "since_us", age_since),
    Column("heard", "seen_us", ago),
)


def connections(
    context: typer.Context,
    profile: OnlyProfile = "",
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List connected devices. A connection that lives is heard once in CONNECTION_TOUCH_SECONDS (60
    s); one that was heard longer ago is gone, together with its gateway. Operators only.

    Example: chatctl connections --profile bob
    """
    request = admin_pb2.ListConnectionsRequest(profile_id=profile, limit=limit)
    page = call(context, "AdminService/ListConnections", request, admin_pb2.ListConnectionsResponse)
    more = advice(page.more, limit, {"--profile": profile})
    output(context, as_json).rows(page.connections, COLUMNS, more=more)

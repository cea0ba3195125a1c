"""chatctl nodes: the processes that serve."""

import typer

from chatctl.arguments import AsJson
from chatctl.columns import Column, Columns, list_only, unlisted
from chatctl.invocation import output, run
from chatctl.lists import lists
from chatctl.times import age, age_since
from chatd.client import Client
from chatd.pb.admin.v1 import admin_pb2


def _up(node: admin_pb2.Node) -> str:
    return age_since(node.started_at_us) if node.lease_left_us > 0 or node.refused else "-"


def _serves(node: admin_pb2.Node) -> str:
    if node.refused:
        return f"refused: {node.refused}"
    if node.drained and node.lease_left_us > 0:
        return "no: drained"
    return "yes" if node.lease_left_us > 0 else f"no, for {age(-node.lease_left_us)}"


COLUMNS: Columns[admin_pb2.Node] = (
    Column("node", "node_id"),
    Column("kind", "kind"),
    Column("address", "uri"),
    unlisted("queue_uri"),
    Column("version", "version"),
    Column("protocol", "protocol"),
    unlisted("started_at_us"),
    list_only("up", _up),
    unlisted("lease_left_us"),
    unlisted("refused"),
    unlisted("drained"),
    list_only("serves", _serves, bad=lambda node: bool(node.refused) or node.lease_left_us <= 0),
)


@lists
def nodes(context: typer.Context, as_json: AsJson = False) -> None:
    """List default nodes and gateways that serve, and those that stopped in the last hour.
    Operators only.

    Example: chatctl nodes
    """
    found, away_since_us = run(context, _ask)
    out = output(context, as_json)
    out.rows(found.nodes, COLUMNS)
    if away_since_us:
        out.say(
            f"the database has been away for {age_since(away_since_us)}: no lease can be renewed, and nobody "
            "knows who serves"
        )


async def _ask(client: Client) -> tuple[admin_pb2.ListNodesResponse, int]:
    """The nodes; and if a lease has run out, since when the database is away."""
    nodes = await client.call(
        "AdminService/ListNodes", admin_pb2.ListNodesRequest(), admin_pb2.ListNodesResponse
    )
    if all(one.lease_left_us > 0 for one in nodes.nodes):
        return nodes, 0
    status = await client.call(
        "AdminService/GetStatus", admin_pb2.GetStatusRequest(), admin_pb2.GetStatusResponse
    )
    return nodes, status.database_away_since_us

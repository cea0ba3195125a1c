"""chatctl status, nodes and connections: what the node that answers has done, who serves, and who is connected."""

import time
from typing import Annotated, Any

import typer

from chatctl.connection import options, run
from chatctl.output import age
from chatd.pb.admin.v1 import admin_pb2

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Show the counters of the node that answers, and of the gateways that ask it. Operators only.

    Example: chatctl status --json
    """
    found = run(context, lambda client: client.call("AdminService/GetStatus", admin_pb2.GetStatusRequest(), admin_pb2.GetStatusResponse))
    output = options(context).output(as_json)
    shown: dict[str, Any] = {field.name: getattr(found, field.name) for field in found.DESCRIPTOR.fields if field.name != "gateways"}
    gateways: list[dict[str, Any]] = [
        {"gateway_id": one.gateway_id, "uri": one.uri, "counters": dict(sorted(one.counters.items()))} for one in found.gateways
    ]
    if output.as_json:
        shown["gateways"] = gateways
    for gateway in [] if output.as_json else gateways:
        shown |= {f"{gateway['gateway_id']} {gateway['uri']} {name}": count for name, count in gateway["counters"].items()}
    output.one(shown)


def connections(
    context: typer.Context,
    profile: Annotated[str, typer.Option("--profile", help="Only this profile.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="Rows at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List connected devices. Operators only.

    Example: chatctl connections --profile bob
    """
    request = admin_pb2.ListConnectionsRequest(profile_id=profile, limit=limit)
    page = run(context, lambda client: client.call("AdminService/ListConnections", request, admin_pb2.ListConnectionsResponse))
    now = time.time_ns() // 1000
    rows = [{field.name: getattr(one, field.name) for field in one.DESCRIPTOR.fields} for one in page.connections]
    shown: dict[str, list[Any]] = {
        "profile": [one.profile_id for one in page.connections],
        "device": [one.device_id for one in page.connections],
        "epoch": [one.epoch for one in page.connections],
        "gateway": [one.gateway_id for one in page.connections],
        "client": [one.client for one in page.connections],
        "for": [age(now - one.since_us) for one in page.connections],
        "heard": [f"{age(now - one.seen_us)} ago" for one in page.connections],
    }
    options(context).output(as_json).rows(rows, shown, more=page.more)


def nodes(context: typer.Context, as_json: AsJson = False) -> None:
    """List the default nodes and gateways that serve, and those that have stopped within the hour. Operators only.

    Example: chatctl nodes
    """
    found = run(context, lambda client: client.call("AdminService/ListNodes", admin_pb2.ListNodesRequest(), admin_pb2.ListNodesResponse))
    now = time.time_ns() // 1000
    rows = [{field.name: getattr(one, field.name) for field in one.DESCRIPTOR.fields} for one in found.nodes]
    shown: dict[str, list[Any]] = {
        "node": [one.node_id for one in found.nodes],
        "kind": [one.kind for one in found.nodes],
        "address": [one.uri for one in found.nodes],
        "version": [one.version for one in found.nodes],
        "up": [age(now - one.started_at_us) if one.lease_left_us > 0 else "-" for one in found.nodes],
        "serves": ["yes" if one.lease_left_us > 0 else f"no, for {age(-one.lease_left_us)}" for one in found.nodes],
    }
    options(context).output(as_json).rows(rows, shown)

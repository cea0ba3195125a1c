"""chatctl status: the counters of one node and of the gateways that ask it."""

import typer

from chatctl.arguments import AsJson
from chatctl.invocation import call, output
from chatctl.times import age_since, clock
from chatd.pb.admin.v1 import admin_pb2

DEGRADED = 3


def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Show the counters of the node that answers, and of the gateways that ask it. Operators only.

    Exits with 3 if the node's database is away.

    Example: chatctl status --json
    """
    found = call(context, "AdminService/GetStatus", admin_pb2.GetStatusRequest(), admin_pb2.GetStatusResponse)
    shown: dict[str, object] = {
        field.name: getattr(found, field.name)
        for field in found.DESCRIPTOR.fields
        if field.name != "gateways"
    }
    out = output(context, as_json)
    if out.structured:
        shown["gateways"] = [_gateway(one) for one in found.gateways]
    else:
        del shown["database_away_since_us"]
        shown["uptime_seconds"] = round(found.uptime_seconds)
        if found.database_away_since_us:
            shown["database"] = (
                f"{found.database}: away since {clock(found.database_away_since_us)}, for "
                f"{age_since(found.database_away_since_us)}"
            )
        for one in found.gateways:
            if one.refused:
                shown[f"{one.gateway_id} {_place(one)}"] = f"refused: {one.refused}"
            shown |= {
                f"{one.gateway_id} {_place(one)} {name}": count
                for name, count in sorted(one.counters.items())
            }
    out.one(shown)
    if found.database_away_since_us:
        raise typer.Exit(DEGRADED)


def _gateway(gateway: admin_pb2.GatewayStatus) -> dict[str, object]:
    return {
        "gateway_id": gateway.gateway_id,
        "uri": gateway.uri,
        "counters": dict(sorted(gateway.counters.items())),
        "refused": gateway.refused,
    }


def _place(gateway: admin_pb2.GatewayStatus) -> str:
    """The address without its key."""
    return gateway.uri.partition("#")[0] if gateway.uri.startswith("tcp:") else gateway.uri

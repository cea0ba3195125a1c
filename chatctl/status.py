"""chatctl status: the counters of one node and of the gateways that ask it."""

import typer

from chatctl.arguments import AsJson
from chatctl.invocation import call, output
from chatd.pb.admin.v1 import admin_pb2


def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Show the counters of the node that answers, and of the gateways that ask it. Operators only.

    Example: chatctl status --json
    """
    found = call(context, "AdminService/GetStatus", admin_pb2.GetStatusRequest(), admin_pb2.GetStatusResponse)
    shown: dict[str, object] = {field.name: getattr(found, field.name) for field in found.DESCRIPTOR.fields if field.name != "gateways"}
    out = output(context, as_json)
    if out.as_json:
        shown["gateways"] = [_gateway(one) for one in found.gateways]
    else:
        for one in found.gateways:
            shown |= {f"{one.gateway_id} {one.uri} {name}": count for name, count in sorted(one.counters.items())}
    out.one(shown)


def _gateway(gateway: admin_pb2.GatewayStatus) -> dict[str, object]:
    return {"gateway_id": gateway.gateway_id, "uri": gateway.uri, "counters": dict(sorted(gateway.counters.items()))}

"""chatctl status: the counters of one node."""

import typer

from chatctl.arguments import AsJson
from chatctl.invocation import call, output
from chatd.pb.admin.v1 import admin_pb2


def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Show the counters of the node that answers. Operators only.

    Example: chatctl status --json
    """
    found = call(context, "AdminService/GetStatus", admin_pb2.GetStatusRequest(), admin_pb2.GetStatusResponse)
    counters = {field.name: getattr(found, field.name) for field in found.DESCRIPTOR.fields}
    output(context, as_json).one(counters)

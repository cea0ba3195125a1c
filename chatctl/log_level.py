"""chatctl log-level: the level of running processes' logs."""

from typing import Annotated

import typer

from chatctl import completion
from chatctl.arguments import AsJson
from chatctl.columns import Column, Columns
from chatctl.invocation import call, output
from chatctl.silent import say_silent
from chatd.pb.admin.v1 import admin_pb2

COLUMNS: Columns[admin_pb2.ProcessLogLevel] = (
    Column("process", "node_id"),
    Column("kind", "kind"),
    Column("level", "level"),
    Column("before", "before"),
)

Level = Annotated[
    str,
    typer.Argument(metavar="LEVEL", help="debug, info, warning or error; default: only show the levels."),
]
OnlyNode = Annotated[
    str,
    typer.Option("--node", metavar="NAME", help="Only this default node.", autocompletion=completion.nodes),
]
OnlyGateway = Annotated[
    str,
    typer.Option("--gateway", metavar="NAME", help="Only this gateway.", autocompletion=completion.gateways),
]


def log_level(
    context: typer.Context,
    level: Level = "",
    node: OnlyNode = "",
    gateway: OnlyGateway = "",
    as_json: AsJson = False,
) -> None:
    """Set the lowest level that processes log, until they reload or are started again; without a
    level, show it. All processes, or one. Operators only.

    Example: chatctl log-level debug --gateway g1
    """
    request = admin_pb2.SetLogLevelRequest(level=level, gateway_id=gateway, node_id=node)
    done = call(context, "AdminService/SetLogLevel", request, admin_pb2.SetLogLevelResponse)
    out = output(context, as_json)
    out.rows(done.processes, COLUMNS)
    say_silent(out, done.silent)

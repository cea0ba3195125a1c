"""chatctl gateway …, chatctl node …: processes that are taken out of service, and serve again."""

import asyncio
from typing import Annotated

import typer

from chatctl import completion
from chatctl.arguments import AsJson, Yes
from chatctl.columns import counted
from chatctl.confirmation import confirm
from chatctl.invocation import call, output, run
from chatctl.output import Output
from chatd.client import Client
from chatd.pb.admin.v1 import admin_pb2

LOOK_SECONDS = 0.5

gateway = typer.Typer(
    no_args_is_help=True, help="Take a gateway out of service, and let it serve again. Operators only."
)
node = typer.Typer(
    no_args_is_help=True, help="Take a default node out of service, and let it serve again. Operators only."
)

GatewayName = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="The gateway's id: chatctl nodes.", autocompletion=completion.gateways
    ),
]
NodeName = Annotated[
    str, typer.Argument(metavar="NAME", help="The node's id: chatctl nodes.", autocompletion=completion.nodes)
]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Do not wait until its devices have left.")]


def draining(kind: str, name: str) -> admin_pb2.DrainProcessRequest:
    """The request that drains a process; ``kind`` as in ``Node.kind``."""
    if kind == "gateway":
        return admin_pb2.DrainProcessRequest(gateway_id=name)
    return admin_pb2.DrainProcessRequest(node_id=name)


def resuming(kind: str, name: str) -> admin_pb2.ResumeProcessRequest:
    """The request that resumes it."""
    if kind == "gateway":
        return admin_pb2.ResumeProcessRequest(gateway_id=name)
    return admin_pb2.ResumeProcessRequest(node_id=name)


def left(kind: str, done: admin_pb2.DrainProcessResponse) -> str:
    """The rest that is left, in words."""
    return f"{counted(done.left, 'stream' if kind == 'gateway' else 'call')} left"


@gateway.command("drain")
def drain_gateway(
    context: typer.Context,
    name: GatewayName,
    yes: Yes = False,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Take a gateway out of service: it takes no new streams, and sends its devices to other
    gateways, one by one within DRAIN_SECONDS. It lives on until it is stopped, resumed, or started
    again. Ctrl-C ends the wait, not the drain.

    Example: chatctl gateway drain g1
    """
    confirm(f"Drain gateway {name}, and send its devices away?", yes=yes)
    out = output(context, as_json)
    streams = run(context, lambda client: _drain(client, out, name, wait=not no_wait))
    out.one({"gateway_id": name, "drained": True, "streams_left": streams})


async def _drain(client: Client, out: Output, name: str, *, wait: bool) -> int:
    begun = await client.call(
        "AdminService/DrainProcess", draining("gateway", name), admin_pb2.DrainProcessResponse
    )
    if not begun.elsewhere:
        out.say("there is no other gateway: its devices have nowhere to go until it is resumed")
    streams = begun.left
    with out.progress(f"streams that have left gateway {name}, of {begun.left}") as advance:
        while wait and streams:
            await asyncio.sleep(LOOK_SECONDS)
            now = await _streams(client, name)
            advance(streams - now)
            streams = now
    return streams


async def _streams(client: Client, name: str) -> int:
    status = await client.call(
        "AdminService/GetStatus", admin_pb2.GetStatusRequest(), admin_pb2.GetStatusResponse
    )
    return sum(one.streams for one in status.gateways if one.gateway_id == name)


@gateway.command("resume")
def resume_gateway(context: typer.Context, name: GatewayName, as_json: AsJson = False) -> None:
    """Let a drained gateway take streams again. Devices that have left it stay where they are.

    Example: chatctl gateway resume g1
    """
    _resume(context, "gateway", name, as_json)


@node.command("drain")
def drain_node(context: typer.Context, name: NodeName, yes: Yes = False, as_json: AsJson = False) -> None:
    """Take a default node out of service: gateways call others instead. It lives on, and publishes
    what it has stored, until it is stopped, resumed, or started again. The last one that serves is
    not drained.

    Example: chatctl node drain n1
    """
    confirm(f"Drain default node {name}?", yes=yes)
    done = call(
        context, "AdminService/DrainProcess", draining("default", name), admin_pb2.DrainProcessResponse
    )
    output(context, as_json).one({"node_id": name, "drained": True, "calls_left": done.left})


@node.command("resume")
def resume_node(context: typer.Context, name: NodeName, as_json: AsJson = False) -> None:
    """Let a drained default node be called again.

    Example: chatctl node resume n1
    """
    _resume(context, "default", name, as_json)


def _resume(context: typer.Context, kind: str, name: str, as_json: bool) -> None:
    done = call(context, "AdminService/ResumeProcess", resuming(kind, name), admin_pb2.ResumeProcessResponse)
    out = output(context, as_json)
    if not done.resumed:
        out.say("it was not drained")
    out.one({"gateway_id" if kind == "gateway" else "node_id": name, "resumed": done.resumed})

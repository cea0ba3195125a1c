"""chatctl check: what an operator would look at, each with what to do."""

import time
from typing import Annotated

import typer

from chatctl.arguments import AsJson
from chatctl.columns import Column, Columns
from chatctl.findings import Finding, Looked, findings
from chatctl.invocation import output, run
from chatctl.machine_findings import machine_findings
from chatctl.times import now_us, parse_age
from chatd.client import Client
from chatd.pb.admin.v1 import admin_pb2 as admin

DEGRADED = 3

OwedFor = Annotated[
    str, typer.Option("--owed-for", metavar="AGE", help="Connected devices may be owed events so long.")
]


COLUMNS: Columns[Finding] = (
    Column("check", "check", get=lambda one: one.name),
    Column(
        "is",
        "verdict",
        get=lambda one: "good" if one.is_good else "BAD",
        bad=lambda one: not one.is_good,
    ),
    Column("found", "found"),
    Column("what to do", "advice"),
)


def check(context: typer.Context, owed_for: OwedFor = "5m", as_json: AsJson = False) -> None:
    """Check what an operator would look at: does everything answer, does everybody get their
    events? Says what to do where not, and exits with 3. Operators only.

    Example: chatctl check
    """
    allowed = parse_age(owed_for)
    looked, machines, took = run(context, _look)
    now = now_us()
    found = findings(looked, now_us=now, owed_for_us=allowed)
    found += machine_findings(machines, took_us=round(took * 1e6), now_us=now)
    output(context, as_json).rows(found, COLUMNS)
    if not all(one.is_good for one in found):
        raise typer.Exit(DEGRADED)


async def _look(client: Client) -> tuple[Looked, admin.InspectProcessesResponse, float]:
    """All that is known, the processes with their machines, and the seconds in which these
    answered."""
    looked = await _look_at_service(client)
    began = time.monotonic()
    request = admin.InspectProcessesRequest()
    machines = await client.call("AdminService/InspectProcesses", request, admin.InspectProcessesResponse)
    return looked, machines, time.monotonic() - began


async def _look_at_service(client: Client) -> Looked:
    began = time.monotonic()
    status = await client.call("AdminService/GetStatus", admin.GetStatusRequest(), admin.GetStatusResponse)
    took = time.monotonic() - began
    nodes = await client.call("AdminService/ListNodes", admin.ListNodesRequest(), admin.ListNodesResponse)
    if status.database_away_since_us:
        return Looked(status, took, nodes)
    laggards = await client.call(
        "AdminService/ListOutbox", admin.ListOutboxRequest(limit=1_000), admin.ListOutboxResponse
    )
    letters = await client.call(
        "AdminService/ListDeadLetters",
        admin.ListDeadLettersRequest(limit=1_000),
        admin.ListDeadLettersResponse,
    )
    dead = await client.call(
        "AdminService/ListNotifications",
        admin.ListNotificationsRequest(limit=1_000, state=admin.NOTIFICATION_STATE_DEAD),
        admin.ListNotificationsResponse,
    )
    return Looked(status, took, nodes, laggards, letters, dead)

"""chatctl audit: what operators did, and who was refused."""

from typing import Annotated

import typer

from chatctl.arguments import AsJson, Limit, OnlyProfile
from chatctl.columns import Column, Columns, counted, list_only, or_dash, unlisted
from chatctl.invocation import call, output
from chatctl.lists import lists
from chatctl.paging import next_page
from chatctl.times import clock, now_us, parse_age
from chatd.pb.admin.v1 import admin_pb2


def _who(line: admin_pb2.AuditLine) -> str:
    who = or_dash(line.profile_id)
    return f"{who} as {line.acting_for}" if line.acting_for else who


def _origin(line: admin_pb2.AuditLine) -> str:
    return f"{line.address} at {line.gateway_id}" if line.gateway_id else or_dash(line.address)


def _outcome(line: admin_pb2.AuditLine) -> str:
    return f"{line.outcome} (and {counted(line.repeated, 'time')} before)" if line.repeated else line.outcome


def _kind(kind: admin_pb2.AuditKind) -> str:
    return admin_pb2.AuditKind.Name(kind).removeprefix("AUDIT_KIND_").lower()


COLUMNS: Columns[admin_pb2.AuditLine] = (
    unlisted("line_id"),
    Column("time", "at_us", clock),
    unlisted("kind", get=lambda line: _kind(line.kind)),
    list_only("who", _who),
    list_only("from", _origin),
    unlisted("profile_id"),
    unlisted("acting_for"),
    unlisted("address"),
    unlisted("gateway_id"),
    Column("what", "what", lambda what: what.rpartition("/")[2]),
    Column("on", "objects", or_dash),
    list_only("outcome", _outcome, bad=lambda line: line.outcome != "done"),
    unlisted("outcome"),
    unlisted("repeated"),
)


@lists
def audit(
    context: typer.Context,
    profile: OnlyProfile = "",
    since: Annotated[
        str, typer.Option("--since", metavar="AGE", help="Only the last 30d, 12h, 90m or 10s.")
    ] = "",
    after: Annotated[
        str, typer.Option("--after", metavar="LINE", help="Only lines that are listed after this one.")
    ] = "",
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List what operators did, and who was refused, the newest first. Operators only.

    Example: chatctl audit --since 1d --profile operator
    """
    request = admin_pb2.ListAuditRequest(
        profile_id=profile,
        since_us=now_us() - parse_age(since) if since else 0,
        before_line_id=after,
        limit=limit,
    )
    page = call(context, "AdminService/ListAudit", request, admin_pb2.ListAuditResponse)
    more = next_page(page.more, page.lines[-1].line_id if page.lines else "")
    output(context, as_json).rows(page.lines, COLUMNS, more=more)

"""chatctl reload: processes read their settings, tokens and keys again."""

from collections.abc import Iterator

import typer

from chatctl.arguments import AsJson
from chatctl.columns import Column, Columns, counted, list_only, unlisted
from chatctl.invocation import call, output
from chatctl.log_level import OnlyGateway, OnlyNode
from chatctl.silent import FAILED, say_silent
from chatd.pb.admin.v1 import admin_pb2


def _outcome(one: admin_pb2.ProcessReload) -> str:
    return "; ".join(_parts(one))


def _parts(one: admin_pb2.ProcessReload) -> Iterator[str]:
    if one.faults:
        yield f"not reloaded, all stays as it was: {' · '.join(one.faults)}"
        return
    yield f"changed: {', '.join(one.changed)}" if one.changed else "reloaded, no setting changed"
    if one.at_next_start:
        yield f"at the next start: {', '.join(one.at_next_start)}"
    if one.streams_ended:
        yield f"{counted(one.streams_ended, 'stream')} ended"


COLUMNS: Columns[admin_pb2.ProcessReload] = (
    Column("process", "node_id"),
    Column("kind", "kind"),
    list_only("outcome", _outcome),
    unlisted("changed", get=lambda one: list(one.changed)),
    unlisted("at_next_start", get=lambda one: list(one.at_next_start)),
    unlisted("streams_ended"),
    unlisted("faults", get=lambda one: list(one.faults)),
)


def reload(
    context: typer.Context, node: OnlyNode = "", gateway: OnlyGateway = "", as_json: AsJson = False
) -> None:
    """Let processes read their settings, tokens and keys again, as SIGHUP does, and show what
    changed, what waits for the next start, and what is wrong with a file: then all stays as it was.
    All processes, or one. Operators only.

    Example: chatctl reload --node n1
    """
    request = admin_pb2.ReloadSettingsRequest(gateway_id=gateway, node_id=node)
    done = call(context, "AdminService/ReloadSettings", request, admin_pb2.ReloadSettingsResponse)
    out = output(context, as_json)
    out.rows(done.processes, COLUMNS)
    say_silent(out, done.silent)
    if any(one.faults for one in done.processes):
        raise typer.Exit(FAILED)

"""chatctl status: does all of it serve? Then the counters of the node that answers, and of its
gateways."""

from collections.abc import Iterable, Iterator, Sequence

import typer

from chatctl.arguments import AsJson
from chatctl.columns import plain, record
from chatctl.findings import Finding, serving
from chatctl.invocation import output, run
from chatctl.nodes import COLUMNS as NODES
from chatctl.output import Pair
from chatctl.stage_times import each_in_words, percentile
from chatctl.times import age, now_us
from chatd.client import Client
from chatd.pb.admin.v1 import admin_pb2

DEGRADED = 3


def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Show whether the database, all nodes and all gateways serve, and what does not; then the
    counters of the node that answers, and of the gateways that ask it. Operators only.

    Exits with 3 if something does not serve: the database or the cache of connections is away, a
    node or gateway is silent, no node's queue reaches a gateway. A process that vanished counts as
    silent for an hour; one that was stopped does not.

    Example: chatctl status --json
    """
    found, nodes = run(context, _ask)
    problems = [one for one in serving(found, nodes, now_us=now_us()) if not one.is_good]
    out = output(context, as_json)
    if out.structured:
        out.one(_record(found, nodes, problems))
    else:
        out.pairs(_pairs(found, problems))
        out.rows(nodes.nodes, NODES)
    if problems:
        raise typer.Exit(DEGRADED)


async def _ask(client: Client) -> tuple[admin_pb2.GetStatusResponse, admin_pb2.ListNodesResponse]:
    status = await client.call(
        "AdminService/GetStatus", admin_pb2.GetStatusRequest(), admin_pb2.GetStatusResponse
    )
    nodes = await client.call(
        "AdminService/ListNodes", admin_pb2.ListNodesRequest(), admin_pb2.ListNodesResponse
    )
    return status, nodes


def _state(problems: Sequence[Finding]) -> str:
    return "degraded" if problems else "serving"


def _record(
    found: admin_pb2.GetStatusResponse, nodes: admin_pb2.ListNodesResponse, problems: Sequence[Finding]
) -> dict[str, object]:
    own = {field.name: getattr(found, field.name) for field in found.DESCRIPTOR.fields}
    del own["stage_bounds_us"]
    return {
        "state": _state(problems),
        "problems": [{"check": one.name, "found": one.found, "advice": one.advice} for one in problems],
        **own,
        "stages": _stages(found.stages, found.stage_bounds_us),
        "gateways": [_gateway(one, found.stage_bounds_us) for one in found.gateways],
        "nodes": [record(one, NODES) for one in nodes.nodes],
    }


def _gateway(gateway: admin_pb2.GatewayStatus, bounds_us: Sequence[int]) -> dict[str, object]:
    own = {field.name: getattr(gateway, field.name) for field in gateway.DESCRIPTOR.fields}
    return own | {
        "counters": dict(sorted(gateway.counters.items())),
        "stages": _stages(gateway.stages, bounds_us),
    }


def _stages(stages: Iterable[admin_pb2.StageTimes], bounds_us: Sequence[int]) -> dict[str, object]:
    """The times of each stage since the process started."""
    bounds = [bound / 1e3 for bound in bounds_us]
    return {
        one.stage: {
            "count": sum(one.counts),
            "p50_ms": percentile(one.counts, bounds, 0.5),
            "p99_ms": percentile(one.counts, bounds, 0.99),
        }
        for one in stages
    }


def _pairs(found: admin_pb2.GetStatusResponse, problems: Sequence[Finding]) -> Iterator[Pair]:
    yield "state", _state(problems), bool(problems)
    for one in problems:
        yield one.name, f"{one.found}; {one.advice}", True
    for field in found.DESCRIPTOR.fields:
        if field.name == "uptime_seconds":
            yield "uptime", age(round(found.uptime_seconds * 1e6)), False
        elif field.name == "stages":
            for stage, times in each_in_words(found.stages, found.stage_bounds_us):
                yield f"{stage} ms, p50/p99", times, False
        elif field.name not in ("gateways", "database_away_since_us", "cache_problem", "stage_bounds_us"):
            yield field.name, plain(getattr(found, field.name)), False
    for gateway in found.gateways:
        place = f"{gateway.gateway_id} {_place(gateway)}"
        if gateway.refused:
            yield place, f"refused: {gateway.refused}", True
        elif gateway.drained:
            yield place, "drained by an operator", True
        yield f"{place} streams", str(gateway.streams), False
        for name, count in sorted(gateway.counters.items()):
            yield f"{place} {name}", str(count), False


def _place(gateway: admin_pb2.GatewayStatus) -> str:
    """The address without its key."""
    return gateway.uri.partition("#")[0] if gateway.uri.startswith("tcp:") else gateway.uri

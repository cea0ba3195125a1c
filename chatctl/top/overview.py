"""The overview: the counters of the node that answers, and of the gateways that ask it, as
rates."""

import time
from collections.abc import Iterator, Mapping

from chatctl.columns import Column, Columns
from chatctl.rates import Rates
from chatctl.stage_times import Lately
from chatctl.times import age, age_since, clock
from chatctl.top.page import Page, View, page
from chatctl.top.streams import ask, line, stages
from chatd.client import Client
from chatd.pb.admin.v1 import admin_pb2 as admin

_NO_COUNTERS = {"devices_online", "database_away_since_us"}
BARS = 30

_Counted = tuple[str, str, int]
"""The process, the counter, and what it stands at."""


def overview() -> View:
    """A view with a memory of its own: rates are between two looks."""
    rates, lately = Rates(), Lately()

    async def fetch(client: Client) -> Page:
        status = await ask(client)
        counted = list(_counted(status))
        rates.look(time.monotonic(), _since(status), {f"{who} {name}": count for who, name, count in counted})
        columns: Columns[_Counted] = (
            Column("process", "process", get=lambda row: row[0]),
            Column("counter", "counter", get=lambda row: row[1].replace("_", " ")),
            Column("a second", "rate", "{:,.1f}".format, get=lambda row: rates.latest(f"{row[0]} {row[1]}")),
            Column("in all", "count", "{:,}".format, get=lambda row: row[2]),
            Column("lately", "bars", get=lambda row: rates.bars(f"{row[0]} {row[1]}", BARS)),
        )
        return page(
            counted,
            columns,
            key=lambda row: f"{row[0]} {row[1]}",
            open=lambda row: stages(),
            lines=[*_lines(status), line(status, lately)],
        )

    return View("overview", fetch, ("overview",))


def _lines(status: admin.GetStatusResponse) -> Iterator[str]:
    yield (
        f"{status.node_id}, chatd {status.version}, up {age(round(status.uptime_seconds * 1e6))}; "
        f"topics watched: {status.devices_online:,}; gateways: {len(status.gateways)}"
    )
    if status.database_away_since_us:
        since = status.database_away_since_us
        yield f"! {status.database} is away since {clock(since)}, for {age_since(since)}"
    else:
        yield f"{status.database} answers"
    for one in status.gateways:
        if one.refused:
            yield f"! gateway {one.gateway_id} at {one.uri} is refused: {one.refused}"


def _since(status: admin.GetStatusResponse) -> Mapping[str, int]:
    """Changes when the node was started again, or another one answers."""
    return {status.node_id: round((time.time() - status.uptime_seconds) / 10)}


def _counted(status: admin.GetStatusResponse) -> Iterator[_Counted]:
    for field in status.DESCRIPTOR.fields:
        if field.cpp_type == field.CPPTYPE_UINT64 and field.name not in _NO_COUNTERS:
            yield status.node_id, field.name, getattr(status, field.name)
    for gateway in status.gateways:
        for name, count in sorted(gateway.counters.items()):
            yield f"gateway {gateway.gateway_id}", name, count

"""chatctl stat: a line of rates each second, like vmstat."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import Annotated

import typer

from chatctl.arguments import JsonLines
from chatctl.columns import Column, Columns, plain
from chatctl.invocation import output, run
from chatctl.output import Output
from chatctl.rates import Rates
from chatd.client import Client
from chatd.pb.admin.v1 import admin_pb2

HEADING_EVERY = 20
"""Lines under one heading, on a terminal."""

Every = Annotated[float, typer.Option("--every", min=0.1, help="Seconds between two lines.")]
Count = Annotated[int, typer.Option("--count", "-n", min=0, help="End after this many lines; 0: never.")]

_Line = Mapping[str, float | str]
_RATES = {
    "stored": "events_committed",
    "commits": "commits",
    "published": "deliveries_published",
    "pulled": "events_pulled",
    "refused": "requests_refused",
    "notified": "notifications_sent",
}
_OF_GATEWAYS = {"acks": "acks_written", "calls": "calls_forwarded"}
_WIDTHS = tuple(max(len(name) + 1, 7) for name in (*_RATES, *_OF_GATEWAYS, "online", "database"))
"""A line fits into 80 columns."""


def _number(value: float) -> str:
    """A rate or a count in at most six characters, up to 99,999,000."""
    if value < 1_000:
        return plain(value) if isinstance(value, int) else f"{value:.1f}"
    return f"{value:,.0f}" if value < 100_000 else f"{value / 1_000:,.0f}k"


def _column(name: str) -> Column[_Line]:
    return Column(
        name,
        name,
        lambda value: value if isinstance(value, str) else _number(value),
        get=lambda line: line[name],
    )


COLUMNS: Columns[_Line] = tuple(_column(name) for name in (*_RATES, *_OF_GATEWAYS, "online", "database"))


def stat(context: typer.Context, every: Every = 1.0, count: Count = 0, as_json: JsonLines = False) -> None:
    """Print a line of rates each second: events stored, commits, deliveries published, events
    pulled, refusals, notifications; of all gateways acks and calls. Then the number of devices that
    are online. Operators only. Ctrl-C ends it.

    Example: chatctl stat --count 5
    """
    run(context, lambda client: _print(client, output(context, as_json), every, count))


async def _print(client: Client, out: Output, every: float, count: int) -> None:
    rates = Rates()
    _take(rates, await _ask(client))
    printed = 0
    while not count or printed < count:
        await asyncio.sleep(every)
        status = await _ask(client)
        _take(rates, status)
        line = {
            **{name: rates.latest(counter) for name, counter in (_RATES | _OF_GATEWAYS).items()},
            "online": status.devices_online,
            "database": "away" if status.database_away_since_us else "answers",
        }
        if out.structured:
            out.item(line, COLUMNS)
        else:
            if out.headers and (printed == 0 or (out.terminal and printed % HEADING_EVERY == 0)):
                out.text(_aligned(column.heading for column in COLUMNS))
            out.text(_aligned(column.cell(line) for column in COLUMNS))
        printed += 1


def _aligned(cells: Iterable[str]) -> str:
    return "".join(f"{cell:>{width}}" for cell, width in zip(cells, _WIDTHS, strict=True))


async def _ask(client: Client) -> admin_pb2.GetStatusResponse:
    return await client.call(
        "AdminService/GetStatus", admin_pb2.GetStatusRequest(), admin_pb2.GetStatusResponse
    )


def _take(rates: Rates, status: admin_pb2.GetStatusResponse) -> None:
    counters = {counter: getattr(status, counter) for counter in _RATES.values()}
    for name in _OF_GATEWAYS.values():
        counters[name] = sum(gateway.counters.get(name, 0) for gateway in status.gateways)
    rates.look(time.monotonic(), status.node_id, counters)

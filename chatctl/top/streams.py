"""The views of what is under way: the streams of each gateway by their state, and the times of the
stages of a message's way. Both, and the overview's line of them, come from one call."""

from collections.abc import Iterator
from dataclasses import dataclass

from chatctl.columns import Column, Columns, or_dash
from chatctl.stage_times import Counts, Lately, in_words, milliseconds, percentile
from chatctl.top.actions import kick
from chatctl.top.outbox_views import LIMIT, owed_to
from chatctl.top.page import Page, View, page
from chatd.client import Client
from chatd.pb.admin.v1 import admin_pb2 as admin

MOST_OWED = 1_000
"""Rows of the outbox for a look at streams."""

GATEWAYS: Columns[admin.GatewayStatus] = (
    Column("gateway", "gateway_id"),
    Column("address", "uri", lambda uri: uri.partition("#")[0]),
    Column("streams", "streams", "{:,}".format),
    Column("live", "live", "{:,}".format, get=lambda one: one.streams - one.streams_catching_up),
    Column("catching up", "streams_catching_up", "{:,}".format),
    Column("windows full", "windows_full", "{:,}".format),
    Column("problem", "problem", or_dash, get=lambda one: one.refused or one.queue_problem),
)


@dataclass(frozen=True, slots=True)
class StreamRow:
    """An open stream, and how many events its device is owed; None: less than those
    that are owed the most."""

    stream: admin.OpenStream
    owed: int | None


STREAMS: Columns[StreamRow] = (
    Column("profile", "profile_id", get=lambda one: one.stream.profile_id),
    Column("device", "device_id", get=lambda one: one.stream.device_id),
    Column("state", "state", get=lambda one: "catching up" if one.stream.catching_up else "live"),
    Column("owed", "owed", lambda owed: "-" if owed is None else f"{owed:,}"),
    Column("in flight", "in_flight", "{:,}".format, get=lambda one: one.stream.in_flight),
    Column("window", "window", "{:,}".format, get=lambda one: one.stream.window),
    Column("from", "address", get=lambda one: one.stream.address),
)

_Stage = tuple[str, str]
"""The process and the stage."""


async def ask(client: Client) -> admin.GetStatusResponse:
    """The counters of a node, and of all gateways."""
    return await client.call("AdminService/GetStatus", admin.GetStatusRequest(), admin.GetStatusResponse)


def streams() -> View:
    """A row for each gateway."""

    async def fetch(client: Client) -> Page:
        status = await ask(client)
        return page(
            status.gateways,
            GATEWAYS,
            key=lambda one: f"{one.gateway_id} {one.uri}",
            open=lambda one: streams_of(one.gateway_id),
        )

    return View("streams", fetch, ("streams",))


def streams_of(gateway_id: str) -> View:
    """The streams of one gateway, the laggards first. The counts of what their devices are owed
    come from one more call, for the devices of all gateways that are owed the most."""

    async def fetch(client: Client) -> Page:
        found = await client.call(
            "AdminService/ListStreams",
            admin.ListStreamsRequest(gateway_id=gateway_id, limit=LIMIT),
            admin.ListStreamsResponse,
        )
        outbox = await client.call(
            "AdminService/ListOutbox",
            admin.ListOutboxRequest(limit=MOST_OWED, order_by="owed desc"),
            admin.ListOutboxResponse,
        )
        owed: dict[tuple[str, str], int] = {}
        for row in outbox.rows:
            device = row.profile_id, row.device_id
            owed[device] = owed.get(device, 0) + row.owed
        rest = None if outbox.more else 0
        return page(
            [StreamRow(one, owed.get((one.profile_id, one.device_id), rest)) for one in found.streams],
            STREAMS,
            key=lambda one: f"{one.stream.profile_id}:{one.stream.device_id}",
            open=lambda one: owed_to(one.stream.profile_id, one.stream.device_id),
            actions=lambda one: (kick(one.stream),),
            more=found.more,
            lines=tuple(f"{name} did not answer" for name in found.silent),
        )

    return View(f"streams of {gateway_id}", fetch, ("streams", gateway_id))


def stages() -> View:
    """A row for each stage of each process. It remembers: percentiles are of what happened
    lately."""
    lately = Lately()

    async def fetch(client: Client) -> Page:
        status = await ask(client)
        found = dict(_stages(status))
        lately.look({_key(stage): counts for stage, counts in found.items()})
        bounds = [bound / 1e3 for bound in status.stage_bounds_us]

        def at(stage: _Stage, share: float) -> float | None:
            return percentile(lately.counts(_key(stage)), bounds, share)

        columns: Columns[_Stage] = (
            Column("process", "process", get=lambda stage: stage[0]),
            Column("stage", "stage", get=lambda stage: stage[1]),
            Column("p50 ms", "p50", milliseconds, get=lambda stage: at(stage, 0.5)),
            Column("p99 ms", "p99", milliseconds, get=lambda stage: at(stage, 0.99)),
            Column("lately", "lately", "{:,}".format, get=lambda stage: sum(lately.counts(_key(stage)))),
            Column("in all", "count", "{:,}".format, get=lambda stage: sum(found[stage])),
        )
        return page(found, columns, key=_key)

    return View("times of the stages", fetch, ("stages",))


def line(status: admin.GetStatusResponse, lately: Lately) -> str:
    """The percentiles of all processes together, in one line; ``lately`` is told of the look."""
    together: dict[str, Counts] = {}
    for (_, name), counts in _stages(status):
        before = together.get(name, (0,) * len(counts))
        together[name] = tuple(one + more for one, more in zip(before, counts, strict=True))
    lately.look(together)
    stages = (admin.StageTimes(stage=name, counts=lately.counts(name)) for name in together)
    return in_words(stages, status.stage_bounds_us)


def _stages(status: admin.GetStatusResponse) -> Iterator[tuple[_Stage, Counts]]:
    for one in status.stages:
        yield (status.node_id, one.stage), tuple(one.counts)
    for gateway in status.gateways:
        for one in gateway.stages:
            yield (f"gateway {gateway.gateway_id}", one.stage), tuple(one.counts)


def _key(stage: _Stage) -> str:
    return " ".join(stage)

"""chatctl latency: probes through the real path, from the send to the device."""

import asyncio
import secrets
import time
from typing import Annotated

import typer

from chatctl.arguments import AsJson
from chatctl.columns import Column, Columns
from chatctl.invocation import output, run
from chatd.client import HEAD, Client, Stream
from chatd.errors import AlreadyExists
from chatd.pb.admin.v1 import admin_pb2

ROOM = "chatctl-latency"
"""The room of the probes; it is made by the first."""
ARRIVAL_SECONDS = 10.0

Count = Annotated[int, typer.Option("--count", "-n", min=1, max=10_000, help="Send this many probes.")]
Every = Annotated[float, typer.Option("--every", min=0.0, help="Seconds between two probes.")]
Room = Annotated[str, typer.Option("--room", help="The room to send to; you must be its member.")]

_Result = tuple[str, list[float]]


def _share(times: list[float], share: float) -> float:
    """In milliseconds."""
    return sorted(times)[min(len(times) - 1, int(share * len(times)))] * 1e3


COLUMNS: Columns[_Result] = (
    Column("step", "step", get=lambda row: row[0]),
    Column("probes", "probes", get=lambda row: len(row[1])),
    Column("least ms", "least_ms", "{:.2f}".format, get=lambda row: min(row[1]) * 1e3),
    Column("median ms", "median_ms", "{:.2f}".format, get=lambda row: _share(row[1], 0.5)),
    Column("p99 ms", "p99_ms", "{:.2f}".format, get=lambda row: _share(row[1], 0.99)),
    Column("most ms", "most_ms", "{:.2f}".format, get=lambda row: max(row[1]) * 1e3),
)


def latency(
    context: typer.Context,
    count: Count = 20,
    every: Every = 0.05,
    room: Room = ROOM,
    as_json: AsJson = False,
) -> None:
    """Measure the real path: send probes to a room, and be a device that receives them. "stored" is
    the time until a probe is on the disk, "received" until the device has it. The device is
    forgotten in the end; the probes stay in the room's log. Operators only.

    Example: chatctl latency --count 100
    """
    stored, received = run(context, lambda client: _probe(client, room, count, every))
    output(context, as_json).rows([("stored", stored), ("received", received)], COLUMNS)


async def _probe(client: Client, room: str, count: int, every: float) -> tuple[list[float], list[float]]:
    if room == ROOM:
        try:
            await client.create_room(ROOM, name="Probes of chatctl latency")
        except AlreadyExists:
            pass  # by an earlier run
    device = f"latency-{secrets.token_hex(4)}"
    stream = client.stream(device, start=HEAD)
    try:
        async with stream:
            await stream.caught_up()
            return await _measure(client, stream, room, count, every)
    finally:
        request = admin_pb2.ForgetDeviceRequest(profile_id=stream.profile_id, device_id=device)
        if stream.profile_id:
            await client.call("AdminService/ForgetDevice", request, admin_pb2.ForgetDeviceResponse)


async def _measure(
    client: Client, stream: Stream, room: str, count: int, every: float
) -> tuple[list[float], list[float]]:
    stored: list[float] = []
    received: list[float] = []
    for number in range(count + 1):
        began = time.perf_counter()
        event_id = secrets.token_hex(16)
        arrival = asyncio.create_task(_arrival(stream, event_id))
        try:
            await client.send(room, "probe", event_id=event_id)
            on_disk = time.perf_counter()
            async with asyncio.timeout(ARRIVAL_SECONDS):
                arrived = await arrival
        finally:
            arrival.cancel()
        if number:  # the first one warms up
            stored.append(on_disk - began)
            received.append(arrived - began)
        await asyncio.sleep(every)
    return stored, received


async def _arrival(stream: Stream, event_id: str) -> float:
    async for delivery in stream:
        if delivery.event_id == event_id:
            return time.perf_counter()
    raise TimeoutError("the stream ended before the probe arrived")

"""chatctl trace: the frames of a device's stream, as they pass its gateway."""

import asyncio
import secrets
import time
from typing import Annotated

import typer

from chatctl.arguments import JsonLines
from chatctl.columns import Column, Columns, counted, list_only, unlisted
from chatctl.delivery_story import Recipient
from chatctl.invocation import output, run
from chatctl.named import recipient
from chatctl.output import Output
from chatd.client import Client
from chatd.errors import TimedOut, Unavailable
from chatd.pb.admin.v1 import admin_pb2

LOOK_SECONDS = 0.25


def _time(frame: admin_pb2.TracedFrame) -> str:
    seconds, us = divmod(frame.at_us, 1_000_000)
    return f"{time.strftime('%H:%M:%S', time.localtime(seconds))}.{us // 1_000:03}"


def _run(run: admin_pb2.TracedRun) -> str:
    last = f"-{run.last_seq}" if run.last_seq > run.first_seq else ""
    return f"{run.room_id}:{run.first_seq}{last}"


def _about(frame: admin_pb2.TracedFrame) -> str:
    """All that is to be said of a frame of its kind."""
    said = [frame.text] if frame.text else []
    if frame.up_to:
        said.append(f"up to {frame.up_to}" if frame.kind == "ack" else f"delivery {frame.up_to}")
    if frame.deliveries:
        said.append(f"{frame.deliveries}: {', '.join(map(_run, frame.runs))}")
    said += frame.payloads
    return "; ".join(said) or "-"


COLUMNS: Columns[admin_pb2.TracedFrame] = (
    list_only("time", _time),
    list_only("way", lambda frame: "<" if frame.from_device else ">"),
    unlisted("at_us"),
    unlisted("from_device"),
    unlisted("gateway_id"),
    unlisted("epoch"),
    Column("kind", "kind"),
    Column("bytes", "size", lambda size: f"{size} B"),
    list_only("window", lambda frame: f"{frame.in_flight}/{frame.window}"),
    unlisted("in_flight"),
    unlisted("window"),
    list_only("about", _about),
    unlisted("deliveries"),
    unlisted("runs", get=lambda frame: [_run_fields(run) for run in frame.runs]),
    unlisted("up_to"),
    unlisted("text"),
    unlisted("payloads", get=lambda frame: list(frame.payloads)),
)


def _run_fields(run: admin_pb2.TracedRun) -> dict[str, object]:
    return {"room_id": run.room_id, "first_seq": run.first_seq, "last_seq": run.last_seq}


Device = Annotated[str, typer.Argument(metavar="PROFILE/DEVICE", help="The device.")]
Payloads = Annotated[bool, typer.Option("--payloads", help="Show the payloads of deliveries, too.")]
Count = Annotated[int, typer.Option("--count", min=0, help="End after this many frames; 0: never.")]


def trace(
    context: typer.Context,
    device: Device,
    payloads: Payloads = False,
    count: Count = 0,
    as_json: JsonLines = False,
) -> None:
    """Show the frames of a device's stream as they pass its gateway: the time, < from the device or
    > to it, the kind, the size, the deliveries in flight and the window, then seqs, acks, calls and
    errors. The stream is not touched, and the device may come and go. Frames that come faster than
    they are shown are left out, and counted. Operators only. Ctrl-C ends it.

    Example: chatctl trace bob/phone
    """
    who = recipient(device)
    if not who.device_id:
        raise typer.BadParameter(f"'{device}' names no device: PROFILE/DEVICE")
    out = output(context, as_json)
    run(context, lambda client: _trace(client, out, who, payloads=payloads, count=count))


async def _trace(client: Client, out: Output, who: Recipient, *, payloads: bool, count: int) -> None:
    request = admin_pb2.TraceStreamRequest(
        profile_id=who.profile_id, device_id=who.device_id, trace_id=secrets.token_hex(8), payloads=payloads
    )
    shown = 0
    at: list[str] | None = None
    silent: list[str] = []
    try:
        while True:
            try:
                found = await _look(client, request)
            except (TimedOut, Unavailable) as exc:
                out.say(f"no answer: {exc}; trying again")
                await asyncio.sleep(1.0)
                continue
            if list(found.gateways) != at:
                at = list(found.gateways)
                out.say(f"{who} is connected to {', '.join(at)}" if at else f"{who} is not connected")
            if list(found.silent) != silent:
                silent = list(found.silent)
                for name in silent:
                    out.say(f"{name} does not answer: its frames are missing")
            for frame in found.frames:
                out.item(frame, COLUMNS)
                shown += 1
                if shown == count:
                    return
            if found.lost:
                out.say(f"{counted(found.lost, 'frame')} left out")
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        request.end = True
        await _look(client, request)


async def _look(client: Client, request: admin_pb2.TraceStreamRequest) -> admin_pb2.TraceStreamResponse:
    return await client.call("AdminService/TraceStream", request, admin_pb2.TraceStreamResponse)

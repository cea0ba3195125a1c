"""chatctl why: the reason why an event has or has not reached a device."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from chatctl import completion
from chatctl.arguments import AsJson
from chatctl.columns import counted, record
from chatctl.delivery_story import Recipient, cells, steps, why_nobody
from chatctl.delivery_story import why as sentence
from chatctl.invocation import output, run
from chatctl.named import recipient, request
from chatctl.outbox import TARGETS, state
from chatctl.output import Output
from chatctl.times import clock, now_us
from chatd.client import Client
from chatd.pb.admin.v1 import admin_pb2
from chatd.pb.events.v1.payloads_pb2 import DeliveryState, EventReceipt

SHOWN = 100
"""Devices listed without a recipient."""

Event = Annotated[
    str, typer.Argument(metavar="EVENT", help="ROOM:SEQ, as in lobby:17, or the id of the event.")
]
To = Annotated[
    str,
    typer.Argument(
        metavar="PROFILE[/DEVICE]",
        help="The recipient; default: all that lack it.",
        autocompletion=completion.recipients,
    ),
]
Sender = Annotated[
    str,
    typer.Option(
        "--sender",
        metavar="PROFILE",
        help="With an id: its sender, which is quicker.",
        autocompletion=completion.profiles,
    ),
]


def why(
    context: typer.Context, event: Event, to: To = "", sender: Sender = "", as_json: AsJson = False
) -> None:
    """Say why an event has or has not reached a device: one sentence, then what happened when.
    Nothing is changed by it. Operators only.

    Example: chatctl why lobby:17 bob/phone
    """
    asked = request(event, sender)
    out = output(context, as_json)
    if not to:
        _without_recipient(out, *run(context, lambda client: _ask_all(client, asked)))
        return
    who = recipient(to)
    asked.profile_id, asked.device_id = who.profile_id, who.device_id
    _with_recipient(out, who, *run(context, lambda client: ask(client, asked)))


async def _explained(
    client: Client, asked: admin_pb2.ExplainDeliveryRequest
) -> admin_pb2.ExplainDeliveryResponse:
    return await client.call("AdminService/ExplainDelivery", asked, admin_pb2.ExplainDeliveryResponse)


async def ask(
    client: Client, asked: admin_pb2.ExplainDeliveryRequest
) -> tuple[admin_pb2.ExplainDeliveryResponse, Mapping[str, admin_pb2.Connection]]:
    """The story, and the profile's connections by device."""
    story = await _explained(client, asked)
    of_profile = admin_pb2.ListConnectionsRequest(profile_id=asked.profile_id, limit=1_000)
    page = await client.call("AdminService/ListConnections", of_profile, admin_pb2.ListConnectionsResponse)
    return story, {one.device_id: one for one in page.connections}


async def _ask_all(
    client: Client, asked: admin_pb2.ExplainDeliveryRequest
) -> tuple[admin_pb2.ExplainDeliveryResponse, list[EventReceipt]]:
    """The event, and how it stands with all devices: page after page."""
    story = await _explained(client, asked)
    targets: list[EventReceipt] = []
    more = not story.removed
    while more:
        last = targets[-1] if targets else EventReceipt()
        event = admin_pb2.GetBroadcastRequest(
            room_id=story.event.room_id,
            seq=story.event.seq,
            after_profile_id=last.profile_id,
            after_device_id=last.device_id,
        )
        page = await client.call("AdminService/GetBroadcast", event, admin_pb2.GetBroadcastResponse)
        targets += page.broadcast.targets
        more = page.more
    return story, targets


def _with_recipient(
    out: Output,
    who: Recipient,
    story: admin_pb2.ExplainDeliveryResponse,
    connections: Mapping[str, admin_pb2.Connection],
) -> None:
    now = now_us()
    nobody = why_nobody(who, story, now)
    devices = () if nobody else story.devices
    open_ones = {one.device_id: connections.get(one.device_id) for one in devices if one.online}
    answers = {
        one.device_id: sentence(
            Recipient(who.profile_id, one.device_id), story, one, open_ones.get(one.device_id), now
        )
        for one in devices
    }
    known = {one.device_id: list(steps(story, one, open_ones.get(one.device_id))) for one in devices}
    if out.structured:
        shown = [
            _device(one) | {"why": answers[one.device_id], "steps": list(map(asdict, known[one.device_id]))}
            for one in devices
        ]
        out.one(_event(story) | {"profile_id": who.profile_id, "why": nobody, "devices": shown})
        return
    for line in (nobody,) if nobody else answers.values():
        out.text(line)
    if len(answers) == 1:
        for step in next(iter(known.values())):
            out.text("  ".join(cells(step)))


def _without_recipient(
    out: Output, story: admin_pb2.ExplainDeliveryResponse, targets: Sequence[EventReceipt]
) -> None:
    lacking = [one for one in targets if one.state != DeliveryState.DELIVERY_STATE_ACKNOWLEDGED]
    if out.structured:
        out.one(
            _event(story) | {"counts": _counts(targets), "lacking": [record(one, TARGETS) for one in lacking]}
        )
        return
    out.text(_summary(story, targets))
    if lacking:
        more = "there are more; --json has them all" if len(lacking) > SHOWN else ""
        out.rows(lacking[:SHOWN], TARGETS, more=more)


def _summary(story: admin_pb2.ExplainDeliveryResponse, targets: Sequence[EventReceipt]) -> str:
    event = story.event
    stored = f"event {event.seq} of {event.room_id}, from {event.sender_id}, stored {clock(event.sent_at_us)}"
    if story.removed:
        return f"{stored}, was removed by retention"
    counts = _counts(targets)
    if not counts:
        return f"{stored}, is for no device"
    published = "" if story.published else ", about to be published"
    shown = ", ".join(f"{number:,} {name}" for name, number in counts.items())
    return f"{stored}{published}, is for {counted(sum(counts.values()), 'device')}: {shown}"


def _counts(targets: Sequence[EventReceipt]) -> dict[str, int]:
    return dict(Counter(map(state, targets)).most_common())


def _device(device: admin_pb2.DeviceStory) -> dict[str, object]:
    shown = {field.name: getattr(device, field.name) for field in device.DESCRIPTOR.fields}
    return shown | {"state": state(device) if device.state else ""}


def _event(story: admin_pb2.ExplainDeliveryResponse) -> dict[str, object]:
    event = story.event
    return {
        "room_id": event.room_id,
        "seq": event.seq,
        "event_id": event.event_id,
        "sender_id": event.sender_id,
        "sent_at_us": event.sent_at_us,
        "published": story.published,
        "removed": story.removed,
    }

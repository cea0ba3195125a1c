"""chatctl outbox skip and replay: they change what a device is owed. Each asks the service first
how much that would be."""

from typing import Annotated

import typer

from chatctl import completion
from chatctl.absent import Absent
from chatctl.arguments import MAX_SEQ, AsJson, OnlyRoom, Yes
from chatctl.columns import counted
from chatctl.confirmation import confirm
from chatctl.delivery_story import Recipient
from chatctl.invocation import call, output, run
from chatctl.named import recipient
from chatctl.named import request as event_request
from chatctl.times import parse_time
from chatd.client import Client
from chatd.pb.admin.v1 import admin_pb2

Device = Annotated[
    str,
    typer.Argument(
        metavar="PROFILE/DEVICE",
        help="The device; PROFILE:DEVICE if an id holds a slash.",
        autocompletion=completion.recipients,
    ),
]
Event = Annotated[
    str,
    typer.Argument(metavar="EVENT", help="One event: ROOM:SEQ, or its id.", show_default=False),
]
Until = Annotated[
    str,
    typer.Option(
        "--until",
        metavar="SEQ|TIME",
        help="All up to this seq of --room, or up to a time: 12h (ago), 2026-11-26, 14:05.",
    ),
]
All = Annotated[bool, typer.Option("--all", help="All that it is owed now.")]
From = Annotated[
    str,
    typer.Option(
        "--from",
        metavar="SEQ|TIME",
        help="From this seq of --room on, or from a time on: 12h (ago), 2026-11-26, 14:05.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say how many events that would be, and stop.")]


def skip(
    context: typer.Context,
    device: Device,
    event: Event = "",
    until: Until = "",
    everything: All = False,
    room: OnlyRoom = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Take events from what a device is owed: one, all up to a point, or --all. It is given markers
    in their place; the events stay in their rooms, and replay owes them again. Asks, with their
    number. An open stream of the device begins anew.

    Example: chatctl outbox skip bob/phone --until 7d
    """
    if sum(map(bool, (event, until, everything))) != 1:
        raise typer.BadParameter("give one of EVENT, --until and --all")
    who = _device(device)
    request = admin_pb2.SkipOutboxRequest(
        profile_id=who.profile_id, device_id=who.device_id, room_id=room, dry_run=True
    )
    if event and room:
        raise typer.BadParameter("an event names its room itself", param_hint="--room")
    if until:
        seq, at_us = _point(until, room, "--until")
        request.until_seq, request.until_us = seq, at_us

    if event:
        request.room_id, request.seq = run(context, lambda client: _find(client, event))

    def ask() -> admin_pb2.SkipOutboxResponse:
        done = call(context, "AdminService/SkipOutbox", request, admin_pb2.SkipOutboxResponse)
        if event and not done.skipped:
            raise Absent(f"{who} is not owed {event}, or has a marker in its place")
        return done

    if dry_run or not yes:
        done = ask()
    if not dry_run and (yes or done.skipped):
        if not yes:
            confirm(f"Skip {_events(done.skipped, done.rooms)} that {who} is owed?", yes=False)
        request.dry_run = False
        done = ask()
    output(context, as_json).one(_shown(who, dry_run) | {"skipped": done.skipped, "rooms": done.rooms})


def replay(
    context: typer.Context,
    device: Device,
    since: From,
    room: OnlyRoom = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Rewind a device: owe it again everything from a point on, what it has acknowledged and what
    was skipped, in the rooms of its profile and never from before the profile joined. Asks, with
    the number of events. Dead letters stay: chatctl dead-letter replay. An open stream of the
    device begins anew. chatctl device rewind does the same.

    Example: chatctl outbox replay bob/phone --from 2h
    """
    seq, at_us = _point(since, room, "--from")
    request = admin_pb2.ReplayOutboxRequest(room_id=room, from_seq=seq, from_us=at_us)
    owe_again(context, _device(device), request, dry_run=dry_run, yes=yes, as_json=as_json)


def owe_again(
    context: typer.Context,
    who: Recipient,
    request: admin_pb2.ReplayOutboxRequest,
    *,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Make the request for a device, unless it is a dry run or the operator says no."""
    request.profile_id, request.device_id, request.dry_run = who.profile_id, who.device_id, True

    def ask() -> admin_pb2.ReplayOutboxResponse:
        return call(context, "AdminService/ReplayOutbox", request, admin_pb2.ReplayOutboxResponse)

    if dry_run or not yes:
        done = ask()
    if not dry_run and (yes or done.replayed):
        if not yes:
            gone = f"; {done.removed:,} more are no longer kept" if done.removed else ""
            confirm(f"Owe {who} {_events(done.replayed, done.rooms)} again{gone}?", yes=False)
        request.dry_run = False
        done = ask()
    output(context, as_json).one(
        _shown(who, dry_run)
        | {"replayed": done.replayed, "rooms": done.rooms, "no_longer_kept": done.removed}
    )


def _device(text: str) -> Recipient:
    who = recipient(text)
    if not who.device_id:
        raise typer.BadParameter(f"'{text}' is no PROFILE/DEVICE")
    return who


def _point(text: str, room: str, option: str) -> tuple[int, int]:
    """A seq and a time; one of them is 0."""
    if not (text.isascii() and text.isdigit()):
        return 0, parse_time(text)
    if not room:
        raise typer.BadParameter("a seq needs --room: each room counts its own events", param_hint=option)
    if not 0 < int(text) <= MAX_SEQ:
        raise typer.BadParameter(f"'{text}' is no seq", param_hint=option)
    return int(text), 0


async def _find(client: Client, event: str) -> tuple[str, int]:
    """The room and seq of an event that is named by them or by its id."""
    asked = event_request(event, "")
    if asked.event_id:
        story = await client.call("AdminService/ExplainDelivery", asked, admin_pb2.ExplainDeliveryResponse)
        return story.event.room_id, story.event.seq
    return asked.room_id, asked.seq


def _events(events: int, rooms: int) -> str:
    return f"{counted(events, 'event')} of {counted(rooms, 'room')}"


def _shown(who: Recipient, dry_run: bool) -> dict[str, object]:
    return {"profile_id": who.profile_id, "device_id": who.device_id, "dry_run": dry_run}

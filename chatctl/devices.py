"""chatctl device …: the devices of all profiles."""

from collections.abc import Sequence
from typing import Annotated

import typer

from chatctl.absent import Absent
from chatctl.arguments import (
    MAX_SEQ,
    AfterDevice,
    AsJson,
    DeviceId,
    Limit,
    OnlyProfile,
    OnlyRoom,
    ProfileId,
    Yes,
)
from chatctl.columns import Column, Columns, list_only, or_dash, unlisted, yes_no
from chatctl.confirmation import confirm
from chatctl.delivery_story import Recipient
from chatctl.invocation import call, output
from chatctl.lists import lists
from chatctl.outbox_changes import DryRun, owe_again
from chatctl.paging import next_page
from chatctl.times import ago, clock, parse_time
from chatd.pb.admin.v1 import admin_pb2

app = typer.Typer(
    no_args_is_help=True,
    help="See devices and the events they are owed; rewind or forget a device. Operators only.",
)

COLUMNS: Columns[admin_pb2.Device] = (
    Column("profile", "profile_id"),
    Column("device", "device_id"),
    Column("online", "online", yes_no),
    Column("owed", "owed"),
    Column("rooms", "rooms_owed"),
    unlisted("epoch"),
    unlisted("created_at_us", detail=clock),
    unlisted("seen_at_us", detail=clock),
    list_only("seen", lambda device: "now" if device.online else ago(device.seen_at_us)),
    Column("notified by", "notifier", or_dash),
)


@app.command(name="list")
@lists
def list_(
    context: typer.Context,
    profile: OnlyProfile = "",
    after: AfterDevice = "",
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List devices, one row each: connected or not, events owed, when last seen (to the hour).

    Example: chatctl device list --profile bob
    """
    after_profile, _, after_device = after.partition(":")
    request = admin_pb2.ListDevicesRequest(
        profile_id=profile,
        limit=limit,
        after_profile_id=after_profile,
        after_device_id=after_device,
    )
    page = call(context, "AdminService/ListDevices", request, admin_pb2.ListDevicesResponse)
    output(context, as_json).rows(page.devices, COLUMNS, more=next_page(page.more, _place(page.devices)))


def _place(devices: Sequence[admin_pb2.Device]) -> str:
    return f"{devices[-1].profile_id}:{devices[-1].device_id}" if devices else ""


@app.command()
def show(context: typer.Context, profile: ProfileId, device: DeviceId, as_json: AsJson = False) -> None:
    """Show one device.

    Example: chatctl device show bob laptop
    """
    request = admin_pb2.ListDevicesRequest(profile_id=profile, device_id=device, limit=1)
    page = call(context, "AdminService/ListDevices", request, admin_pb2.ListDevicesResponse)
    if not page.devices:
        raise Absent(f"no device '{device}' of '{profile}'")
    output(context, as_json).details(page.devices[0], COLUMNS)


@app.command()
def rewind(
    context: typer.Context,
    profile: ProfileId,
    device: DeviceId,
    room: OnlyRoom = "",
    to: Annotated[
        int, typer.Option("--to", metavar="SEQ", min=0, max=MAX_SEQ, help="From this seq of --room on.")
    ] = 0,
    last: Annotated[
        int, typer.Option("--last", metavar="N", min=0, max=2**32 - 1, help="The last N events of each room.")
    ] = 0,
    since: Annotated[
        str,
        typer.Option(
            "--since",
            metavar="TIME",
            help="From a time on: 12h (ago), 2026-11-26, 14:05.",
            show_default=False,
        ),
    ] = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Rewind a device: owe it again what it has acknowledged or what was skipped, from before it
    was registered too, and never from before its profile joined. Events that it has had before are
    marked as replays. Asks, with the number of events. An open stream of the device begins anew.

    Example: chatctl device rewind bob phone --since 2h

    Example: chatctl device rewind bob phone --room lobby --to 17
    """
    if sum(map(bool, (to, last, since))) != 1:
        raise typer.BadParameter("give one of --to, --last and --since")
    if to and not room:
        raise typer.BadParameter("a seq needs --room: each room counts its own events", param_hint="--to")
    request = admin_pb2.ReplayOutboxRequest(
        room_id=room, from_seq=to, last=last, from_us=parse_time(since) if since else 0
    )
    owe_again(context, Recipient(profile, device), request, dry_run=dry_run, yes=yes, as_json=as_json)


@app.command()
def forget(
    context: typer.Context,
    profile: ProfileId,
    device: DeviceId,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Forget a device for good: the events it is owed, its dead letters, its notifier. If it is
    connected, its stream is closed. If it connects again it is a new device. It goes on where it
    was if its profile has no other device, and else begins at the head of its rooms.

    Example: chatctl device forget bob old-phone
    """
    confirm(f"Forget device {device} of {profile} and all events it is owed?", yes=yes)
    request = admin_pb2.ForgetDeviceRequest(profile_id=profile, device_id=device)
    done = call(context, "AdminService/ForgetDevice", request, admin_pb2.ForgetDeviceResponse)
    if not done.forgotten:
        raise Absent(f"no device '{device}' of '{profile}'")
    output(context, as_json).one({"profile_id": profile, "device_id": device, "forgotten": True})

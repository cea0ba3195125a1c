"""chatctl device …: the devices there are, how they are doing, and forgetting one."""

import time
from typing import Annotated, Any

import typer

from chatctl.connection import options, run
from chatctl.output import age, clock
from chatd.errors import EventNotFound
from chatd.pb.admin.v1 import admin_pb2

app = typer.Typer(no_args_is_help=True, help="See devices and what they are owed; forget one. Operators only.")

Profile = Annotated[str, typer.Argument(metavar="PROFILE", help="Whose.")]
DeviceId = Annotated[str, typer.Argument(metavar="DEVICE", help="Which of its devices.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def _row(device: admin_pb2.Device) -> dict[str, object]:
    return {
        "profile_id": device.profile_id,
        "device_id": device.device_id,
        "online": device.online,
        "owed": device.owed,
        "rooms_owed": device.rooms_owed,
        "epoch": device.epoch,
        "created_at_us": device.created_at_us,
        "seen_at_us": device.seen_at_us,
        "notifier": device.notifier,
    }


@app.command(name="list")
def list_(
    context: typer.Context,
    profile: Annotated[str, typer.Option("--profile", help="Only this profile.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="Rows at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """One row for each device: whether it is connected, what it is owed, when it was last seen.

    Example: chatctl device list --profile bob
    """
    request = admin_pb2.ListDevicesRequest(profile_id=profile, limit=limit)
    page = run(context, lambda client: client.call("AdminService/ListDevices", request, admin_pb2.ListDevicesResponse))
    now = time.time_ns() // 1000
    shown: dict[str, list[Any]] = {
        "profile": [one.profile_id for one in page.devices],
        "device": [one.device_id for one in page.devices],
        "online": ["yes" if one.online else "no" for one in page.devices],
        "owed": [one.owed for one in page.devices],
        "rooms": [one.rooms_owed for one in page.devices],
        "seen": [_seen(one, now) for one in page.devices],
        "notified by": [one.notifier or "-" for one in page.devices],
    }
    options(context).output(as_json).rows([_row(one) for one in page.devices], shown, more=page.more)


def _seen(device: admin_pb2.Device, now_us: int) -> str:
    """It is noted to the hour."""
    return "now" if device.online else f"{age(now_us - device.seen_at_us)} ago"


@app.command()
def show(context: typer.Context, profile: Profile, device: DeviceId, as_json: AsJson = False) -> None:
    """Show one device.

    Example: chatctl device show bob laptop
    """
    request = admin_pb2.ListDevicesRequest(profile_id=profile, device_id=device, limit=1)
    page = run(context, lambda client: client.call("AdminService/ListDevices", request, admin_pb2.ListDevicesResponse))
    if not page.devices:
        raise EventNotFound(f"no device {device!r} of {profile!r}")
    out = options(context).output(as_json)
    found = page.devices[0]
    thing = _row(found)
    if not out.as_json:
        thing |= {"created_at_us": clock(found.created_at_us), "seen_at_us": clock(found.seen_at_us)}
    out.one(thing)


@app.command()
def forget(
    context: typer.Context,
    profile: Profile,
    device: DeviceId,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Forget a device for good: what it is owed, its dead letters, how it is notified. Its stream, if any, is closed. If it comes back it is a new
    device, which starts at the head of its rooms.

    Example: chatctl device forget bob old-phone
    """
    if not yes:
        typer.confirm(f"Forget device {device} of {profile} and all it is owed?", abort=True, err=True)
    request = admin_pb2.ForgetDeviceRequest(profile_id=profile, device_id=device)
    done = run(context, lambda client: client.call("AdminService/ForgetDevice", request, admin_pb2.ForgetDeviceResponse))
    if not done.forgotten:
        raise EventNotFound(f"no device {device!r} of {profile!r}")
    options(context).output(as_json).one({"profile_id": profile, "device_id": device, "forgotten": True})

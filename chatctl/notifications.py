"""chatctl notify …: how devices that are away are told; and what an operator does when they are not."""

import time
from typing import Annotated, Any

import typer

from chatctl.connection import options, run
from chatctl.output import age
from chatd.pb.admin.v1 import admin_pb2

app = typer.Typer(no_args_is_help=True, help="Notify devices that are away: register them, try it, see what waits or could not be sent.")

STATES = {"waiting": 1, "sent": 2, "dead": 3}
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
OfProfile = Annotated[str, typer.Option("--profile", help="Only this profile's.")]
OfDevice = Annotated[str, typer.Option("--device", help="Only this device's.")]


def state_name(state: int) -> str:
    return next((name for name, number in STATES.items() if number == state), str(state))


@app.command()
def register(
    context: typer.Context,
    device: Annotated[str, typer.Argument(metavar="DEVICE", help="One of your devices.")],
    notifier: Annotated[str, typer.Option("--notifier", help="log, exec, webhook or webpush; empty: no longer at all.")],
    endpoint: Annotated[str, typer.Option("--endpoint", help="webpush: the subscription's endpoint.")] = "",
    p256dh: Annotated[str, typer.Option("--p256dh", help="webpush: its public key, base64url.")] = "",
    auth: Annotated[str, typer.Option("--auth", help="webpush: its secret, base64url.")] = "",
    as_json: AsJson = False,
) -> None:
    """Say how one of your devices is notified while it is away.

    Example: chatctl --as bob notify register phone --notifier webhook
    """
    run(context, lambda client: client.set_push(device, notifier, endpoint=endpoint, p256dh=p256dh, auth=auth))
    options(context).output(as_json).one({"device_id": device, "notifier": notifier})


@app.command(name="test")
def try_(
    context: typer.Context,
    profile: Annotated[str, typer.Argument(metavar="PROFILE", help="Whose.")],
    device: Annotated[str, typer.Argument(metavar="DEVICE", help="Which of its devices.")],
    as_json: AsJson = False,
) -> None:
    """Notify a device now, connected or not, and say what came of it. Operators only.

    Example: chatctl notify test bob phone
    """
    request = admin_pb2.TestNotificationRequest(profile_id=profile, device_id=device)
    done = run(
        context,
        lambda client: client.call("AdminService/TestNotification", request, admin_pb2.TestNotificationResponse, repeatable=False),
    )
    options(context).output(as_json).one({"notifier": done.notifier, "sent": done.sent, "error": done.error})
    if not done.sent:
        raise typer.Exit(1)


@app.command(name="list")
def list_(
    context: typer.Context,
    state: Annotated[str, typer.Option("--state", help="Only waiting, sent or dead ones.")] = "",
    profile: OfProfile = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="Rows at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List notifications, the newest first: one row for a device. Operators only.

    Example: chatctl notify list --state dead
    """
    if state and state not in STATES:
        raise typer.BadParameter(f"--state must be one of {', '.join(STATES)}")
    request = admin_pb2.ListNotificationsRequest(profile_id=profile, limit=limit)
    request.state = STATES.get(state, 0)  # type: ignore[assignment]
    page = run(context, lambda client: client.call("AdminService/ListNotifications", request, admin_pb2.ListNotificationsResponse))
    now = time.time_ns() // 1000
    rows = [_row(one) for one in page.notifications]
    shown: dict[str, list[Any]] = {
        "profile": [one.profile_id for one in page.notifications],
        "device": [one.device_id for one in page.notifications],
        "by": [one.notifier for one in page.notifications],
        "state": [state_name(one.state) for one in page.notifications],
        "room": [one.room_id for one in page.notifications],
        "seq": [one.seq for one in page.notifications],
        "tries": [one.attempts for one in page.notifications],
        "when": [f"in {age(one.at_us - now)}" if one.at_us > now else f"{age(now - one.at_us)} ago" for one in page.notifications],
        "error": [one.error or "-" for one in page.notifications],
    }
    options(context).output(as_json).rows(rows, shown, more=page.more)


def _row(one: admin_pb2.Notification) -> dict[str, object]:
    return {
        "profile_id": one.profile_id,
        "device_id": one.device_id,
        "notifier": one.notifier,
        "state": state_name(one.state),
        "room_id": one.room_id,
        "seq": one.seq,
        "attempts": one.attempts,
        "error": one.error,
        "at_us": one.at_us,
    }


@app.command()
def retry(context: typer.Context, profile: OfProfile = "", device: OfDevice = "", as_json: AsJson = False) -> None:
    """Try dead notifications again, all or some. Operators only.

    Example: chatctl notify retry --profile bob
    """
    request = admin_pb2.RetryNotificationsRequest(profile_id=profile, device_id=device)
    done = run(context, lambda client: client.call("AdminService/RetryNotifications", request, admin_pb2.RetryNotificationsResponse))
    options(context).output(as_json).one({"retried": done.retried})


@app.command()
def drop(context: typer.Context, profile: OfProfile = "", device: OfDevice = "", as_json: AsJson = False) -> None:
    """Forget dead notifications, all or some. Operators only.

    Example: chatctl notify drop --profile bob
    """
    request = admin_pb2.DropNotificationsRequest(profile_id=profile, device_id=device)
    done = run(context, lambda client: client.call("AdminService/DropNotifications", request, admin_pb2.DropNotificationsResponse))
    options(context).output(as_json).one({"dropped": done.dropped})

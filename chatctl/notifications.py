"""chatctl notify …: notifications for devices that are away."""

from typing import Annotated

import typer

from chatctl import completion
from chatctl.arguments import AfterPlace, AsJson, DeviceId, Limit, OnlyDevice, OnlyProfile, ProfileId, Yes
from chatctl.columns import Column, Columns, list_only, or_dash, unlisted
from chatctl.confirmation import confirm
from chatctl.invocation import call, output, run
from chatctl.lists import lists
from chatctl.paging import next_page
from chatctl.times import age, ago, now_us
from chatd.client import Client
from chatd.pb.admin.v1 import admin_pb2

app = typer.Typer(
    no_args_is_help=True,
    help="Notify devices that are away: register a device, test it, see which notifications wait or failed.",
)

STATES = {
    "waiting": admin_pb2.NOTIFICATION_STATE_WAITING,
    "sent": admin_pb2.NOTIFICATION_STATE_SENT,
    "dead": admin_pb2.NOTIFICATION_STATE_DEAD,
}

Notifier = Annotated[
    str,
    typer.Option("--notifier", help="log, exec, webhook or webpush; empty: do not notify the device."),
]
Endpoint = Annotated[str, typer.Option("--endpoint", help="webpush: the subscription's endpoint.")]
P256dh = Annotated[str, typer.Option("--p256dh", help="webpush: the subscription's public key, base64url.")]
Auth = Annotated[str, typer.Option("--auth", help="webpush: the subscription's secret, base64url.")]


def state_name(state: int) -> str:
    """waiting, sent or dead; the number of a state that only a later version knows."""
    return next((name for name, number in STATES.items() if number == state), str(state))


def _when(one: admin_pb2.Notification) -> str:
    left = one.at_us - now_us()
    return f"in {age(left)}" if left > 0 else ago(one.at_us)


COLUMNS: Columns[admin_pb2.Notification] = (
    Column("profile", "profile_id"),
    Column("device", "device_id"),
    Column("by", "notifier"),
    Column(
        "state",
        "state",
        get=lambda one: state_name(one.state),
        bad=lambda one: one.state == admin_pb2.NOTIFICATION_STATE_DEAD,
    ),
    Column("room", "room_id"),
    Column("seq", "seq"),
    Column("tries", "attempts"),
    list_only("when", _when),
    Column("error", "error", or_dash),
    unlisted("at_us"),
)


@app.command()
def register(
    context: typer.Context,
    device: Annotated[
        str,
        typer.Argument(
            metavar="DEVICE", help="The id of one of your devices.", autocompletion=completion.devices
        ),
    ],
    notifier: Notifier,
    endpoint: Endpoint = "",
    p256dh: P256dh = "",
    auth: Auth = "",
    as_json: AsJson = False,
) -> None:
    """Set the notifier of one of your devices: the way it is notified while it is away.

    Example: chatctl --as bob notify register phone --notifier webhook
    """
    run(
        context,
        lambda client: client.set_push(device, notifier, endpoint=endpoint, p256dh=p256dh, auth=auth),
    )
    output(context, as_json).one({"device_id": device, "notifier": notifier})


@app.command(name="test")
def try_(context: typer.Context, profile: ProfileId, device: DeviceId, as_json: AsJson = False) -> None:
    """Notify a device now, connected or not, and show the outcome. Operators only.

    Example: chatctl notify test bob phone
    """
    request = admin_pb2.TestNotificationRequest(profile_id=profile, device_id=device)
    response = admin_pb2.TestNotificationResponse
    done = call(context, "AdminService/TestNotification", request, response, repeatable=False)
    output(context, as_json).one({"notifier": done.notifier, "sent": done.sent, "error": done.error})
    if not done.sent:
        raise typer.Exit(1)


@app.command(name="list")
@lists
def list_(
    context: typer.Context,
    state: Annotated[str, typer.Option("--state", help="Only waiting, sent or dead notifications.")] = "",
    profile: OnlyProfile = "",
    after: AfterPlace = "",
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List notifications, the newest first, one row for each device. Operators only.

    Example: chatctl notify list --state dead
    """
    if state and state not in STATES:
        raise typer.BadParameter(f"--state must be one of {', '.join(STATES)}")
    wanted = STATES.get(state, admin_pb2.NOTIFICATION_STATE_UNSPECIFIED)
    request = admin_pb2.ListNotificationsRequest(profile_id=profile, limit=limit, state=wanted, after=after)
    page = call(context, "AdminService/ListNotifications", request, admin_pb2.ListNotificationsResponse)
    more = next_page(page.more, page.next_after)
    output(context, as_json).rows(page.notifications, COLUMNS, more=more)


@app.command()
def retry(
    context: typer.Context,
    profile: OnlyProfile = "",
    device: OnlyDevice = "",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Try dead notifications again. Without --profile and --device: all, after a
    question. Operators only.

    Example: chatctl notify retry --profile bob
    """
    confirm("Try all dead notifications of all profiles again?", yes=yes or bool(profile or device))
    request = admin_pb2.RetryNotificationsRequest(profile_id=profile, device_id=device)
    output(context, as_json).one({"retried": run(context, lambda client: retry_dead(client, request))})


@app.command()
def drop(
    context: typer.Context,
    profile: OnlyProfile = "",
    device: OnlyDevice = "",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Forget dead notifications. Without --profile and --device: all, after a
    question. Operators only.

    Example: chatctl notify drop --profile bob
    """
    confirm("Forget all dead notifications of all profiles?", yes=yes or bool(profile or device))
    request = admin_pb2.DropNotificationsRequest(profile_id=profile, device_id=device)
    output(context, as_json).one({"dropped": run(context, lambda client: drop_dead(client, request))})


async def retry_dead(client: Client, request: admin_pb2.RetryNotificationsRequest) -> int:
    """Page by page; the number of all dead notifications that matched."""
    method, response = "AdminService/RetryNotifications", admin_pb2.RetryNotificationsResponse
    retried, more = 0, True
    while more:
        done = await client.call(method, request, response)
        retried, more = retried + done.retried, done.more
    return retried


async def drop_dead(client: Client, request: admin_pb2.DropNotificationsRequest) -> int:
    """Page by page; the number of all dead notifications that matched."""
    method, response = "AdminService/DropNotifications", admin_pb2.DropNotificationsResponse
    dropped, more = 0, True
    while more:
        done = await client.call(method, request, response)
        dropped, more = dropped + done.dropped, done.more
    return dropped
